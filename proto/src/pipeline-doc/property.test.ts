import {
  InputDefinitionSchema,
  type PipelineGraph,
  PipelineGraphSchema,
  type RetryOn,
  StepDefinitionSchema,
} from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create, toJson } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { canonicalGraph } from '../canonical.ts'
import { findCycle } from '../graph.ts'
import {
  addSteps,
  applyGraph,
  connect,
  createShapeReader,
  createUndo,
  disconnect,
  type EditOrigin,
  moveSteps,
  newDoc,
  type Projection,
  projectShape,
  renameStep,
  rootsOf,
  type ShapeReader,
  setDeleted,
  setEdge,
  setEnv,
  setStepField,
  setStepOrder,
  setStepType,
  stepText,
  type Undo,
} from '../pipeline-doc.ts'

interface Peer {
  doc: Y.Doc
  origin: EditOrigin
  undo: Undo
  reader: ShapeReader
  /** Updates on their way to this peer. */
  inbox: Uint8Array[]
}

type Action = { kind: string; peer: number; a: number; b: number; text: string }

const actionKinds = [
  'add',
  'add',
  'connect',
  'connect',
  'connect',
  'connect',
  'connect',
  'connect',
  'disconnect',
  'setEdge',
  'delete',
  'restore',
  'restore',
  'move',
  'name',
  'key',
  'type',
  'type text',
  'cfg',
  'env',
  'order',
  'undo',
  'undo',
  'redo',
  'deliver',
  'deliver',
  'deliver twice',
  'deliver last',
  'apply',
] as const

const action: fc.Arbitrary<Action> = fc.record({
  kind: fc.constantFrom(...actionKinds),
  peer: fc.nat(2),
  a: fc.nat(30),
  b: fc.nat(30),
  text: fc.string({ unit: 'binary', maxLength: 5 }),
})

function startPeers(): Peer[] {
  const seeded = newDoc()
  // Enough steps that edges meet, and cycles close.
  addSteps(
    seeded,
    ['a', 'b', 'c', 'd', 'e'].map((key) => ({ type: 'custom', key, pos: { x: 0, y: 0 } })),
    { user: 'seed' },
  )
  const seed = Y.encodeStateAsUpdate(seeded)
  const peers = [0, 1, 2].map((n): Peer => {
    const doc = new Y.Doc()
    doc.clientID = n + 1
    Y.applyUpdate(doc, seed)
    const origin: EditOrigin = { user: `user${n % 2}` }
    return { doc, origin, undo: createUndo(doc, origin), reader: createShapeReader(doc), inbox: [] }
  })
  for (const peer of peers) {
    peer.doc.on('update', (update: Uint8Array, from: unknown) => {
      if (from === 'remote') return
      for (const other of peers) if (other !== peer) other.inbox.push(update)
    })
  }
  return peers
}

function pick<T>(list: readonly T[], index: number): T | undefined {
  return list.length === 0 ? undefined : list[index % list.length]
}

function deliver(peer: Peer, index: number, times: number): void {
  const [update] = peer.inbox.splice(index, 1)
  for (let n = 0; update && n < times; n += 1) Y.applyUpdate(peer.doc, update, 'remote')
}

