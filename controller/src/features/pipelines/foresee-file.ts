// What taking a file would answer, with nothing kept: what it would write is written in a transaction that is given up.
import { runnable } from '@ansflow/proto/templates/write-out'
import type { EntityManager } from '../../platform/db.ts'
import { inTurns } from '../../platform/turns.ts'
import type { Change } from '../../transport/call.ts'
import { insertPipeline } from './create-pipeline.ts'
import { PipelineEntity, type PipelineRow } from './pipeline.entity.ts'
import { PipelineVersionEntity } from './pipeline-version.entity.ts'
import { type Content, publishContent } from './publish.ts'
import { graphOf } from './runnable-graph.ts'
import { headPublication, readFileToTake, type TakeFile, type TakeFileDeps, type TakenFile } from './take-file.ts'
import { followFile, otherOf } from './where-kept.ts'

type Deps = Pick<TakeFileDeps, 'db' | 'workers' | 'participants'>

/**
 * Of the files of one commit, one after the other: a new pipeline takes its name from the files behind its own, and has no id. Throws as
 * `takeFile` does.
 */
export function foreseeFiles(deps: Deps): (asked: TakeFile) => Promise<TakenFile> {
  const newNames = new Set<string>()
  return async (asked) => {
    const { file, scope, isHead } = asked
    const { taken, content } = await readFileToTake(deps, asked)
    if (!content) return taken
    const { problems, name } = taken
    const hash = content.versionHash
    const em = deps.db.em()
    const inProject = { projectId: scope.projectId }
    let known = await em.findOne(PipelineEntity, { repositoryId: file.repositoryId, filePath: file.path })
    if (!known && asked.ofStrangers) return { problems, name }
    if (!known) {
      const { other, leftTo } = await otherOf(em, asked, name)
      if (leftTo) return { problems, name, leftTo }
      known = other ?? null
    }
    if (!known) {
      const isTaken = newNames.has(name) || (await em.count(PipelineEntity, { projectId: scope.projectId, name })) > 0
      if (isTaken) return { problems, name }
      newNames.add(name)
    }
    const graph = await inTurns(runnable(await graphOf(content)))
    if (isHead && hash !== (await latestHash(em, known))) {
      const version = await nextVersion(deps, asked, content, known)
      return { problems, name, taken: { pipeline: { id: known?.id ?? '', name, ...inProject }, graph, version } }
    }
    if (!known) return { problems, name, taken: { pipeline: { id: '', name, ...inProject }, graph, version: 0 } }
    const where = { pipelineId: known.id, hash }
    const found = await em.findOne(PipelineVersionEntity, where, { orderBy: { number: 'desc' }, fields: ['number'] })
    return { problems, name, taken: { pipeline: known, graph, version: found?.number ?? 0 } }
  }
}

/** Of its latest version, with what that includes. */
async function latestHash(em: EntityManager, known: PipelineRow | null): Promise<string | undefined> {
  if (!known) return undefined
  const latest = { pipelineId: known.id, number: known.latestVersion }
  return (await em.findOne(PipelineVersionEntity, latest, { fields: ['hash'] }))?.hash
}

class GivenUp extends Error {}

/** Its number; throws what makes it impossible. */
async function nextVersion(
  { db, participants }: Deps,
  asked: TakeFile,
  content: Content,
  known: PipelineRow | null,
): Promise<number> {
  const { scope, file, now } = asked
  const { name, hash } = content
  let number = 0
  const change = async <T>(work: (em: EntityManager) => Promise<Change<T>>): Promise<T> => {
    let change: Change<T> | undefined
    try {
      await db.transaction(async (em) => {
        change = await work(em)
        throw new GivenUp()
      })
    } catch (error) {
      if (!(error instanceof GivenUp)) throw error
    }
    return change!.result
  }
  // Nothing of its draft is told to anybody: it is made without one.
  const seed = { name, hash, state: new Uint8Array() }
  await change(async (em) => {
    const id = known?.id ?? (await insertPipeline(em, scope.projectId, seed, now, file)).id
    if (known && known.repositoryId === null) await followFile(em, participants, known, file)
    const within: typeof change = async (work) => (await work(em)).result
    const publishing = { change: within, drafts: { announce: () => undefined }, participants }
    number = (await publishContent(publishing, headPublication(asked, id), content)).version.number
    return { result: undefined, resource: { kind: 'pipeline', id } }
  })
  return number
}
