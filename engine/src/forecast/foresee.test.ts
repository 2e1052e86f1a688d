// What a run would do, asked without running it.
import { GitFactsSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { atOnce } from '@ansflow/proto/pieces'
import { parsePipeline } from '@ansflow/proto/pipeline-yaml'
import { StepStatus } from '@ansflow/proto/status'
import { byPerson } from '@ansflow/proto/triggers/run-origin'
import { create, type JsonObject } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { graphArbitrary } from '../../test/graph-arbitrary.ts'
import { apply, epochStart, newWorld, runToEnd, testMeta } from '../../test/world.ts'
import { type Foreseen, foresee } from './foresee.ts'

function explain(
  steps: string,
  {
    inputs = {},
    git,
    failing = [],
  }: { inputs?: JsonObject; git?: { branch?: string; tag?: string }; failing?: string[] } = {},
): Map<string, Foreseen> {
  const { graph, problems } = parsePipeline(`name: x\n${steps}`)
  expect(problems.filter(({ severity }) => severity === 1)).toEqual([])
  const meta = { ...testMeta(), origin: byPerson('', 'Ada', git && create(GitFactsSchema, git)) }
  const found = atOnce(foresee(graph, inputs, meta, epochStart, { failing: new Set(failing) }))
  return new Map(found.map((each) => [each.id, each]))
}

const outcomes = (found: Map<string, Foreseen>) =>
  [...found.values()].map(({ id, outcome, wave }) => `${id} ${outcome}${wave ? ` ${wave}` : ''}`)
const told = (found: Map<string, Foreseen>, id: string) =>
  Object.fromEntries(
    found
      .get(id)!
      .expressions.map(({ field, source, value, waitsFor, problem }) => [
        `${field}: ${source}`,
        problem ? problem.code : value === undefined ? waitsFor : value,
      ]),
  )

describe('which steps would run', () => {
  const file = `inputs: { level: { type: string } }
steps:
  checkout: { run: a }
  lint: { needs: [checkout], run: b }
  test: { needs: [checkout], run: c }
  deep: { needs: [test], when: "\${{ inputs.level == 'deep' }}", run: d }
  ship: { needs: [lint, test], run: e }
  undo: { needs: [{ step: ship, on: failure }], run: f }
  off: { needs: [ship], disabled: true, run: g }
  tell: { needs: [{ step: ship, on: always }], when: always(), run: h }
`
  test('in waves, and the others with their reasons', () => {
    const found = explain(file, { inputs: { level: 'quick' } })
    expect(outcomes(found)).toEqual([
      'checkout runs 1',
      'lint runs 2',
      'test runs 2',
      'deep skipped',
      'ship runs 3',
      'undo skipped',
      'off skipped',
      'tell runs 4',
    ])
    expect(found.get('deep')!.reason).toMatchObject({ code: 'when_false' })
    expect(found.get('undo')!.reason).toMatchObject({ code: 'need_not_met', params: { step: 'ship' } })
    expect(found.get('off')!.reason).toMatchObject({ code: 'disabled' })
    expect(told(found, 'deep')).toEqual({ "when: inputs.level == 'deep'": false })
  })

  test('with other inputs, or when a step fails', () => {
    expect(outcomes(explain(file, { inputs: { level: 'deep' } }))).toContain('deep runs 3')
    const failed = outcomes(explain(file, { inputs: { level: 'deep' }, failing: ['ship'] }))
    expect(failed).toEqual(expect.arrayContaining(['undo runs 4', 'tell runs 4', 'ship runs 3']))
  })
})

test('what depends on an output is known only when its step has ended, unless the rest decides', () => {
  const found = explain(`steps:
  build: { run: a, outputs: [kind] }
  ship: { needs: [build], when: "\${{ steps.build.outputs.kind == 'app' }}", run: 'ship \${{ steps.build.outputs.kind }} \${{ run.project }}' }
  never: { needs: [build], when: "\${{ false && steps.build.outputs.kind == 'app' }}", run: b }
  after: { needs: [ship], run: c }
  said: { needs: [build], when: "\${{ steps.build.status == 'succeeded' }}", run: d }
`)
  expect(outcomes(found)).toEqual(['build runs 1', 'ship maybe 2', 'never skipped', 'after runs 3', 'said runs 2'])
  expect(found.get('ship')).toMatchObject({ waitsFor: ['build'] })
  expect(told(found, 'ship')).toEqual({
    "when: steps.build.outputs.kind == 'app'": ['build'],
    'with.script: steps.build.outputs.kind': ['build'],
    'with.script: run.project': 'project',
  })
})

test('copies are counted where their values are known, and have answers of their own', () => {
  const found = explain(
    `inputs: { all: { type: boolean } }
steps:
  plan: { run: a, outputs: [list] }
  test:
    run: t \${{ matrix.n }}
    when: \${{ matrix.n > 1 || inputs.all }}
    outputs: [v]
    matrix: { n: [1, 2, 3], maxParallel: 1 }
  late: { needs: [plan], run: 'l \${{ matrix.n }}', matrix: { n: "\${{ fromJSON(steps.plan.outputs.list) }}" } }
  end: { needs: [test, late], when: "\${{ steps.test.outputs.v[0] == 'x' }}", run: 'e \${{ steps.test.outputs }}' }
`,
    { inputs: { all: false } },
  )
  expect(outcomes(found)).toEqual([
    'plan runs 1',
    'test runs 1',
    'test.0 skipped',
    'test.1 runs 1',
    'test.2 runs 1',
    'late runs 2',
    'end maybe 3',
  ])
  expect(found.get('test')).toMatchObject({ copies: 3 })
  expect(told(found, 'test.1')).toEqual({ 'when: matrix.n > 1 || inputs.all': true, 'with.script: matrix.n': 2 })
  expect(found.get('late')).toMatchObject({ openMatrix: true, waitsFor: ['plan'], copies: 0 })
  expect(told(found, 'end')).toEqual({
    "when: steps.test.outputs.v[0] == 'x'": ['test'],
    'with.script: steps.test.outputs': ['test'],
  })
  expect(told(found, 'late')).toMatchObject({ 'with.script: matrix.n': ['plan'] })
})

test('git is what is said of it, else what the checkout will have fetched', () => {
  const file = `steps:
  code: { uses: fetch_code, with: { url: "https://example.org/a.git" } }
  main: { needs: [code], when: "\${{ git.branch == 'main' }}", run: a }
  free: { when: "\${{ git.branch == '' }}", run: b }
`
  expect(outcomes(explain(file))).toEqual(['code runs 1', 'main maybe 2', 'free runs 1'])
  expect(explain(file).get('main')!.waitsFor).toEqual(['code'])
  expect(outcomes(explain(file, { git: { branch: 'main' } }))).toEqual(['code runs 1', 'main runs 2', 'free skipped'])
  expect(outcomes(explain(file, { git: { branch: 'dev' } }))).toContain('main skipped')
})

test('approvals, waits and requests are gone through, and what cannot begin says why', () => {
  const found = explain(
    `inputs: { n: { type: string } }
steps:
  ask: { uses: approval, with: { approvers: ["role:maintainer"], required: 3, expires: 1h } }
  rest: { uses: wait, needs: [ask], with: { duration: 24h } }
  other: { uses: pipeline, needs: [rest], with: { pipeline: x } }
  call: { uses: http_request, needs: [other], with: { url: "https://example.org/" } }
  bad: { needs: [call], run: x, timeout: "\${{ inputs.n }}" }
  after: { needs: [bad], run: y }
`,
    { inputs: { n: 'soon' } },
  )
  expect(outcomes(found)).toEqual([
    'ask runs 1',
    'rest runs 2',
    'other runs 3',
    'call runs 4',
    'bad fails',
    'after skipped',
  ])
  expect(found.get('bad')!.reason).toMatchObject({ code: 'expression' })
  expect(found.get('ask')!.job).toBeUndefined()
})

test('where: the labels of all that share the workspace', () => {
  const found = explain(`steps:
  a: { run: a, runsOn: [linux] }
  b: { needs: [a], run: b, runsOn: [gpu] }
  c: { run: c, workspace: own }
`)
  expect([...found.get('a')!.job!.labels].sort()).toEqual(['gpu', 'linux'])
  expect(found.get('c')!.job).toMatchObject({ labels: [], workspace: 'own' })
})

test('what is foreseen is what happens where every step succeeds', { timeout: 120_000 }, () => {
  fc.assert(
    fc.property(graphArbitrary, (random) => {
      const { concurrency: _, ...others } = random
      const graph = { ...others, timeoutMs: 0 }
      const found = atOnce(foresee(graph, {}, testMeta(), epochStart, { failing: new Set() }))
      if (found.some(({ outcome, openMatrix }) => outcome === 'maybe' || openMatrix)) return
      const real = newWorld(graph)
      apply(real, { type: 'started' })
      runToEnd(real)
      const skipped = [StepStatus.SKIPPED, StepStatus.CANCELED]
      const ran = [...real.state.steps.values()].filter(({ status }) => !skipped.includes(status))
      const foreseen = found.filter(({ outcome }) => outcome !== 'skipped')
      expect(foreseen.map(({ id }) => id).sort()).toEqual(ran.map(({ id }) => id).sort())
      for (const { id, wave } of foreseen.filter(({ outcome }) => outcome === 'runs')) {
        const { needs } = real.state.steps.get(id)!
        const before = found.filter((each) => needs.some((need) => need.id === each.id))
        expect(before.every((each) => each.wave < wave)).toBe(true)
      }
    }),
    { numRuns: 1000 },
  )
})
