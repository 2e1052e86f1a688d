// Steps with a matrix, and fields of steps that expressions give.
import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { atOnce } from '@ansflow/proto/pieces'
import { parsePipeline } from '@ansflow/proto/pipeline-yaml'
import { reasonText } from '@ansflow/proto/reasons'
import { JobStatus, RunStatus, statusWord } from '@ansflow/proto/status'
import { describe, expect, test } from 'vitest'
import { LockLines } from '../test/lock-lines.ts'
import * as world from '../test/world.ts'
import { advance } from './advance.ts'
import { inFileOrder, planRun } from './plan.ts'
import type { Changes, JobState, StepState } from './state.ts'

/** A run of a file that has begun. */
function begun(
  steps: string,
  inputs: Record<string, string> = {},
  check: (changes: Changes) => void = () => undefined,
) {
  const names = Object.keys(inputs).map((name) => `${name}: {}`)
  const { graph, problems } = parsePipeline(`name: x\ninputs: { ${names.join(', ')} }\nsteps:\n  ${steps.trim()}\n`)
  expect(problems.filter(({ severity }) => severity === Severity.ERROR).map(({ message }) => message)).toEqual([])
  const state = atOnce(planRun(graph, inputs, world.testMeta(), world.epochStart))
  const run: world.World = {
    state,
    now: world.epochStart,
    log: [],
    locks: new LockLines(0),
    check,
    restart: world.restart,
  }
  world.apply(run, { type: 'started' })
  return run
}
type Run = ReturnType<typeof begun>

const step = (run: Run, id: string): StepState => run.state.steps.get(id)!
const job = (run: Run, id: string): JobState => step(run, id).attempts.at(-1)!
const statuses = (run: Run) =>
  [...inFileOrder(run.state)].map(({ id, status }) => `${id}:${statusWord(status)}`).join(' ')
const text = (run: Run, id: string) => reasonText(step(run, id).reason!)

function start(run: Run, id: string): void {
  for (let i = 0; i < 3; i++) world.proceed(run, job(run, id))
}
function end(run: Run, id: string, outcome = Outcome.SUCCEEDED, outputs: Record<string, string> = {}): Changes {
  while (job(run, id).status !== JobStatus.RUNNING) world.proceed(run, job(run, id))
  const exit = outcome === Outcome.FAILED ? { exitCode: 1 } : {}
  return world.apply(run, {
    type: 'jobFinished',
    jobId: job(run, id).id,
    epoch: job(run, id).epoch,
    outcome,
    ...exit,
    outputs,
  })
}

