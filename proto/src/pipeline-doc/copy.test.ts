import { expect, it } from 'vitest'
import {
  addStep,
  connect,
  copySteps,
  createUndo,
  type EditOrigin,
  newDoc,
  pasteYaml,
  project,
  projectShape,
  setSetting,
  setStepField,
} from '../pipeline-doc.ts'

const me: EditOrigin = { user: 'me' }

function twoSteps() {
  const doc = newDoc()
  setSetting(doc, 'name', 'copied from', me)
  const a = addStep(doc, { type: 'custom', key: 'a', pos: { x: 0, y: 0 }, params: { script: 'make' } }, me)
  const b = addStep(doc, { type: 'custom', key: 'b', pos: { x: 300, y: 0 }, params: { script: 'true' } }, me)
  const outside = addStep(
    doc,
    { type: 'custom', key: 'outside', pos: { x: 0, y: 300 }, params: { script: 'true' } },
    me,
  )
  connect(doc, a, b, me, { kind: 'always' })
  connect(doc, outside, b, me)
  setStepField(doc, a, 'cfg.outputs', ['x'], me)
  setStepField(doc, b, 'cfg.when', "steps.a.outputs.x == '1'", me)
  return { doc, a, b }
}

it('copied steps are a pipeline file, with the edges among them', () => {
  const { doc, a, b } = twoSteps()
  const yaml = copySteps(doc, [b, a])
  expect(yaml).toContain('steps:')
  const other = newDoc()
  const { nodeIds, problems } = pasteYaml(other, yaml, { x: 100, y: 50 }, me)
  expect(problems.filter(({ code }) => code !== 'empty')).toEqual([])
  expect(nodeIds).toHaveLength(2)
  expect(projectShape(other).graph.steps).toMatchObject([
    { id: 'a', with: { script: 'make' }, position: { x: 100, y: 50 } },
    { id: 'b', needs: [{ stepId: 'a', kind: 3 }], when: "steps.a.outputs.x == '1'" },
  ])
})

it('pasting where the keys are taken renames keys and what names them, as one undoable change', () => {
  const { doc, a, b } = twoSteps()
  const undo = createUndo(doc, me)
  pasteYaml(doc, copySteps(doc, [a, b]), { x: 0, y: 600 }, me)
  const steps = projectShape(doc).graph.steps
  expect(steps.map(({ id }) => id)).toEqual(['a', 'b', 'outside', 'a-2', 'b-2'])
  expect(steps[4]).toMatchObject({ needs: [{ stepId: 'a-2' }], when: `steps["a-2"].outputs.x == '1'` })
  expect(project(doc).problems.filter(({ severity }) => severity === 1)).toEqual([])
  undo.undo()
  expect(projectShape(doc).graph.steps.map(({ id }) => id)).toEqual(['a', 'b', 'outside'])
})

it('text that is no pipeline adds nothing and says why', () => {
  const doc = newDoc()
  const { nodeIds, problems } = pasteYaml(doc, 'just words', { x: 0, y: 0 }, me)
  expect(nodeIds).toEqual([])
  expect(problems.length).toBeGreaterThan(0)
})