function perform(peers: readonly Peer[], { kind, peer: number, a, b, text }: Action): void {
  const peer = peers[number] as Peer
  const { doc, origin } = peer
  const ids = [...rootsOf(doc).nodes.keys()]
  const edges = [...rootsOf(doc).edges.keys()]
  const one = pick(ids, a)
  const two = pick(ids, b)
  const edge = pick(edges, a)
  if (kind === 'add')
    addSteps(doc, [{ type: 'custom', key: `k${b % 4}`, pos: { x: a, y: b }, params: { script: text } }], origin)
  else if (kind === 'deliver') deliver(peer, a % Math.max(1, peer.inbox.length), 1)
  else if (kind === 'deliver twice') deliver(peer, a % Math.max(1, peer.inbox.length), 2)
  else if (kind === 'deliver last') deliver(peer, Math.max(0, peer.inbox.length - 1), 1)
  else if (kind === 'undo') peer.undo.undo()
  else if (kind === 'redo') peer.undo.redo()
  else if (kind === 'disconnect' && edge) disconnect(doc, [edge], origin)
  else if (kind === 'setEdge' && edge)
    setEdge(doc, edge, { kind: pick(['success', 'failure', 'always'], b)!, condition: text }, origin)
  else if (kind === 'apply') {
    const { graph } = projectShape(doc)
    applyGraph(doc, create(PipelineGraphSchema, { ...graph, steps: withoutOne(graph, a) }), text, origin)
  } else if (one && two) {
    if (kind === 'connect') connect(doc, one, two, origin, { condition: text })
    else if (kind === 'delete') setDeleted(doc, [one, two], true, origin)
    else if (kind === 'restore') setDeleted(doc, [one], false, origin)
    else if (kind === 'move') moveSteps(doc, new Map([[one, { x: a, y: b }]]), origin)
    else if (kind === 'name') setStepField(doc, one, 'name', text, origin)
    else if (kind === 'key') renameStep(doc, one, `k${b % 4}`, origin)
    else if (kind === 'type') setStepType(doc, one, pick(['build', 'test', 'fetch_code'], b)!, origin)
    else if (kind === 'type text') stepText(doc, one, 'script')?.insert(0, text.toWellFormed())
    else if (kind === 'cfg') setStepField(doc, one, 'cfg.retry.max', a, origin)
    else if (kind === 'env') setEnv(doc, one, `E${b % 3}`, a % 4 === 0 ? undefined : text, origin)
    else if (kind === 'order') setStepOrder(doc, one, two, origin)
  }
}

function withoutOne(graph: PipelineGraph, index: number): PipelineGraph['steps'] {
  const gone = graph.steps[index % Math.max(1, graph.steps.length)]?.id
  return graph.steps
    .filter(({ id }) => id !== gone)
    .map((step) => ({ ...step, needs: step.needs.filter(({ stepId }) => stepId !== gone) }))
}

function meaning({ graph, suspended, deleted, problems }: Projection): unknown {
  return {
    graph: toJson(PipelineGraphSchema, graph),
    suspended,
    deleted,
    problems: problems.map(({ message }) => message),
  }
}

it('three people editing at once, with undo and delayed, doubled, reordered updates, end with the same sound graph', () => {
  const met = new Set<string>()
  fc.assert(
    fc.property(fc.array(action, { minLength: 60, maxLength: 120, size: 'max' }), (actions) => {
      const peers = startPeers()
      for (const [index, each] of actions.entries()) {
        perform(peers, each)
        const { doc, reader } = peers[each.peer]!
        // A reader that has read before says the same as one that reads everything.
        if (index % 3 === 0) expect(meaning(reader.read())).toEqual(meaning(projectShape(doc)))
      }
      for (const peer of peers) while (peer.inbox.length > 0) deliver(peer, peer.inbox.length - 1, 1)
      const [first, ...others] = peers.map(({ doc }) => meaning(projectShape(doc)))
      for (const other of others) expect(other).toEqual(first)
      const { graph, problems } = projectShape(peers[0]!.doc)
      const keys = graph.steps.map(({ id }) => id)
      expect(new Set(keys).size).toBe(keys.length)
      expect(findCycle(graph.steps)).toBeNull()
      for (const step of graph.steps) for (const need of step.needs) expect(keys).toContain(need.stepId)
      for (const { code } of problems) met.add(code)
    }),
    { numRuns: 40 },
  )
  // Otherwise the random edits would prove little.
  expect([...met]).toEqual(
    expect.arrayContaining(['edge_suspended', 'edge_doubled', 'step_key_taken', 'value_clamped']),
  )
}, 60_000)