describe('copies', () => {
  test('see their values, are named by them, and the step behind waits for all of them', () => {
    const run = begun(`
  test: { run: "echo \${{ matrix.node }} \${{ matrix.os }}", matrix: { node: [20, 22], os: [a] }, outputs: [v] }
  after: { needs: [test], run: "echo \${{ steps.test.outputs.v }} \${{ steps.test.outputs.v[1] }} \${{ steps.test.status }}" }`)
    expect(statuses(run)).toBe('test:queued test.0:queued test.1:queued after:blocked')
    expect([step(run, 'test').name, step(run, 'test.1').name]).toEqual(['test', 'test (22, a)'])
    expect(text(run, 'test')).toBe('Runs as 2 copies.')
    start(run, 'test.1')
    expect(statuses(run)).toBe('test:running test.0:queued test.1:running after:blocked')
    end(run, 'test.1', Outcome.SUCCEEDED, { v: 'one' })
    expect(statuses(run)).toBe('test:running test.0:queued test.1:succeeded after:blocked')
    const { newJobs } = end(run, 'test.0', Outcome.SUCCEEDED)
    expect(statuses(run)).toBe('test:succeeded test.0:succeeded test.1:succeeded after:queued')
    expect(newJobs[0]!.spec.execution).toMatchObject({ value: { script: expect.stringMatching(/one succeeded$/) } })
    expect(newJobs[0]!.spec.env.find(({ name }) => name.startsWith('ANSFLOW_VALUE'))?.value).toBe('["","one"]')
  })

  test('run as jobs with ids and names of their own', () => {
    const jobs: Changes['newJobs'] = []
    begun('test: { run: "${{ matrix.a }}", matrix: { a: [x] } }', {}, ({ newJobs }) => jobs.push(...newJobs))
    const { spec } = jobs[0]!
    expect(spec).toMatchObject({ stepId: 'test.0', stepName: 'test (x)', execution: { value: { script: 'x' } } })
    expect(spec.env.find(({ name }) => name === 'CI_STEP_NAME')?.value).toBe('test (x)')
  })

  test('are as many as an output of a step before them says', () => {
    const run = begun(`
  plan: { run: x, outputs: [list] }
  test: { needs: [plan], run: x, matrix: { node: "\${{ fromJSON(steps.plan.outputs.list) }}" } }`)
    expect(statuses(run)).toBe('plan:queued test:blocked')
    end(run, 'plan', Outcome.SUCCEEDED, { list: '[20, 22, 24]' })
    expect(statuses(run)).toBe('plan:succeeded test:queued test.0:queued test.1:queued test.2:queued')
    run.state = world.restart(run.state)
    expect(step(run, 'test.2').name).toBe('test (24)')
    expect(world.runToEnd(run)).toBeGreaterThan(0)
    expect(run.state.status).toBe(RunStatus.SUCCEEDED)
  })

  test.each([
    ['of an axis', 'node: "${{ fromJSON(inputs.list) }}"', '["${{ inputs.other }}"]'],
    ['of entries', 'include: "${{ fromJSON(inputs.list) }}"', '[{ "node": "${{ inputs.other }}" }]'],
  ])('hold what an expression brings %s as it is, though it looks like one', (_what, matrix, list) => {
    const run = begun(`test: { run: x, matrix: { ${matrix} } }`, { list, other: 'of somebody else' })
    expect(step(run, 'test.0').matrix).toEqual({ node: '${{ inputs.other }}' })
    expect(step(run, 'test.0').name).toBe('test (${{ inputs.other }})')
  })

  test('are as many as an input says', () => {
    const run = begun('test: { run: x, matrix: { node: "${{ fromJSON(inputs.nodes) }}" } }', { nodes: '["a", "b"]' })
    expect(statuses(run)).toBe('test:queued test.0:queued test.1:queued')
  })

  test.each([
    ['[]', 'skipped', 'Its matrix has no copies.'],
    ['5', 'failed', 'There are no copies of it. node must be a list, not 5.'],
    ['', 'failed', 'An expression failed: `fromJSON(inputs.nodes)` cannot be evaluated: fromJSON() cannot read "".'],
    [JSON.stringify(Array(1001).fill(1)), 'failed', 'There are no copies of it. node has more than 1000 entries.'],
    [JSON.stringify(Array(600).fill(1)), 'failed', 'Its matrix has 1200 copies; 1000 are possible.'],
  ])('of %s: the step is %s', (nodes, status, why) => {
    const run = begun('test: { run: x, matrix: { node: "${{ fromJSON(inputs.nodes) }}", b: [1, 2] } }', { nodes })
    expect(statuses(run)).toBe(`test:${status}`)
    expect(text(run, 'test')).toBe(why)
  })

  test('of all steps together are at most 10,000', () => {
    const nodes = JSON.stringify(Array.from({ length: 1000 }, (_, i) => i))
    const all = Array.from(
      { length: 11 },
      (_, i) => `s${i}: { run: x, matrix: { a: "\${{ fromJSON(inputs.a) }}", maxParallel: 1 } }`,
    )
    const run = begun(all.join('\n  '), { a: nodes })
    expect(run.state.copies).toBe(10_000)
    expect(text(run, 's10')).toBe('With its copies the run would have more than 10000 of them.')
  })

  test('of a step whose need was skipped are never made', () => {
    const run = begun(`
  plan: { run: x, when: "false", outputs: [list] }
  test: { needs: [plan], run: x, matrix: { node: "\${{ fromJSON(steps.plan.outputs.list) }}" } }`)
    expect(statuses(run)).toBe('plan:skipped test:skipped')
  })

  test('answer by themselves what a condition asks of their values, and lack no key that others have', () => {
    const run = begun(`
  test:
    run: "echo \${{ matrix.slow }}"
    when: matrix.a != 2 && matrix.slow != true
    matrix: { a: [1, 2, 3], include: [{ a: 3, slow: true }] }`)
    expect(statuses(run)).toBe('test:queued test.0:queued test.1:skipped test.2:skipped')
    end(run, 'test.0')
    expect(statuses(run)).toBe('test:succeeded test.0:succeeded test.1:skipped test.2:skipped')
  })
})

