// Holds globs against the files of a commit on a worker's thread: there are as many as somebody else makes.
import { createHash } from 'node:crypto'
import { matcher } from '@ansflow/proto/globs'
import { changedKey } from '@ansflow/proto/triggers/changed'
import { task } from '../../platform/worker-task.ts'

interface Asked {
  lists: readonly (readonly string[])[]
  /** As of `GitMirror.tree`, with \0 between them. */
  files: string
}

/** For `GitFacts.fileHashes`: one number for the paths and contents of all that match a list. */
export const hashFiles = task(({ lists, files }: Asked): Record<string, string> => {
  const all = files === '' ? [] : files.split('\0').map(fileOf)
  all.sort((a, b) => (a.path < b.path ? -1 : 1))
  return Object.fromEntries(lists.map((patterns) => [changedKey(patterns), hashOf(all, matcher(patterns))]))
})

interface File {
  path: string
  content: string
}

function fileOf(entry: string): File {
  const tab = entry.indexOf('\t')
  return { content: entry.slice(0, tab), path: entry.slice(tab + 1) }
}

function hashOf(files: readonly File[], takes: (path: string) => boolean): string {
  const hash = createHash('sha256')
  let count = 0
  for (const { path, content } of files) {
    if (!takes(path)) continue
    hash.update(`${path}\0${content}\n`)
    count++
  }
  return count === 0 ? '' : hash.digest('hex')
}
