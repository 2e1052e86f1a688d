// Nothing that writes into a document writes what cannot be stored: the controller refuses a change that does.
import { PipelineGraphSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { findUnstorable } from '../characters.ts'
import {
  addInput,
  addStep,
  applyGraph,
  connect,
  newDoc,
  pasteYaml,
  renameEnv,
  renameStep,
  setEnv,
  setInput,
  setSetting,
  setStepField,
} from '../pipeline-doc.ts'

describe('what cannot be stored', () => {
  const bad = 'a\0b\ud83d'
  const doc = newDoc()
  const origin = { user: 'u' }
  const id = addStep(
    doc,
    {
      type: 'custom',
      key: 'one',
      name: bad,
      pos: { x: 0, y: 0 },
      params: { script: bad, [bad]: { [bad]: [bad] } },
      cfg: { when: bad },
      env: [{ name: bad, value: bad }],
    },
    origin,
  )
  const writers: Record<string, () => unknown> = {
    addStep: () => id,
    field: () => setStepField(doc, id, 'name', `${bad}2`, origin),
    config: () => setStepField(doc, id, 'cfg.runsOn', [bad], origin),
    param: () => setStepField(doc, id, `params.${bad}`, { [bad]: bad }, origin),
    text: () => setStepField(doc, id, 'params.script', `${bad}x`, origin),
    rename: () => renameStep(doc, id, bad, origin),
    env: () => setEnv(doc, id, `${bad}2`, bad, origin),
    renameEnv: () => renameEnv(doc, id, 'ab\ufffd2', `${bad}3`, origin),
    connect: () =>
      connect(doc, id, addStep(doc, { type: 'custom', pos: { x: 0, y: 0 } }, origin), origin, { condition: bad }),
    input: () =>
      setInput(doc, addInput(doc, { name: bad, description: bad }, origin), { default: bad, options: [bad] }, origin),
    setting: () => setSetting(doc, 'description', bad, origin),
    paste: () => pasteYaml(doc, 'name: p\nsteps:\n  x: { name: "a\\0", run: "b\\ud83d" }\n', { x: 0, y: 0 }, origin),
    apply: () =>
      applyGraph(
        doc,
        create(PipelineGraphSchema, { name: bad, steps: [{ id: 'y', name: bad, uses: 'custom' }] }),
        bad,
        origin,
      ),
  }
  it.each(Object.keys(writers))('%s leaves it out', (writer) => {
    const before = Y.encodeStateVector(doc)
    writers[writer]?.()
    if (writer !== 'addStep') expect(Y.encodeStateVector(doc)).not.toEqual(before)
    const whole = Object.fromEntries([...doc.share.keys()].map((root) => [root, doc.getMap(root).toJSON()]))
    expect(findUnstorable(whole)).toBeUndefined()
  })
})
