import { reasonText } from '@ansflow/proto/reasons'
import { RunStatus, StepStatus, statusWord } from '@ansflow/proto/status'
import { describe, expect, test } from 'vitest'
import { apply, epochStart, graphOf, newWorld, proceed, restart, type StepInit, type World } from '../../test/world.ts'

function begun(steps: StepInit, over: { timeoutMs?: number } = {}): World {
  const world = newWorld(graphOf(steps, over))
  apply(world, { type: 'started' })
  return world
}

const step = (world: World, id: string) => world.state.steps.get(id)!
const statuses = (world: World) =>
  [...world.state.steps.values()].map(({ definition, status }) => `${definition.id}:${statusWord(status)}`).join(' ')

function passTo(world: World, time: string): void {
  world.now = new Date(time)
  apply(world, { type: 'timer' })
}

const pause = (given: Record<string, string>) => ({ id: 'pause', uses: 'wait', with: given })
const after = { id: 'after', needs: [{ stepId: 'pause' }] }

describe('a step that waits', () => {
  test.each([
    ['for a while', { duration: '10m' }],
    ['until a moment', { until: '2030-01-01T08:10:00+08:00' }],
    ['until a moment that an expression gives', { until: '${{ "2030-01-01T00:10" + ":00Z" }}' }],
  ])('%s has a timer and no job, says until when, and goes on then', (_, given) => {
    const world = begun([pause(given), after])
    expect(statuses(world)).toBe('pause:waiting after:blocked')
    expect(reasonText(step(world, 'pause').reason!)).toBe('Waits until 2030-01-01T00:10:00.000Z.')
    expect(world.state.status).toBe(RunStatus.RUNNING)
    expect([world.state.jobs.size, world.state.wakeAt]).toEqual([0, new Date('2030-01-01T00:10:00Z')])
    passTo(world, '2030-01-01T00:09:59.999Z')
    expect(statuses(world)).toBe('pause:waiting after:blocked')
    world.state = restart(world.state)
    passTo(world, '2030-01-01T00:10:00Z')
    expect(statuses(world)).toBe('pause:succeeded after:queued')
    expect(step(world, 'pause').startedAt).toEqual(epochStart)
  })

  test('until a moment that has passed goes on at once', () => {
    expect(statuses(begun([pause({ until: '2029-01-01T00:00:00Z' }), after]))).toBe('pause:succeeded after:queued')
  })

  test('ends at once when it is canceled', () => {
    const world = begun([pause({ duration: '10m' }), after])
    apply(world, { type: 'cancelRequested', by: 'u', byName: 'Ada' })
    expect(statuses(world)).toBe('pause:canceled after:canceled')
    expect([world.state.status, world.state.wakeAt]).toEqual([RunStatus.CANCELED, null])
  })

  test.each([
    ['its own', { timeoutMs: 60_000 }, {}, 'It took longer than its timeout of 1m.', StepStatus.FAILED],
    ['the run’s', {}, { timeoutMs: 60_000 }, 'The run took longer than its timeout of 1m.', StepStatus.CANCELED],
  ])('ends by %s timeout, where that comes first', (_, own, over, why, status) => {
    const world = begun([{ ...pause({ duration: '10m' }), retry: { max: 3 }, ...own }], over)
    passTo(world, '2030-01-01T00:01:00Z')
    expect(step(world, 'pause').status).toBe(status)
    expect(reasonText(step(world, 'pause').reason!)).toBe(why)
    expect(world.state.status).toBe(RunStatus.FAILED)
  })

  test.each([
    [
      'a text that is no moment',
      { until: '${{ "tomorrow" }}' },
      /^Until: "tomorrow" is no moment\. Write date, time and time zone, .* The value came from \$\{\{ "tomorrow" \}\}\.$/,
    ],
    [
      'a moment without a zone',
      { until: '${{ "2030-01-01 09:00" }}' },
      /^Until: "2030-01-01 09:00" does not say in which/,
    ],
    [
      'a text that is no duration',
      { duration: '${{ "so" + "on" }}' },
      /^For \(duration\): Write how long as 90s, 10m or 1h30m, not "soon"\. The value came from \$\{\{ "so" \+ "on" \}\}\.$/,
    ],
    ['a moment too far away', { until: '2040-01-01T00:00:00Z' }, /^Until: That is more than a year ahead\.$/],
  ])('fails for %s', (_, given, why) => {
    const world = begun([pause(given), after])
    expect(statuses(world)).toBe('pause:failed after:skipped')
    expect(reasonText(step(world, 'pause').reason!)).toMatch(why)
  })

  test('asks nothing of the agents of its workspace', () => {
    const world = begun([{ ...pause({ duration: '1s' }), runsOn: ['moon'] }, { id: 'work' }])
    expect([...world.state.jobs.values()].map(({ labels }) => labels)).toEqual([[]])
    proceed(world, [...world.state.jobs.values()][0]!)
  })
})