const word = fc.stringMatching(/^[a-z][a-z0-9]{0,3}$/)
const plain = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }).map((text) => text.toWellFormed()),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.array(fc.integer(), { maxLength: 3 }),
)
const step = fc.record({
  uses: fc.constantFrom('custom', 'build', 'fetch_code', 'unknown'),
  name: word,
  description: fc.string({ maxLength: 4 }),
  with: fc.dictionary(fc.constantFrom('script', 'shell', 'other'), plain),
  when: word,
  timeoutMs: fc.nat(5000),
  allowFailure: fc.boolean(),
  disabled: fc.boolean(),
  runsOn: fc.array(word, { maxLength: 2 }),
  outputs: fc.array(word, { maxLength: 2 }),
  secrets: fc.array(word, { maxLength: 2 }),
  workspace: fc.constantFrom('', 'shared', 'isolated'),
  onLost: fc.constantFrom(0, 1, 2),
  env: fc.uniqueArray(fc.record({ name: word, value: fc.string({ maxLength: 3 }) }), {
    selector: ({ name }) => name,
    maxLength: 3,
  }),
  retry: fc.option(
    fc.record({
      max: fc.nat(20),
      delayMs: fc.nat(9),
      backoff: fc.constantFrom(0, 1, 1.5),
      on: fc.constantFrom<RetryOn[]>([], [1], [3, 2]),
    }),
    { nil: undefined },
  ),
})

const graphs = fc
  .tuple(
    fc.uniqueArray(
      fc.tuple(
        word,
        step,
        fc.array(fc.record({ to: fc.nat(8), kind: fc.constantFrom(1, 2, 3), condition: word }), { maxLength: 3 }),
      ),
      { selector: ([id]) => id, maxLength: 7 },
    ),
    fc.uniqueArray(
      fc.record({
        name: word,
        type: fc.constantFrom(1, 2, 3, 4),
        description: word,
        options: fc.array(word, { maxLength: 2 }),
        required: fc.boolean(),
      }),
      { selector: ({ name }) => name, maxLength: 3 },
    ),
    fc.record({
      name: word,
      description: word,
      timeoutMs: fc.nat(9),
      env: fc.uniqueArray(fc.record({ name: word, value: word }), { selector: ({ name }) => name, maxLength: 3 }),
    }),
    fc.option(fc.boolean(), { nil: undefined }),
  )
  .map(([steps, inputs, settings, manual]) =>
    create(PipelineGraphSchema, {
      ...settings,
      inputs: inputs.map((input) => create(InputDefinitionSchema, input)),
      ...(manual === undefined ? {} : { triggers: { manual } }),
      steps: steps.map(([id, { retry, ...rest }, needs], index) =>
        create(StepDefinitionSchema, {
          ...rest,
          ...(retry ? { retry } : {}),
          id,
          needs: [...new Map(needs.map((need) => [need.to, need])).values()]
            .filter(({ to }) => to < index)
            .map(({ to, kind, condition }) => ({ stepId: steps[to]![0], kind, condition })),
        }),
      ),
    }),
  )

function inFileOrder(graph: PipelineGraph): unknown {
  return toJson(
    PipelineGraphSchema,
    create(PipelineGraphSchema, {
      ...graph,
      steps: graph.steps.map(({ position: _, ...rest }) => ({ ...rest, nodeId: '', retry: rest.retry })),
    } as PipelineGraph),
  )
}

it('applying one graph after the other gives each exactly, and the same again writes nothing', () => {
  const origin: EditOrigin = { user: 'me' }
  fc.assert(
    fc.property(fc.array(graphs, { minLength: 1, maxLength: 4 }), (list) => {
      const doc = newDoc()
      for (const graph of list) {
        applyGraph(doc, graph, 'source', origin)
        const seen = projectShape(doc)
        expect(canonicalGraph(seen.graph)).toBe(canonicalGraph(graph))
        expect(inFileOrder(seen.graph)).toEqual(inFileOrder(graph))
        let written = 0
        const count = (): void => {
          written += 1
        }
        doc.on('update', count)
        applyGraph(doc, graph, 'source', origin)
        applyGraph(doc, seen.graph, 'source', origin)
        doc.off('update', count)
        expect(written).toBe(0)
      }
    }),
    { numRuns: 150 },
  )
}, 60_000)
