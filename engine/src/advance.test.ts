import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { NeedKind, OnLost, RetryOn } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { reasonText } from '@ansflow/proto/reasons'
import { JobStatus, RunStatus, StepStatus, statusWord } from '@ansflow/proto/status'
import { describe, expect, test } from 'vitest'
import { begun, job, need, pass, run, statuses, text } from '../test/steps-of-world.ts'
import { apply, epochStart, graphOf, newWorld, proceed, type StepInit } from '../test/world.ts'
import type { JobState } from './state.ts'

describe('a step after another', () => {
  test.each<[string, Outcome, Record<string, unknown>, Record<string, unknown>, string]>([
    ['needs success', Outcome.SUCCEEDED, {}, {}, 'queued'],
    ['needs success, failed', Outcome.FAILED, {}, {}, 'skipped'],
    ['needs success, timed out', Outcome.TIMED_OUT, {}, {}, 'skipped'],
    ['needs success, lost', Outcome.LOST, {}, {}, 'skipped'],
    ['needs success, failure allowed', Outcome.FAILED, { allowFailure: true }, {}, 'queued'],
    ['needs failure', Outcome.FAILED, {}, { needs: [need('a', NeedKind.FAILURE)] }, 'queued'],
    ['needs failure, lost', Outcome.LOST, {}, { needs: [need('a', NeedKind.FAILURE)] }, 'queued'],
    ['needs failure, succeeded', Outcome.SUCCEEDED, {}, { needs: [need('a', NeedKind.FAILURE)] }, 'skipped'],
    ['needs its end', Outcome.FAILED, {}, { needs: [need('a', NeedKind.ALWAYS)] }, 'queued'],
    ['edge condition true', Outcome.SUCCEEDED, {}, { needs: [need('a', 1, "steps.a.outputs.v == 'x'")] }, 'queued'],
    ['edge condition false', Outcome.SUCCEEDED, {}, { needs: [need('a', 1, "steps.a.outputs.v == 'y'")] }, 'skipped'],
    ['condition on failed need', Outcome.FAILED, {}, { needs: [need('a', 3, "steps.a.status == 'failed'")] }, 'queued'],
    ['when failure()', Outcome.FAILED, {}, { when: 'failure()' }, 'queued'],
    ['when failure(), succeeded', Outcome.SUCCEEDED, {}, { when: 'failure()' }, 'skipped'],
    ['when always()', Outcome.FAILED, {}, { when: 'always()' }, 'queued'],
    ['when canceled()', Outcome.SUCCEEDED, {}, { when: 'canceled()' }, 'skipped'],
    ['when of its own implies success()', Outcome.FAILED, {}, { when: 'run.number == 7' }, 'skipped'],
    ['when false', Outcome.SUCCEEDED, {}, { when: 'run.number == 8' }, 'skipped'],
    ['when that does not evaluate', Outcome.SUCCEEDED, {}, { when: 'steps.a.outputs.nothing == 1' }, 'failed'],
    ['disabled', Outcome.SUCCEEDED, {}, { disabled: true }, 'skipped'],
  ])('%s', (_, outcome, first, second, expected) => {
    const world = begun([
      { id: 'a', ...first },
      { id: 'b', needs: [need('a')], ...second },
    ])
    run(world, 'a', outcome)
    expect(statusWord(world.state.steps.get('b')!.status)).toBe(expected)
    if (expected !== 'queued') expect(text(world, 'b')).not.toMatch(/undefined/)
  })

  test('failure() sees failures further up; success() of a step behind a skipped one is false', () => {
    const world = begun([
      { id: 'a' },
      { id: 'b', needs: [need('a')] },
      { id: 'mend', needs: [need('b')], when: 'failure()' },
      { id: 'c', needs: [need('b')], when: 'success()' },
    ])
    run(world, 'a', Outcome.FAILED)
    expect(statuses(world)).toBe('a:failed b:skipped mend:queued c:skipped')
    expect(text(world, 'b')).toBe('Its need a has failed.')
  })

  test('a disabled step lets through what came before it', () => {
    const steps = [{ id: 'a' }, { id: 'b', needs: [need('a')], disabled: true }, { id: 'c', needs: [need('b')] }]
    const good = begun(steps)
    expect(statuses(good)).toBe('a:queued b:blocked c:blocked')
    run(good, 'a', Outcome.SUCCEEDED)
    expect(statuses(good)).toBe('a:succeeded b:skipped c:queued')
    const bad = begun(steps)
    run(bad, 'a', Outcome.FAILED)
    expect(statuses(bad)).toBe('a:failed b:skipped c:skipped')
  })

  test('a blocked step names what it waits for', () => {
    const world = begun([
      ...['a', 'b', 'c', 'd'].map((id) => ({ id })),
      { id: 'end', needs: ['a', 'b', 'c', 'd'].map((id) => need(id)) },
    ])
    expect(text(world, 'end')).toBe('Waits for a, b, c and others.')
    run(world, 'b', Outcome.SUCCEEDED)
    expect(text(world, 'end')).toBe('Waits for a, c, d.')
  })
})

