// How a draft stands to the file of its pipeline, and what lets it follow that; on a worker's thread, as everything that reads drafts
// and files.
import { graphHash } from '@ansflow/proto/canonical'
import { mergeFiles } from '@ansflow/proto/merge-files'
import { parsePipeline } from '@ansflow/proto/pipeline-yaml'
import { task } from '../../platform/worker-task.ts'
import { changeTo, docOf, fileOf } from './draft-content.ts'
import { includedFrom, includeOf, projectWhole, readWhole } from './includes/read-whole.ts'
import type { ReadIncludes } from './includes/resolve-includes.ts'

interface Asked {
  updates: Uint8Array[]
  /** What the draft was made from; undefined: nobody knows. */
  base: string | undefined
  /** What the file says. */
  theirs: string
  /** Hash of the draft that was proposed last; empty: none was. */
  proposed: string
  /** Hashes of drafts that nobody has worked on. */
  unedited: string[]
  includes: ReadIncludes | undefined
}

/**
 * `holds`: all of the file is in the draft, or was when that was proposed; `follows`: the draft has nothing of its own, and `change` (V2)
 * lets it say what the file says; `apart`: somebody works on it.
 */
export const followDraft = task(({ updates, base, theirs, proposed, unedited, includes }: Asked) => {
  const doc = docOf(updates)
  const { graph, source, comments } = projectWhole(doc, { includes })
  const file = readWhole({ yaml: theirs, includes }).graph
  const [hash, theirHash] = [graphHash(graph), graphHash(file)]
  const include = includeOf(file)
  if (hash === theirHash || proposed === theirHash) return { include, stands: 'holds' as const }
  const { included } = includedFrom(includes)
  const hashOf = (yaml: string) => graphHash(parsePipeline(yaml, undefined, included).graph)
  const mine = fileOf(graph, source, comments, hash)
  const merged =
    mine === undefined || base === undefined ? undefined : mergeFiles({ base, mine, theirs }, 'mine', included)
  const clean = merged?.conflicts.length === 0 ? hashOf(merged.yaml) : undefined
  const follows = (yaml: string) => ({ include, stands: 'follows' as const, change: changeTo(doc, yaml) })
  if (merged && clean === theirHash) return follows(merged.yaml)
  if (unedited.includes(hash) || (base !== undefined && hashOf(base) === hash)) return follows(theirs)
  return { include, stands: clean === hash ? ('holds' as const) : ('apart' as const) }
})
