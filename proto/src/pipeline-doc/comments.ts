// Owns the file's comments in the shared document: each is one value under the entry that it belongs to, steps by their node id, so
// that people who write comments at the same time all keep theirs. What nobody has changed since the text came is in the text.
import type * as Y from 'yjs'
import { commentPath, type EntryComment, type FileComments } from '../pipeline-yaml/comments.ts'
import { isRecord } from './shape.ts'

/** The key of an entry: as in the file, but with a step's node id for its key. Undefined: of a step that is not there. */
export function commentKey(path: string, nodeIds: ReadonlyMap<string, string>): string | undefined {
  const [root, step, ...rest] = path.split('\n')
  if (root !== 'steps' || step === undefined) return path
  const node = nodeIds.get(step)
  return node && commentPath([root, node, ...rest])
}

/** `keys`: of the steps, by node id. */
export function projectComments(comments: Y.Map<unknown>, keys: ReadonlyMap<string, string>): FileComments {
  const found = new Map<string, EntryComment>()
  for (const [key, value] of comments) {
    const path = commentKey(key, keys)
    if (path !== undefined) found.set(path, readComment(value))
  }
  return found
}

function readComment(value: unknown): EntryComment {
  const comment = isRecord(value) ? value : {}
  const above = Array.isArray(comment['above']) ? comment['above'] : []
  return {
    above: above.flatMap((line) => (typeof line === 'string' && isLine(line) ? [line] : [])),
    behind: typeof comment['behind'] === 'string' && isLine(comment['behind']) ? comment['behind'] : '',
  }
}

/** Others could have written anything: what is no comment would become a part of the file. */
function isLine(text: string): boolean {
  return (text === '' || /^ *#/.test(text)) && !/[\r\n]/.test(text)
}