describe('what a job is told', () => {
  test('variables, parameters and outputs are put in, the system’s own cannot be replaced', () => {
    const world = newWorld(
      graphOf([
        { id: 'a', outputs: ['v'] },
        {
          id: 'b',
          needs: [need('a')],
          with: { script: `echo \${{ steps.a.outputs.v }} \${{ env.SAID }}` },
          env: [
            { name: 'SAID', value: `\${{ run.number }}.` },
            { name: 'ANSFLOW_STEP', value: 'mine' },
            { name: 'CI', value: 'false' },
          ],
        },
      ]),
    )
    apply(world, { type: 'started' })
    for (let i = 0; i < 3; i++) proceed(world, job(world, 'a'))
    const { newJobs } = apply(world, {
      type: 'jobFinished',
      jobId: job(world, 'a').id,
      epoch: 1,
      outcome: Outcome.SUCCEEDED,
      outputs: { v: 'x' },
    })
    const spec = newJobs[0]!.spec
    expect(spec.execution).toMatchObject({ case: 'shell', value: { script: 'echo x 7.' } })
    const env = spec.env.filter(({ name }) => ['SAID', 'ANSFLOW_STEP', 'CI'].includes(name))
    expect(env.map(({ name, value }) => `${name}=${value}`).sort()).toEqual(['ANSFLOW_STEP=b', 'CI=false', 'SAID=7.'])
  })

  test('an expression that does not evaluate fails its step, with the reason', () => {
    const world = begun([{ id: 'a', with: { script: `\${{ inputs.nothing }}` } }])
    expect(statuses(world)).toBe('a:failed')
    expect(text(world, 'a')).toMatch(/^An expression failed: /)
    expect(world.state.status).toBe(RunStatus.FAILED)
  })
})