describe('maxParallel', () => {
  test('holds copies back until others have ended', () => {
    const run = begun('test: { run: x, matrix: { a: [1, 2, 3, 4], maxParallel: 2 } }')
    expect(statuses(run)).toBe('test:queued test.0:queued test.1:queued test.2:blocked test.3:blocked')
    expect(text(run, 'test.2')).toBe('Waits for another copy to end: at most 2 run at once.')
    run.state = world.restart(run.state)
    end(run, 'test.1')
    expect(statuses(run)).toBe('test:running test.0:queued test.1:succeeded test.2:queued test.3:blocked')
  })

  test('goes on past copies that are skipped', () => {
    const run = begun('test: { run: x, when: matrix.a > 2, matrix: { a: [1, 2, 3], maxParallel: 1 } }')
    expect(statuses(run)).toBe('test:queued test.0:skipped test.1:skipped test.2:queued')
  })
})

describe('failFast', () => {
  test('ends the others when one has failed for good', () => {
    const run = begun('test: { run: x, matrix: { a: [1, 2, 3, 4], maxParallel: 3 }, retry: 1 }')
    start(run, 'test.1')
    end(run, 'test.0', Outcome.FAILED)
    expect(statuses(run)).toBe('test:running test.0:queued test.1:running test.2:queued test.3:blocked')
    end(run, 'test.0', Outcome.FAILED)
    expect(statuses(run)).toBe('test:running test.0:failed test.1:running test.2:canceled test.3:skipped')
    expect(text(run, 'test.3')).toBe('Not needed any more since test.0 has failed (failFast).')
    run.state = world.restart(run.state)
    // It is not tried again, whatever becomes of it.
    end(run, 'test.1', Outcome.CANCELED)
    expect(statuses(run)).toBe('test:failed test.0:failed test.1:canceled test.2:canceled test.3:skipped')
    expect(text(run, 'test.1')).toBe('Not needed any more since test.0 has failed (failFast).')
    expect(text(run, 'test')).toBe('1 of its 4 copies failed.')
    expect(run.state.status).toBe(RunStatus.FAILED)
    expect(reasonText(run.state.reason!)).toBe('A step failed.')
  })

  test('does nothing when it is off, or the failure is allowed', () => {
    for (const how of ['matrix: { a: [1, 2], failFast: false }', 'matrix: { a: [1, 2] }, allowFailure: true']) {
      const run = begun(`test: { run: x, ${how} }`)
      end(run, 'test.0', Outcome.FAILED)
      expect(statuses(run)).toBe('test:running test.0:failed test.1:queued')
      end(run, 'test.1')
      expect(run.state.status).toBe(how.includes('allow') ? RunStatus.SUCCEEDED : RunStatus.FAILED)
    }
  })
})

test('what needs a step with copies sees it as one', () => {
  const run = begun(`
  test: { run: x, matrix: { a: [1, 2], failFast: false } }
  good: { needs: [test], run: x }
  mend: { needs: [{ step: test, on: failure }], run: x }
  always: { needs: [test], run: "\${{ steps.test.status }}", when: failure() }`)
  end(run, 'test.0')
  end(run, 'test.1', Outcome.FAILED)
  expect(statuses(run)).toBe('test:failed test.0:succeeded test.1:failed good:skipped mend:queued always:queued')
})

test('a cancel ends all copies, and the step with them', () => {
  const run = begun('test: { run: x, matrix: { a: [1, 2, 3], maxParallel: 2 } }')
  start(run, 'test.0')
  world.apply(run, { type: 'cancelRequested', by: 'u', byName: 'Ada' })
  expect(statuses(run)).toBe('test:running test.0:running test.1:canceled test.2:canceled')
  end(run, 'test.0', Outcome.CANCELED)
  expect(statuses(run)).toBe('test:canceled test.0:canceled test.1:canceled test.2:canceled')
  expect(run.state.status).toBe(RunStatus.CANCELED)
})

