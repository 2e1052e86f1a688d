// Owns writing the comments of an applied text into the shared document: those alone that the text changes.
import type * as Y from 'yjs'
import { commentsOf, type EntryComment, noComment, sameComment } from '../pipeline-yaml/comments.ts'
import { renderPipeline } from '../pipeline-yaml/render.ts'
import { commentKey } from './comments.ts'
import { projectShape } from './project.ts'
import { type Plain, put, rootsOf, seedOrigin } from './shape.ts'

export interface ChangedComment {
  path: string
  before: EntryComment
  after: EntryComment
}

/** Between what the document says as a file and `text`. A document without a text of its own takes those of the text with it. */
export function changedComments(doc: Y.Doc, text: string): ChangedComment[] {
  const { graph, source, comments } = projectShape(doc)
  if (text === '' || (source === '' && comments.size === 0)) return []
  const [before, after] = [commentsOf(renderPipeline(graph, source, comments)), commentsOf(text)]
  const paths = new Set([...before.keys(), ...after.keys()])
  return [...paths].flatMap((path) => {
    const change = { path, before: before.get(path) ?? noComment, after: after.get(path) ?? noComment }
    return sameComment(change.before, change.after) ? [] : [change]
  })
}

/**
 * The first half, which undo does not see: what stood there stands in the document too, so that undo has something to go back to.
 * Answers the second half, for within the transaction.
 */
export function writeComments(
  doc: Y.Doc,
  changes: readonly ChangedComment[],
  nodeIds: ReadonlyMap<string, string>,
): () => void {
  const { comments } = rootsOf(doc)
  const known = changes.flatMap((change) => {
    const key = commentKey(change.path, nodeIds)
    return key === undefined ? [] : [{ ...change, key }]
  })
  const fresh = known.filter(({ key }) => !comments.has(key))
  if (fresh.length > 0) {
    doc.transact(() => {
      for (const { key, before } of fresh) put(comments, key, plain(before))
    }, seedOrigin)
  }
  return () => {
    for (const { key, after } of known) put(comments, key, plain(after))
  }
}

function plain({ above, behind }: EntryComment): Plain {
  return { above: [...above], behind }
}
