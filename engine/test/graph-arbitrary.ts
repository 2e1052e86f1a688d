// Random graphs with all that decides what becomes of a step.
import {
  type NeedKind,
  OnLost,
  type PipelineGraph,
  type RetryOn,
  StepDefinitionSchema,
  TemplateSchema,
} from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { atOnce } from '@ansflow/proto/pieces'
import { writeOut } from '@ansflow/proto/templates/write-out'
import { create } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { graphOf } from './world.ts'

const conditions = [
  'success()',
  'failure()',
  'always()',
  'canceled()',
  'success() || failure()',
  'always() && !canceled()',
  'run.number == 7',
  'run.number != 7',
  'changed("src/**", "!**/*.md")',
  '!changed("docs/**") || always()',
  'hashFiles("**/go.sum") != ""',
  'hashFiles("none", "!none/**") == "" || failure()',
]

/** That a copy answers by itself, and that tell nothing of its values. */
const matrixConditions = {
  12: 'matrix.a == 1',
  13: 'always() && matrix.a != 0',
  14: 'failure() || matrix.a > 0',
} as Record<number, string>

const workspaces = ['', '', 'own', 'isolated']
/** For a while, until a moment that is near, longer than the step's timeout and the run's. */
const waiting = [{ duration: '2s' }, { until: '2030-01-01T00:00:01Z' }, { duration: '1h' }].map((given) => {
  return { uses: 'wait', with: given }
})
/** By one, or by two before it expires, for good or ill. */
const asking = [
  { approvers: ['role:maintainer'] },
  { approvers: ['role:maintainer'], required: 2, expires: '3s', onExpiry: 'reject' },
  { approvers: ['user:ada@example.org'], expires: '3s', onExpiry: 'approve' },
].map((given) => ({ uses: 'approval', with: given }))
/** A run of another pipeline, waited for or not. */
const calling = [{ wait: true }, { wait: false }].map((given) => ({
  uses: 'pipeline',
  with: { pipeline: 'other', ...given },
}))
/** And what the controller does. */
const elsewhere = [
  ...waiting,
  ...asking,
  ...calling,
  ...Array(2).fill({ uses: 'http_request', with: { url: 'https://example.org/' } }),
]

/** One, two that others want in another order, what gives none, what cannot be read. */
const locking = [['x'], ['y', 'x'], ['x', 'y'], ['${{ run.number == 7 ? "z" : "" }}'], ['${{ "" }}'], ['${{ "a\\n" }}']]
/** Some let one more have what the others have alone. */
const limited = [
  [{ name: 'x', limit: 2 }],
  [{ name: 'x', limit: 3 }, { name: 'y' }],
  [{ name: '${{ ["x", "y"] }}', limit: 2 }, { name: 'x' }],
]
const groups = [{ limit: 1 }, { group: 'g-${{ run.number }}' }, { group: '${{ "" }}' }, { group: '${{ "a\\nb" }}' }]

const stepArbitrary = fc.record({
  workspace: fc.constantFrom(...workspaces),
  needs: fc.array(fc.record({ back: fc.nat(11), kind: fc.constantFrom(0, 1, 1, 2, 3) }), { maxLength: 3 }),
  when: fc.nat(21),
  retry: fc.option(
    fc.record({ max: fc.nat(2), delayMs: fc.constantFrom(0, 1000), jitter: fc.constantFrom(0, 0.5), on: fc.nat(3) }),
    { freq: 3 },
  ),
  flags: fc.nat(63),
  waits: fc.nat(18),
  locks: fc.nat(17),
  matrix: fc.option(
    fc.record({
      size: fc.nat(3),
      from: fc.nat(2),
      maxParallel: fc.nat(3),
      failFast: fc.constantFrom(true, false, undefined),
    }),
    { freq: 3 },
  ),
})
export const graphArbitrary = fc
  .tuple(fc.array(stepArbitrary, { minLength: 1, maxLength: 12 }), fc.nat(3), fc.nat(9), fc.nat(3))
  .map(buildGraph)
/** What happens to a run: see `tick`. */
export const choices = fc.array(fc.nat(16 * 720), { maxLength: 60 })

type StepRecord = typeof stepArbitrary extends fc.Arbitrary<infer T> ? T : never

function buildGraph([steps, timeout, group, written]: [StepRecord[], number, number, number]) {
  const definitions = steps.map(({ workspace, needs, when, retry, flags, waits, locks, matrix }, index) => {
    const before = new Map(needs.filter(({ back }) => back < index).map(({ back, kind }) => [`s${back}`, kind]))
    const need = [...before.keys()].at(-1)
    return {
      id: `s${index}`,
      ...(matrix && { matrix: matrixOf(matrix, need) }),
      ...elsewhere[waits],
      needs: [...before].map(([stepId, kind]) => ({ stepId, kind: kind as NeedKind })),
      when: (matrix ? matrixConditions[when] : undefined) ?? conditions[when] ?? '',
      workspace,
      ...(retry && { retry: { ...retry, on: retry.on === 0 ? [] : [retry.on as RetryOn] } }),
      allowFailure: (flags & 1) > 0,
      disabled: (flags & 6) === 6,
      onLost: (flags & 8) > 0 ? OnLost.RETRY : OnLost.FAIL,
      timeoutMs: (flags & 48) === 48 ? 5000 : 0,
      locks: locking[locks] ?? [],
      limitedLocks: limited[locks - locking.length] ?? [],
      queueTimeoutMs: (flags & 20) === 20 ? 3000 : 0,
    }
  })
  const outputs = [{ name: 'last', value: `\${{ steps.s${steps.length - 1}.status }}` }]
  const concurrency = groups[group]
  const over = { outputs, ...(timeout === 0 && { timeoutMs: 20_000 }), ...(concurrency && { concurrency }) }
  const graph = graphOf(definitions, over)
  return written === 0 ? atOnce(writeOut(inTemplate(graph))).graph : graph
}

/** The same, all of it in a template that the only step uses. */
export function inTemplate(graph: PipelineGraph): PipelineGraph {
  const template = create(TemplateSchema, { name: 't', steps: graph.steps, outputs: graph.outputs })
  const outputs = graph.outputs.map((pair) => ({ ...pair, value: `\${{ steps.w.outputs.${pair.name} }}` }))
  const use = create(StepDefinitionSchema, { id: 'w', uses: 'template', with: { template: 't' } })
  return { ...graph, steps: [use], templates: [template], outputs }
}

/** Known beforehand, by its own list; or when its last need has ended, and then perhaps empty, or no list at all. */
function matrixOf({ size, from, ...rest }: NonNullable<StepRecord['matrix']>, need: string | undefined) {
  const lists = [
    `steps.${need}.status == "succeeded" ? [0, 1, 2] : []`,
    `steps.${need}.outputs.v == "x" ? ["x"] : [1, 2]`,
  ]
  const values = Array.from({ length: size + 1 }, (_, value) => ({ kind: { case: 'numberValue' as const, value } }))
  const axis =
    need !== undefined && from > 0 ? { name: 'a', from: `\${{ ${lists[from - 1]} }}` } : { name: 'a', values }
  const { failFast, ...others } = rest
  return {
    axes: [axis],
    include: size === 2 ? [{ a: 1, b: 'x' }] : [],
    ...others,
    ...(failFast !== undefined && { failFast }),
  }
}
