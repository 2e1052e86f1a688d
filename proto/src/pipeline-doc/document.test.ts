import { NeedKind, OnLost, RetryOn } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import {
  addInput,
  addStep,
  connect,
  disconnect,
  duplicateSteps,
  type EditOrigin,
  edgeKey,
  moveSteps,
  newDoc,
  projectShape,
  renameStep,
  rootsOf,
  setDeleted,
  setEdge,
  setEnv,
  setManualTrigger,
  setSetting,
  setStepField,
  setStepOrder,
  setStepType,
  stepText,
} from '../pipeline-doc.ts'

const me: EditOrigin = { user: 'me' }
const you: EditOrigin = { user: 'you' }
const at = { x: 0, y: 0 }

/** Another replica of the same document. */
function replica(doc: Y.Doc): Y.Doc {
  const other = new Y.Doc()
  Y.applyUpdate(other, Y.encodeStateAsUpdate(doc))
  return other
}

function sync(...docs: Y.Doc[]): void {
  const all = Y.mergeUpdates(docs.map((doc) => Y.encodeStateAsUpdate(doc)))
  for (const doc of docs) Y.applyUpdate(doc, all)
}

function codes(doc: Y.Doc): string[] {
  return projectShape(doc).problems.map(({ code }) => code)
}

describe('project', () => {
  it('reads what the operations wrote', () => {
    const doc = newDoc()
    const build = addStep(doc, { type: 'build', pos: at, params: { script: 'make' } }, me)
    const test = addStep(doc, { type: 'test', pos: { x: 300, y: 0 }, name: 'All tests' }, me)
    connect(doc, build, test, me, { condition: 'inputs.full' })
    setStepField(doc, test, 'cfg.retry.max', 2, me)
    setStepField(doc, test, 'cfg.retry.on', ['lost'], me)
    setStepField(doc, test, 'cfg.onLost', 'retry', me)
    setStepField(doc, test, 'cfg.runsOn', ['linux'], me)
    setStepField(doc, test, 'on', false, me)
    setEnv(doc, test, 'B', '2', me)
    setEnv(doc, test, 'A', '1', me)
    setEnv(doc, null, 'GLOBAL', 'x', me)
    setSetting(doc, 'name', 'pipeline', me)
    setManualTrigger(doc, true, me)
    addInput(doc, { name: 'full', type: 'boolean', default: true }, me)
    const { graph, suspended, problems } = projectShape(doc)
    expect(problems).toEqual([])
    expect(suspended).toEqual([])
    expect(graph.name).toBe('pipeline')
    expect(graph.triggers?.manual).toBe(true)
    expect(graph.env).toMatchObject([{ name: 'GLOBAL', value: 'x' }])
    expect(graph.inputs).toMatchObject([{ name: 'full', defaultValue: { kind: { case: 'boolValue', value: true } } }])
    expect(graph.steps).toMatchObject([
      { id: 'build', uses: 'build', with: { script: 'make' }, nodeId: build },
      {
        id: 'test',
        name: 'All tests',
        needs: [{ stepId: 'build', kind: NeedKind.SUCCESS, condition: 'inputs.full' }],
        retry: { max: 2, on: [RetryOn.LOST] },
        onLost: OnLost.RETRY,
        runsOn: ['linux'],
        disabled: true,
        env: [
          { name: 'B', value: '2' },
          { name: 'A', value: '1' },
        ],
        position: { x: 300, y: 0 },
      },
    ])
  })

  it('gives a taken key a suffix, in the projection only', () => {
    const doc = newDoc()
    const first = addStep(doc, { type: 'build', key: 'build', pos: at }, me)
    const other = replica(doc)
    const mine = addStep(doc, { type: 'build', key: 'x', pos: at }, me)
    const yours = addStep(other, { type: 'build', key: 'x', pos: at }, you)
    sync(doc, other)
    const keys = projectShape(doc).graph.steps.map(({ id }) => id)
    expect(keys).toEqual(['build', 'x', 'x-2'])
    expect(codes(doc)).toEqual(['step_key_taken'])
    expect(
      [mine, yours].map((id) => rootsOf(doc).nodes.get(id)).map((map) => (map as Y.Map<unknown>).get('key')),
    ).toEqual(['x', 'x'])
    expect(projectShape(other).graph.steps.map(({ nodeId }) => nodeId)[0]).toBe(first)
  })

  it('suspends the later of two edges that close a cycle, on both sides the same', () => {
    const doc = newDoc()
    const [a, b] = ['a', 'b'].map((key) => addStep(doc, { type: 'custom', key, pos: at }, me)) as [string, string]
    const other = replica(doc)
    connect(doc, a, b, me)
    connect(other, b, a, you)
    sync(doc, other)
    expect(projectShape(doc).suspended).toEqual([edgeKey(b, 'success', a)])
    expect(projectShape(other).suspended).toEqual(projectShape(doc).suspended)
    expect(codes(doc)).toEqual(['edge_suspended'])
    disconnect(doc, [edgeKey(a, 'success', b)], me)
    expect(projectShape(doc).suspended).toEqual([])
  })

  it('keeps the later of two kinds of edge between the same two steps', () => {
    const doc = newDoc()
    const [a, b] = ['a', 'b'].map((key) => addStep(doc, { type: 'custom', key, pos: at }, me)) as [string, string]
    const key = connect(doc, a, b, me) as string
    const other = replica(doc)
    setEdge(doc, key, { kind: 'failure' }, me)
    setEdge(other, key, { kind: 'always' }, you)
    sync(doc, other)
    expect(projectShape(doc).graph.steps[1]?.needs).toMatchObject([{ stepId: 'a', kind: NeedKind.ALWAYS }])
    expect(codes(doc)).toEqual(['edge_doubled'])
    disconnect(doc, [edgeKey(a, 'always', b)], me)
    expect(projectShape(doc).edges).toEqual([])
  })

  it('hides edges of deleted steps and brings them back with the step', () => {
    const doc = newDoc()
    const [a, b] = ['a', 'b'].map((key) => addStep(doc, { type: 'custom', key, pos: at }, me)) as [string, string]
    connect(doc, a, b, me)
    setDeleted(doc, [a], true, me)
    expect(projectShape(doc).graph.steps).toMatchObject([{ id: 'b', needs: [] }])
    expect(projectShape(doc).deleted).toMatchObject([{ nodeId: a, key: 'a', by: 'me' }])
    setDeleted(doc, [a], false, me)
    expect(projectShape(doc).graph.steps[1]?.needs).toMatchObject([{ stepId: 'a' }])
  })

  it('survives values of the wrong kind', () => {
    const doc = newDoc()
    const { nodes, edges, inputs, vars, settings } = rootsOf(doc)
    nodes.set('n_bad', new Y.Map())
    nodes.set('n_worse', 'text')
    nodes.set(
      'n_odd',
      new Y.Map<unknown>([
        [
          'params',
          new Y.Map<unknown>([
            ['deep', { nan: Number.NaN }],
            ['bytes', new Uint8Array(2)],
            ['__proto__', {}],
          ]),
        ],
        [
          'cfg',
          new Y.Map<unknown>([
            ['retry.max', 400],
            ['timeout', -1],
            ['runsOn', [1, 'a']],
          ]),
        ],
      ]),
    )
    edges.set('nonsense', 1)
    edges.set('n_bad:success>n_odd', null)
    inputs.set('i', 'x')
    vars.set('v', 3)
    settings.set('timeout', 'soon')
    const { graph, problems } = projectShape(doc)
    expect(graph.steps.map(({ id, uses }) => [id, uses])).toEqual([
      ['step', 'custom'],
      ['step-2', 'custom'],
    ])
    const odd = graph.steps.find(({ nodeId }) => nodeId === 'n_odd')
    expect(odd).toMatchObject({ with: {}, retry: { max: 20 }, timeoutMs: 0, runsOn: ['a'] })
    expect(problems.map(({ code }) => code).sort()).toEqual([
      'step_key_taken',
      'value_clamped',
      'value_clamped',
      'value_missing',
      'value_missing',
    ])
  })
})

