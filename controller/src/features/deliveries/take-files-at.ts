// All files of pipelines at a commit. One may run a pipeline that a later file makes: what is refused is asked again once others were taken.
import type { GitMirror } from '../../platform/git/git.ts'
import type { StillHead } from '../pipelines/index.ts'
import type { RepositoryRow } from '../repositories/index.ts'
import { type TakeDeps, type TakenAt, takeFileAt } from './take-file-at.ts'

/** What is asked of one repository. */
const mostFiles = 100
/** As deep as runs may start runs. */
const mostRounds = 10

/** By path, in the order of the files. Throws `GitError`. */
export async function takeFilesAt(
  deps: TakeDeps,
  where: { repository: RepositoryRow; mirror: GitMirror },
  asked: { commit: string; isHead: false | StillHead; ofStrangers: boolean },
): Promise<Map<string, TakenAt>> {
  const taken = new Map<string, TakenAt>()
  let left = await pipelineFiles(where.mirror, asked.commit)
  for (let round = 0; round < mostRounds && left.length > 0; round++) {
    const refused: string[] = []
    let isMade = false
    for (const path of left) {
      const answer = await takeFileAt(deps, where, { path, ...asked })
      taken.set(path, answer)
      isMade ||= 'isMade' in answer
      if ('why' in answer) refused.push(path)
    }
    left = isMade ? refused : []
  }
  return taken
}

async function pipelineFiles(mirror: GitMirror, commit: string): Promise<string[]> {
  const isFile = (name: string) => /\.ya?ml$/.test(name)
  const top = (await mirror.list(commit, '')).filter((name) => /^\.?ansflow\.ya?ml$/.test(name))
  const inside = (await mirror.list(commit, '.ansflow')).filter(isFile).map((name) => `.ansflow/${name}`)
  return [...top, ...inside].filter((path) => path.length <= 255).slice(0, mostFiles)
}

/** Of which versions were made. */
export function pathsMade(taken: ReadonlyMap<string, TakenAt>): string[] {
  return [...taken].flatMap(([path, answer]) => ('isMade' in answer ? [path] : []))
}