describe('retries', () => {
  test('come after a delay that grows, and end', () => {
    const world = begun([{ id: 'a', retry: { max: 2, delayMs: 1000, backoff: 3 } }])
    run(world, 'a', Outcome.FAILED)
    expect(statuses(world)).toBe('a:waiting')
    pass(world, 999)
    expect(statuses(world)).toBe('a:waiting')
    pass(world, 1)
    run(world, 'a', Outcome.TIMED_OUT)
    pass(world, 2999)
    expect(statuses(world)).toBe('a:waiting')
    pass(world, 1)
    run(world, 'a', Outcome.FAILED)
    expect(statuses(world)).toBe('a:failed')
    expect(world.state.steps.get('a')!.attempts.map(({ attempt }) => attempt)).toEqual([1, 2, 3])
  })

  test.each<[string, Outcome, Record<string, unknown>, string]>([
    ['only on what is named', Outcome.FAILED, { retry: { max: 1, on: [RetryOn.TIMEOUT] } }, 'failed'],
    ['lost is not in the default', Outcome.LOST, { retry: { max: 1 } }, 'lost'],
    ['lost, named', Outcome.LOST, { retry: { max: 1, on: [RetryOn.LOST] } }, 'queued'],
    ['lost, onLost', Outcome.LOST, { onLost: OnLost.RETRY }, 'queued'],
    ['canceled by its agent', Outcome.CANCELED, { retry: { max: 1 } }, 'canceled'],
  ])('%s', (_, outcome, step, expected) => {
    const world = begun([{ id: 'a', ...step }])
    run(world, 'a', outcome)
    expect(statuses(world)).toBe(`a:${expected}`)
  })

  test('a step that is lost again and again ends', () => {
    const world = begun([{ id: 'a', onLost: OnLost.RETRY }])
    for (let i = 0; i < 4; i++) run(world, 'a', Outcome.LOST)
    expect(statuses(world)).toBe('a:lost')
    expect(world.state.status).toBe(RunStatus.LOST)
  })
})

describe('what an expression puts into a script', () => {
  test('reaches it as a variable, unless it is harmless', () => {
    const script = `echo \${{ steps.a.outputs.v }} "\${{ steps.a.outputs.w }}"`
    const world = begun([
      { id: 'a', outputs: ['v', 'w'] },
      { id: 'b', needs: [need('a')], with: { script } },
    ])
    for (let i = 0; i < 3; i++) proceed(world, job(world, 'a'))
    const { newJobs } = apply(world, {
      type: 'jobFinished',
      jobId: job(world, 'a').id,
      epoch: 1,
      outcome: Outcome.SUCCEEDED,
      outputs: { v: '1.0', w: '$(reboot)' },
    })
    const { execution, env } = newJobs[0]!.spec
    expect(execution).toMatchObject({ value: { script: `echo 1.0 "\${ANSFLOW_VALUE_1}"` } })
    expect(env).toContainEqual(expect.objectContaining({ name: 'ANSFLOW_VALUE_1', value: '$(reboot)' }))
  })
})

describe('timeouts', () => {
  test('a run that takes too long is canceled, its cleanup gets its time, and it has failed', () => {
    const world = begun([{ id: 'a' }, { id: 'b', needs: [need('a')], when: 'always()' }], { timeoutMs: 60_000 })
    run(world, 'a')
    pass(world, 60_000)
    expect(job(world, 'a').cancelRequested).toBe(true)
    proceed(world, job(world, 'a'), Outcome.CANCELED)
    expect(statuses(world)).toBe('a:canceled b:queued')
    expect(text(world, 'a')).toBe('The run took longer than its timeout of 1m.')
    run(world, 'b')
    pass(world, 60_000)
    expect(job(world, 'b').cancelRequested).toBe(true)
    proceed(world, job(world, 'b'), Outcome.CANCELED)
    expect(world.state.status).toBe(RunStatus.FAILED)
  })

  test('the timeout of a run counts from its creation: one that no agent takes ends, and says so', () => {
    const world = begun(
      [
        { id: 'a', runsOn: ['nowhere'] },
        { id: 'b', needs: [need('a')] },
      ],
      { timeoutMs: 20_000 },
    )
    expect(world.state.wakeAt).toEqual(new Date(epochStart.getTime() + 20_000))
    pass(world, 19_999)
    expect(world.state.status).toBe(RunStatus.QUEUED)
    pass(world, 1)
    expect(statuses(world)).toBe('a:canceled b:canceled')
    expect(world.state.status).toBe(RunStatus.FAILED)
    expect(reasonText(world.state.reason!)).toBe(
      'The run was still waiting for an agent when its timeout of 20s had passed.',
    )
  })

  test('an attempt that its agent does not end is canceled, then given up, then retried', () => {
    const world = begun([{ id: 'a', timeoutMs: 10_000, retry: { max: 1 } }])
    run(world, 'a')
    pass(world, 69_999)
    expect(job(world, 'a').cancelRequested).toBe(false)
    pass(world, 1)
    expect(job(world, 'a').cancelRequested).toBe(true)
    pass(world, 60_000)
    expect(world.state.steps.get('a')!.attempts.map(({ status }) => status)).toEqual([
      JobStatus.TIMED_OUT,
      JobStatus.QUEUED,
    ])
  })
})