describe('operations', () => {
  it('rename a key together with the expressions that name it', () => {
    const doc = newDoc()
    const a = addStep(doc, { type: 'custom', key: 'a', pos: at }, me)
    const b = addStep(
      doc,
      { type: 'custom', key: 'b', pos: at, params: { script: 'echo ${{ steps.a.outputs.x }} steps.a' } },
      me,
    )
    setStepField(doc, b, 'cfg.when', "steps.a.status == 'failed' || steps['a'].outputs.y == '1' || mysteps.a", me)
    setEnv(doc, b, 'X', '${{ steps.ab.outputs.x + steps.a.outputs.x }}', me)
    expect(renameStep(doc, a, 'b', me)).toBe('b-2')
    expect(projectShape(doc).graph.steps[1]).toMatchObject({
      with: { script: 'echo ${{ steps["b-2"].outputs.x }} steps.a' },
      when: `steps["b-2"].status == 'failed' || steps['b-2'].outputs.y == '1' || mysteps.a`,
      env: [{ value: '${{ steps.ab.outputs.x + steps["b-2"].outputs.x }}' }],
    })
    renameStep(doc, a, 'first', me)
    expect(projectShape(doc).graph.steps[1]?.env[0]?.value).toBe('${{ steps.ab.outputs.x + steps["first"].outputs.x }}')
  })

  it('merge two people typing in one script', () => {
    const doc = newDoc()
    const step = addStep(doc, { type: 'custom', pos: at, params: { script: 'one\ntwo\n' } }, me)
    const other = replica(doc)
    setStepField(doc, step, 'params.script', 'ONE\ntwo\n', me)
    setStepField(other, step, 'params.script', 'one\ntwo\nthree\n', you)
    sync(doc, other)
    expect(projectShape(doc).graph.steps[0]?.with).toEqual({ script: 'ONE\ntwo\nthree\n' })
  })

  it('keep both people’s fields when one changes the type', () => {
    const doc = newDoc()
    const step = addStep(doc, { type: 'fetch_code', pos: at }, me)
    const other = replica(doc)
    setStepType(doc, step, 'custom', me)
    setStepType(other, step, 'test', you)
    stepText(doc, step, 'script')?.insert(0, 'a')
    stepText(other, step, 'script')?.insert(0, 'b')
    sync(doc, other)
    expect(projectShape(doc).graph.steps[0]?.with?.script).toMatch(/^(ab|ba)$/)
  })

  it('order, move and duplicate steps', () => {
    const doc = newDoc()
    const ids = ['a', 'b', 'c'].map((key) => addStep(doc, { type: 'custom', key, pos: at }, me)) as [
      string,
      string,
      string,
    ]
    connect(doc, ids[0], ids[1], me)
    setStepOrder(doc, ids[2], undefined, me)
    addStep(doc, { type: 'custom', key: 'd', pos: at, after: ids[0] }, me)
    expect(projectShape(doc).graph.steps.map(({ id }) => id)).toEqual(['c', 'a', 'd', 'b'])
    moveSteps(doc, new Map([[ids[0], { x: 5, y: 6 }]]), me)
    const copies = duplicateSteps(doc, [ids[0], ids[1]], { x: 10, y: 10 }, me)
    const steps = projectShape(doc).graph.steps.filter(({ nodeId }) => copies.includes(nodeId))
    expect(steps).toMatchObject([
      { id: 'a-2', position: { x: 15, y: 16 } },
      { id: 'b-2', needs: [{ stepId: 'a-2' }] },
    ])
  })

  it('write nothing when nothing changes', () => {
    const doc = newDoc()
    const step = addStep(doc, { type: 'custom', pos: at }, me)
    let updates = 0
    doc.on('update', () => {
      updates += 1
    })
    setStepField(doc, step, 'name', '', me)
    setStepField(doc, step, 'cfg.timeout', undefined, me)
    setDeleted(doc, [step], false, me)
    moveSteps(doc, new Map([[step, at]]), me)
    expect(updates).toBe(0)
  })
})
