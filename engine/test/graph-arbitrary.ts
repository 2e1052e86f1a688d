// Random graphs with all that decides what becomes of a step.
import { type NeedKind, OnLost, type RetryOn } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
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
]

const workspaces = ['', '', 'own', 'isolated']
/** For a while, until a moment that is near, longer than the step's timeout and the run's. */
const waiting = [{ duration: '2s' }, { until: '2030-01-01T00:00:01Z' }, { duration: '1h' }].map((given) => {
  return { uses: 'wait', with: given }
})
/** And what the controller does. */
const elsewhere = [...waiting, ...Array(2).fill({ uses: 'http_request', with: { url: 'https://example.org/' } })]

const stepArbitrary = fc.record({
  workspace: fc.constantFrom(...workspaces),
  needs: fc.array(fc.record({ back: fc.nat(11), kind: fc.constantFrom(0, 1, 1, 2, 3) }), { maxLength: 3 }),
  when: fc.nat(19),
  retry: fc.option(fc.record({ max: fc.nat(2), delayMs: fc.constantFrom(0, 1000), on: fc.nat(3) }), { freq: 3 }),
  flags: fc.nat(63),
  waits: fc.nat(12),
})
export const graphArbitrary = fc
  .tuple(fc.array(stepArbitrary, { minLength: 1, maxLength: 12 }), fc.nat(3))
  .map(buildGraph)
/** What happens to a run: see `tick`. */
export const choices = fc.array(fc.nat(16 * 720), { maxLength: 60 })

type StepRecord = typeof stepArbitrary extends fc.Arbitrary<infer T> ? T : never

function buildGraph([steps, timeout]: [StepRecord[], number]) {
  const definitions = steps.map(({ workspace, needs, when, retry, flags, waits }, index) => {
    const before = new Map(needs.filter(({ back }) => back < index).map(({ back, kind }) => [`s${back}`, kind]))
    return {
      id: `s${index}`,
      ...elsewhere[waits],
      needs: [...before].map(([stepId, kind]) => ({ stepId, kind: kind as NeedKind })),
      when: conditions[when] ?? '',
      workspace,
      ...(retry && { retry: { ...retry, on: retry.on === 0 ? [] : [retry.on as RetryOn] } }),
      allowFailure: (flags & 1) > 0,
      disabled: (flags & 6) === 6,
      onLost: (flags & 8) > 0 ? OnLost.RETRY : OnLost.FAIL,
      timeoutMs: (flags & 48) === 48 ? 5000 : 0,
    }
  })
  return graphOf(definitions, timeout === 0 ? { timeoutMs: 20_000 } : {})
}
