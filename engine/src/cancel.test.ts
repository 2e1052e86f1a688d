import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { OnLost } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { reasonText } from '@ansflow/proto/reasons'
import { RunStatus } from '@ansflow/proto/status'
import { describe, expect, test } from 'vitest'
import { begun, job, need, run, statuses, text } from '../test/steps-of-world.ts'
import { apply, proceed, runToEnd, type StepInit, type World } from '../test/world.ts'

const cancel = (world: World) => apply(world, { type: 'cancelRequested', by: 'u', byName: 'Ada' })

describe('cancel', () => {
  test('by an agent that was stopped says so, of the step and of the run', () => {
    const world = begun([{ id: 'a' }, { id: 'b', needs: [need('a')] }])
    run(world, 'a')
    const { id: jobId, epoch } = job(world, 'a')
    apply(world, { type: 'jobFinished', jobId, epoch, outcome: Outcome.CANCELED, reasonCode: 'agent_stopped' })
    expect(statuses(world)).toBe('a:canceled b:skipped')
    expect(text(world, 'a')).toMatch(/^Canceled: agent .+ was stopped\.$|^Canceled: its agent was stopped\.$/)
    expect(world.state.status).toBe(RunStatus.CANCELED)
    expect(world.state.reason?.code).toBe('agent_stopped')
  })

  test('at every state; cleanup still runs; the second cancel takes that too', () => {
    const world = begun([
      { id: 'queued' },
      { id: 'offered' },
      { id: 'accepted' },
      { id: 'running' },
      { id: 'waiting', retry: { max: 1, delayMs: 9000 } },
      { id: 'blocked', needs: [need('running')] },
      { id: 'cleanup', needs: [need('running')], when: 'always()' },
    ])
    run(world, 'waiting', Outcome.FAILED)
    proceed(world, job(world, 'offered'))
    for (let i = 0; i < 2; i++) proceed(world, job(world, 'accepted'))
    run(world, 'running')
    const { effects } = cancel(world)
    expect(statuses(world)).toBe(
      'queued:canceled offered:queued accepted:queued running:running waiting:canceled blocked:canceled cleanup:blocked',
    )
    expect(effects.filter(({ type }) => type === 'cancelJob')).toHaveLength(3)
    const { id: jobId, epoch } = job(world, 'offered')
    apply(world, { type: 'jobRejected', jobId, epoch, reason: 'it was canceled' })
    expect(statuses(world)).toMatch(/^queued:canceled offered:canceled /)
    expect(text(world, 'running')).toBe('Is being canceled by Ada.')
    proceed(world, job(world, 'running'), Outcome.CANCELED)
    expect(text(world, 'running')).toBe('Canceled by Ada.')
    expect(statuses(world)).toMatch(/cleanup:queued$/)
    run(world, 'cleanup')
    expect(cancel(world).effects).toMatchObject([{ type: 'cancelJob', jobId: job(world, 'cleanup').id }])
    runToEnd(world, Outcome.CANCELED)
    expect(world.state.status).toBe(RunStatus.CANCELED)
  })

  test('whose condition only names canceled() is canceled like any other; what holds still runs on', () => {
    const world = begun([
      { id: 'plain', when: '!failure() && !canceled()' },
      { id: 'queued', when: '!canceled()' },
      { id: 'watcher', when: 'success() || canceled()' },
      { id: 'after', needs: [need('plain')], when: 'always() && !canceled()' },
    ])
    run(world, 'plain')
    run(world, 'watcher')
    expect(cancel(world).effects).toMatchObject([{ type: 'cancelJob', jobId: job(world, 'plain').id }])
    expect(statuses(world)).toBe('plain:running queued:canceled watcher:running after:blocked')
    proceed(world, job(world, 'plain'), Outcome.CANCELED)
    proceed(world, job(world, 'watcher'), Outcome.SUCCEEDED)
    expect(statuses(world)).toBe('plain:canceled queued:canceled watcher:succeeded after:skipped')
    expect(world.state.status).toBe(RunStatus.CANCELED)
  })

  test('a step that finished first has succeeded; one whose agent is gone is canceled', () => {
    const world = begun([{ id: 'a' }, { id: 'b', retry: { max: 3 }, onLost: OnLost.RETRY }])
    run(world, 'a')
    run(world, 'b')
    cancel(world)
    proceed(world, job(world, 'a'), Outcome.SUCCEEDED)
    proceed(world, job(world, 'b'), Outcome.LOST)
    expect(statuses(world)).toBe('a:succeeded b:canceled')
    expect(text(world, 'b')).toBe('Canceled by Ada; its agent was lost.')
  })
})

describe('a cleanup that fails', () => {
  const steps: StepInit = [{ id: 'a' }, { id: 'b', needs: [need('a')], when: 'always()' }]

  test('after a cancel leaves the run canceled, and is said', () => {
    const world = begun(steps)
    run(world, 'a')
    cancel(world)
    proceed(world, job(world, 'a'), Outcome.CANCELED)
    run(world, 'b', Outcome.FAILED)
    expect(statuses(world)).toBe('a:canceled b:failed')
    expect(world.state.status).toBe(RunStatus.CANCELED)
    expect(reasonText(world.state.reason!)).toBe('Canceled by Ada; one step failed.')
  })

  test('without a cancel fails the run, also when everything else had ended before one was asked for', () => {
    const world = begun(steps)
    run(world, 'a', Outcome.SUCCEEDED)
    run(world, 'b', Outcome.FAILED)
    expect(world.state.status).toBe(RunStatus.FAILED)
  })
})
