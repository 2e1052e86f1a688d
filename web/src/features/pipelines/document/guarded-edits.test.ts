// What the controller would not take is not done: it answers that nothing was made, tells why, and leaves undo as it was.
import { addSteps, createGate, createUndo, maxSteps, newDoc, projectShape } from '@ansflow/proto/pipeline-doc'
import { parsePipeline } from '@ansflow/proto/pipeline-yaml'
import { expect, it } from 'vitest'
import type * as Y from 'yjs'
import { createGuardedEdits, refusedEdits } from './guarded-edits.ts'

function editsOf(ydoc: Y.Doc) {
  const origin = { user: 'u' }
  const undo = createUndo(ydoc, origin)
  const told: string[] = []
  const edit = createGuardedEdits({
    ydoc,
    origin,
    undo,
    gate: createGate(ydoc),
    view: () => ({ steps: new Map(), edges: new Map() }),
    onRefused: ({ code }) => told.push(code),
  })
  return { edit, undo, told, origin, keys: () => projectShape(ydoc).graph.steps.map(({ id }) => id) }
}
const place = { x: 0, y: 0 }
const long = 'x'.repeat(300_000)

it('takes what fits and refuses what does not, wherever it comes from', () => {
  const ydoc = newDoc()
  const { edit, undo, told, keys } = editsOf(ydoc)
  const id = edit.add({ type: 'custom', at: place, script: 'make' }) ?? ''
  expect(keys()).toEqual(['script'])
  const [stack, refused] = [undo.state().undo, refusedEdits.value]

  expect(edit.add({ type: 'custom', at: place, script: long })).toBeUndefined()
  edit.field(id, 'params.script', long)
  edit.field(id, 'name', long)
  edit.env(id, 'A', long)
  edit.setting('description', long)
  expect(edit.paste(`name: p\nsteps:\n  huge:\n    run: ${long}\n`, place)).toBeUndefined()
  const yaml = `name: p\nsteps:\n  huge:\n    run: make # ${long}\n`
  expect(edit.apply(parsePipeline(yaml).graph, yaml, 'yaml')?.code).toBe('change_large')

  expect(told).toEqual(Array(6).fill('change_large'))
  expect(refusedEdits.value).toBe(refused + 7)
  expect(undo.state().undo).toEqual(stack)
  expect(projectShape(ydoc).graph.steps.map(({ id: key, with: params }) => [key, params])).toEqual([
    ['script', { script: 'make' }],
  ])
  edit.field(id, 'name', 'Make')
  expect(projectShape(ydoc).graph.steps[0]?.name).toBe('Make')
})

it('lets no step in beyond the last, however it is made', () => {
  const ydoc = newDoc()
  const { edit, told, origin, keys } = editsOf(ydoc)
  const ids = addSteps(ydoc, Array(maxSteps - 1).fill({ type: 'custom', pos: place }), origin)
  const last = edit.add({ type: 'custom', at: place }) ?? ''
  expect(keys()).toHaveLength(maxSteps)
  expect(edit.add({ type: 'custom', at: place })).toBeUndefined()
  expect(edit.duplicate([last], place)).toBeUndefined()
  expect(edit.paste('name: p\nsteps: { one: { run: a } }\n', place)).toBeUndefined()
  edit.remove([last])
  expect(edit.duplicate(ids.slice(0, 1), place)).toHaveLength(1)
  edit.restore([last])
  expect(told).toEqual(Array(4).fill('canvas_steps'))
  expect(keys()).toHaveLength(maxSteps)
})