test('epochs: what speaks of another claim changes nothing', () => {
  const world = begun([{ id: 'a' }])
  const { id: jobId } = job(world, 'a')
  const send = (type: 'jobAccepted' | 'jobStarted', epoch: number) => apply(world, { type, jobId, epoch }).result
  expect(send('jobAccepted', 0)).toBe('stale')
  const claim = (agentId: string) => apply(world, { type: 'jobOffered', jobId, agentId, agentName: agentId }).result
  expect(claim('x')).toBe('applied')
  expect(claim('x')).toBe('stale')
  apply(world, { type: 'jobRejected', jobId, epoch: 1, reason: 'full' })
  expect(text(world, 'a')).toBe('Agent x refused it: full. Waits for an agent.')
  expect(send('jobAccepted', 1)).toBe('stale')
  expect(claim('y')).toBe('applied')
  expect(send('jobAccepted', 1)).toBe('stale')
  expect(send('jobAccepted', 2)).toBe('applied')
  expect(send('jobAccepted', 2)).toBe('unchanged')
  expect(world.state.steps.get('a')!.status).toBe(StepStatus.QUEUED)
})

describe('a run of 10,000 steps', () => {
  const size = 10_000
  const layered = (width: number) =>
    Array.from({ length: size }, (_, i) => {
      const row = Math.floor(i / width)
      const before = row === 0 ? [] : [0, 1, 2].map((k) => (row - 1) * width + ((i + k) % width))
      return { id: `s${i}`, needs: [...new Set(before)].map((k) => need(`s${k}`)) }
    })
  const fan = Array.from({ length: size }, (_, i) => ({
    id: `s${i}`,
    needs: i === 0 ? [] : i < size - 1 ? [need('s0')] : Array.from({ length: size - 2 }, (_, k) => need(`s${k + 1}`)),
  }))

  test.each<[string, StepInit]>([
    ['a chain', layered(1)],
    ['layers', layered(100)],
    ['a fan out and in', fan],
  ])('%s costs a constant for each step and edge', (_, steps) => {
    const edges = steps!.reduce((sum, step) => sum + (step.needs?.length ?? 0), 0)
    let touched = 0
    let changed = 0
    const world = newWorld(graphOf(steps), (changes) => {
      touched += changes.touched
      changed += changes.steps.length + changes.jobs.length + changes.newJobs.length
    })
    const queue: JobState[] = []
    const take = (newJobs: { job: JobState }[]) => queue.push(...newJobs.map((each) => each.job))
    take(apply(world, { type: 'started' }).newJobs)
    for (let next = queue.pop(); next; next = queue.pop()) {
      for (let i = 0; i < 3; i++) proceed(world, next)
      const { id: jobId, epoch } = next
      take(apply(world, { type: 'jobFinished', jobId, epoch, outcome: Outcome.SUCCEEDED }).newJobs)
    }
    expect(world.state.status).toBe(RunStatus.SUCCEEDED)
    expect(touched).toBeLessThan(8 * (size + edges))
    expect(changed).toBeLessThan(12 * (size + edges))
  })

  test('is canceled and skipped through without deep recursion', () => {
    const world = begun(layered(1))
    run(world, 's0', Outcome.FAILED)
    expect(world.state.status).toBe(RunStatus.FAILED)
    expect(world.state.counts[StepStatus.SKIPPED]).toBe(size - 1)
  })
})