describe('fields of a step that expressions give', () => {
  test('labels, workspace, timeout and name', () => {
    const jobs: Changes['newJobs'] = []
    const run = begun(
      `test:
    name: "On \${{ matrix.os }}"
    run: x
    matrix: { os: [a, b], minutes: [5] }
    runsOn: [linux, "\${{ matrix.os }}"]
    workspace: "w-\${{ matrix.os }}"
    timeout: "\${{ matrix.minutes }}m"`,
      {},
      ({ newJobs }) => jobs.push(...newJobs),
    )
    expect([step(run, 'test').name, step(run, 'test.0').name]).toEqual(['test', 'On a'])
    expect(jobs.map(({ job: { labels, workspace }, spec }) => [labels, workspace, spec.timeoutMs])).toEqual([
      [['linux', 'a'], 'w-a', 300_000],
      [['linux', 'b'], 'w-b', 300_000],
    ])
    start(run, 'test.0')
    expect(step(run, 'test.0').dueAt).toEqual(new Date(world.epochStart.getTime() + 360_000))
    end(run, 'test.1', Outcome.TIMED_OUT)
    expect(text(run, 'test.1')).toBe('It took longer than its timeout of 5m.')
  })

  test('labels from inputs count for the whole workspace from the start, those of copies when they are made', () => {
    const run = begun(
      `first: { run: x }
  second: { needs: [first], run: x, runsOn: ["\${{ inputs.pool }}"] }
  apart: { run: x, workspace: other, matrix: { a: [x, y] }, runsOn: "\${{ ['z', matrix.a] }}" }`,
      { pool: 'fast' },
    )
    expect(job(run, 'first').labels).toEqual(['fast'])
    expect(job(run, 'apart.0').labels).toEqual(['z', 'x', 'y'])
  })

  test.each([
    ['runsOn: ["${{ inputs.v }}"]', 'is no agent label'],
    ['workspace: "${{ inputs.v }}"', 'is no workspace'],
    ['timeout: "${{ inputs.v }}"', 'is no duration'],
  ])('%s that is none fails the step', (field, why) => {
    const run = begun(`test: { run: x, ${field} }`, { v: 'a b' })
    expect(statuses(run)).toBe('test:failed')
    expect(text(run, 'test')).toContain(why)
  })
})

test('ten steps of a thousand copies cost as much a copy as ten of ten do', () => {
  const costs = [10, 1000].map((copies) => {
    const values = JSON.stringify(Array.from({ length: copies }, (_, value) => value))
    const steps = Array.from({ length: 10 }, (_, i) => {
      const needs = i > 0 ? `needs: [s${i - 1}], ` : ''
      return `s${i}: { ${needs}run: x, matrix: { a: ${values}, maxParallel: ${i % 2 === 0 ? 7 : 1000} } }`
    })
    let touched = 0
    let most = 0
    const run = begun(steps.join('\n  '), {}, (changes) => {
      touched += changes.touched
      if (changes.steps.length < 10) most = Math.max(most, changes.touched)
    })
    // In the order of their making, without looking for them.
    const jobs = run.state.jobs.values()
    for (let next = jobs.next(); !next.done; next = jobs.next()) {
      for (let i = 0; i < 4; i++) world.proceed(run, next.value)
    }
    expect(run.state.status).toBe(RunStatus.SUCCEEDED)
    return { perCopy: touched / (10 * copies), most }
  })
  expect(costs[1]!.perCopy).toBeLessThan(costs[0]!.perCopy * 1.2)
  expect(costs[1]!.most).toBeLessThan(30)
})

test('a run of a thousand copies is advanced in pieces', () => {
  const values = JSON.stringify(Array.from({ length: 1000 }, (_, value) => value))
  const { graph } = parsePipeline(`name: x\nsteps: { a: { run: x, matrix: { a: ${values} } } }\n`)
  const state = atOnce(planRun(graph, {}, world.testMeta(), world.epochStart))
  let pieces = 0
  for (const _ of advance(state, { type: 'started' }, world.epochStart)) pieces++
  expect(pieces).toBeGreaterThan(1000)
})
