import {
  addStep,
  applyGraph,
  newDoc,
  projectShape,
  setDeleted,
  setSetting,
  setStepField,
  stepText,
} from '@ansflow/proto/pipeline-doc'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { mergeSummary } from './merge-summary.ts'

const me = { user: 'me' }
const you = { user: 'you' }

/** Both change a copy; then both are merged, as Yjs merges. */
function merge(mine: (doc: Y.Doc, ids: string[]) => void, theirs: (doc: Y.Doc, ids: string[]) => void) {
  const doc = newDoc()
  const ids = ['one', 'two'].map((key, n) =>
    addStep(doc, { type: 'custom', key, pos: { x: n * 300, y: 0 }, params: { script: 'echo' } }, me),
  )
  const other = new Y.Doc()
  Y.applyUpdate(other, Y.encodeStateAsUpdate(doc))
  const before = projectShape(doc).graph
  mine(doc, ids)
  const withMine = projectShape(doc).graph
  theirs(other, ids)
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(other))
  return { summary: mergeSummary(before, withMine, projectShape(doc).graph), doc }
}

it('counts both and needs no look when they changed different things, or the same script', () => {
  const { summary } = merge(
    (doc, [one]) => {
      setStepField(doc, one!, 'cfg.timeout', 60_000, me)
      stepText(doc, one!, 'script')?.insert(4, ' mine')
    },
    (doc, [one, two]) => {
      setStepField(doc, two!, 'name', 'Second', you)
      stepText(doc, one!, 'script')?.insert(0, 'their; ')
    },
  )
  expect(summary).toEqual({ mine: 1, others: 2, conflicts: [] })
})

it('shows a field that both changed when mine was lost, and a step that went while I wrote in it', () => {
  for (let n = 0; n < 20; n += 1) {
    const { summary, doc } = merge(
      (mine, [one, two]) => {
        setStepField(mine, one!, 'name', 'Mine', me)
        setStepField(mine, two!, 'name', 'Written', me)
        setSetting(mine, 'name', 'p', me)
      },
      (theirs, [one, two]) => {
        setStepField(theirs, one!, 'name', 'Theirs', you)
        setDeleted(theirs, [two!], true, you)
      },
    )
    const lost = projectShape(doc).graph.steps[0]?.name === 'Theirs'
    expect(summary.mine).toBe(3)
    expect(summary.conflicts).toEqual([
      ...(lost ? [{ key: 'one', title: 'Mine', field: 'name', mine: 'Mine', now: 'Theirs' }] : []),
      { key: 'two', title: 'Written', field: '', mine: '', now: '' },
    ])
  }
})

it('finds nothing where nothing happened', () => {
  const { summary } = merge(
    () => undefined,
    (doc) => applyGraph(doc, projectShape(doc).graph, '', you),
  )
  expect(summary).toEqual({ mine: 0, others: 0, conflicts: [] })
})
