// Three texts of one pipeline file: what is typed here and what others have done meanwhile come together by what the file says, not
// by its lines, so that nothing ends in another step's script and no key stands twice.
import { Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import {
  commentPath,
  commentsOf,
  type EntryComment,
  type FileComments,
  noComment,
  sameComment,
  withComments,
} from './comments.ts'
import { type LostValue, mergeTrees } from './merge-tree.ts'
import { type ReadPipeline, readPipeline } from './parse.ts'
import { renames } from './rename.ts'
import { patchedTree, stepStyles } from './render.ts'
import { Source } from './source.ts'
import type { StepStyle } from './step-tree.ts'
import { prettyTree, renderEntry } from './text.ts'
import { pipelineTree } from './tree.ts'
import { isMapTree, sameTree, type Tree, type TreeMap } from './tree-value.ts'

export type { LostValue } from './merge-tree.ts'

export interface TypedFile {
  /** What the document said when typing began. */
  base: string
  typed: string
  /** What the document says now. */
  theirs: string
  /** Steps that others have given another key since: the old one → the new one. */
  renamed?: ReadonlyMap<string, string>
  mergeText(base: string, mine: string, theirs: string): string
}

/** Undefined while one of the texts cannot be read: then there is nothing to bring together yet. */
export function mergeTyped(file: TypedFile): { text: string; lost: LostValue[] } | undefined {
  const [base, typed, theirs] = [file.base, file.typed, file.theirs].map((text) => readPipeline(text))
  if (!isWhole(base) || !isWhole(typed) || !isWhole(theirs)) return undefined
  const styles = stepStyles(new Source(file.typed, typed.document), typed.graph, typed.graph)
  for (const [from, to] of file.renamed ?? []) {
    const style = styles.get(from)
    if (style && !styles.has(to)) styles.set(to, style)
  }
  const [before, mine, others] = [base, typed, theirs].map(({ graph }) => pipelineTree(graph, styles))
  if (!before || !mine || !others) return undefined
  const renamedHere = stepRenames(before, mine)
  const renamedThere = new Map([...(file.renamed ?? []), ...stepRenames(before, others)])
  const final = new Map([...renamedThere, ...renamedHere])
  const lost: LostValue[] = []
  const merged = mergeTrees(
    withStepKeys(before, final),
    withStepKeys(mine, final, renamedHere),
    withStepKeys(others, final, renamedThere),
    {
      mergeText: file.mergeText,
      staysDeleted: (path) => path.length === 2 && path[0] === 'steps',
    },
    lost,
  )
  for (const [from, to] of final) {
    const style = styles.get(from)
    if (style && !styles.has(to)) styles.set(to, style)
  }
  const text = written(file.typed, mine, merged, styles)
  return { text: withComments(text, mergedComments(file, final, renamedHere, renamedThere)), lost }
}

type Whole = ReadPipeline & { document: NonNullable<ReadPipeline['document']> }

function isWhole(read: ReadPipeline | undefined): read is Whole {
  return read?.document !== undefined && read.unread.every(({ severity }) => severity !== Severity.ERROR)
}

function stepsOf(tree: TreeMap): TreeMap {
  const steps = tree.get('steps')
  return isMapTree(steps) ? steps : new Map()
}

function stepRenames(before: TreeMap, after: TreeMap): Map<string, string> {
  return renames(stepsOf(before), stepsOf(after))
}

/** The tree with the keys that its steps will have; `own`: those that this side has given itself. */
function withStepKeys(tree: TreeMap, final: ReadonlyMap<string, string>, own?: ReadonlyMap<string, string>): TreeMap {
  const keyOf = keysAfter(final, own)
  const steps: TreeMap = new Map()
  for (const [key, step] of stepsOf(tree)) steps.set(keyOf(key), isMapTree(step) ? withNeeds(step, keyOf) : step)
  return new Map([...tree].map(([key, value]) => [key, key === 'steps' ? steps : value]))
}

function withNeeds(step: TreeMap, keyOf: (key: string) => string): TreeMap {
  const needs = step.get('needs')
  if (!Array.isArray(needs)) return step
  const renamed = needs.map((need): Tree => {
    if (typeof need === 'string') return keyOf(need)
    if (!isMapTree(need)) return need
    return new Map(
      [...need].map(([key, value]) => [key, key === 'step' && typeof value === 'string' ? keyOf(value) : value]),
    )
  })
  return new Map([...step].map(([key, value]) => [key, key === 'needs' ? renamed : value]))
}

/** The comments that the others have changed; where it was changed here too, both stand there. */
function mergedComments(
  { base, typed, theirs }: TypedFile,
  final: ReadonlyMap<string, string>,
  ...[here, there]: readonly ReadonlyMap<string, string>[]
): FileComments {
  const [before, mine, others] = [
    commentsIn(base, final),
    commentsIn(typed, final, here),
    commentsIn(theirs, final, there),
  ] as const
  const changed = new Map<string, EntryComment>()
  for (const path of new Set([...before.keys(), ...others.keys()])) {
    const [was, my, their] = [before, mine, others].map((comments) => comments.get(path) ?? noComment) as [
      EntryComment,
      EntryComment,
      EntryComment,
    ]
    if (sameComment(was, their) || sameComment(my, their)) continue
    changed.set(path, sameComment(was, my) ? their : bothComments(was, my, their))
  }
  return changed
}

function bothComments(was: EntryComment, mine: EntryComment, theirs: EntryComment): EntryComment {
  const fresh = theirs.above.filter((line) => line !== '' && !was.above.includes(line) && !mine.above.includes(line))
  if (theirs.behind === was.behind || theirs.behind === mine.behind)
    return { above: [...mine.above, ...fresh], behind: mine.behind }
  if (mine.behind === was.behind) return { above: [...mine.above, ...fresh], behind: theirs.behind }
  return { above: [...mine.above, ...fresh, ...(theirs.behind ? [theirs.behind] : [])], behind: mine.behind }
}

/** With the keys that the steps will have. */
function commentsIn(text: string, final: ReadonlyMap<string, string>, own?: ReadonlyMap<string, string>): FileComments {
  const keyOf = keysAfter(final, own)
  return new Map(
    [...commentsOf(text)].map(([path, comment]) => {
      const [root = '', step, ...rest] = path.split('\n')
      return [root === 'steps' && step !== undefined ? commentPath([root, keyOf(step), ...rest]) : path, comment]
    }),
  )
}

function keysAfter(final: ReadonlyMap<string, string>, own?: ReadonlyMap<string, string>): (key: string) => string {
  const back = new Map([...(own ?? [])].map(([from, to]) => [to, from]))
  return (key) => final.get(back.get(key) ?? key) ?? key
}

/** `text`, which says `before`, changed so that it says `after`; written anew where it is written too unusually. */
function written(text: string, before: TreeMap, after: TreeMap, styles: ReadonlyMap<string, StepStyle>): string {
  if (sameTree(before, after)) return text
  const { document } = readPipeline(text)
  if (document === undefined) return prettyTree(after)
  const says = (result: string) => {
    const read = readPipeline(result)
    return isWhole(read) && sameTree(pipelineTree(read.graph, styles), after)
  }
  return patchedTree(new Source(text, document), before, after, says) ?? prettyTree(after)
}

/** What was lost, as it would stand in the file. */
export function lostText({ path, value }: LostValue): string {
  if (typeof value === 'string') return value
  return renderEntry(path.at(-1) ?? '', value, { indent: 0, flow: false, step: 2 })
}

/** The file with what was lost in it again, in place of what stands there; undefined when it cannot be read now. */
export function putBack(text: string, { path, value }: LostValue): string | undefined {
  const read = readPipeline(text)
  if (!isWhole(read)) return undefined
  const styles = stepStyles(new Source(text, read.document), read.graph, read.graph)
  const before = pipelineTree(read.graph, styles)
  const after = withValue(before, path, value)
  return after && written(text, before, after, styles)
}

function withValue(tree: TreeMap, [key, ...rest]: readonly string[], value: Tree): TreeMap | undefined {
  if (key === undefined) return undefined
  const inner = tree.get(key)
  const next = rest.length === 0 ? value : withValue(isMapTree(inner) ? inner : new Map(), rest, value)
  return next === undefined ? undefined : new Map([...tree, [key, next]])
}
