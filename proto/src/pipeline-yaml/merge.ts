// Three texts of one pipeline file: what is typed here and what others have done meanwhile come together by what the file says, not
// by its lines, so that nothing ends in another step's script and no key stands twice.
import { Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
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
  return { text: written(file.typed, mine, merged, styles), lost }
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
  const back = new Map([...(own ?? [])].map(([from, to]) => [to, from]))
  const keyOf = (key: string) => final.get(back.get(key) ?? key) ?? key
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
