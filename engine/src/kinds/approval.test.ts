import { reasonText } from '@ansflow/proto/reasons'
import { RunStatus, StepStatus, statusWord } from '@ansflow/proto/status'
import { describe, expect, test } from 'vitest'
import { apply, graphOf, newWorld, restart, type StepInit, type World } from '../../test/world.ts'
import type { RunEvent } from '../state.ts'
import type { Vote } from './approval.ts'

function begun(given: Record<string, unknown>, more: Record<string, unknown> = {}, others: StepInit = []): World {
  const step = { id: 'ask', uses: 'approval', with: { approvers: ['role:maintainer'], ...given }, ...more }
  const after = { id: 'after', needs: [{ stepId: 'ask' }] }
  const world = newWorld(graphOf([step as NonNullable<StepInit>[number], after, ...others]))
  apply(world, { type: 'started' })
  return world
}

const step = (world: World) => world.state.steps.get('ask')!
const says = (world: World) => reasonText(step(world).reason!)
const statuses = (world: World) =>
  [...world.state.steps.values()].map(({ definition, status }) => `${definition.id}:${statusWord(status)}`).join(' ')
const passTo = (world: World, time: string) => {
  world.now = new Date(time)
  return apply(world, { type: 'timer' })
}

function decided(world: World, by: string, over: Partial<Vote> = {}): RunEvent {
  const { awaits } = step(world)
  const approvalId = awaits?.kind === 'approval' ? awaits.id : 'gone'
  const vote = { by, byName: by.toUpperCase(), approve: true, comment: '', answers: {}, ...over }
  return { type: 'approvalDecided', stepId: 'ask', approvalId, vote }
}

describe('an approval', () => {
  test('waits for as many people as it says, each once, and goes on with the answers of the last', () => {
    const fields = [
      { name: 'where', default: 'here' },
      { name: 'count', type: 'number', default: '2' },
      { name: 'free' },
    ]
    const world = begun({ required: 2, fields })
    expect(statuses(world)).toBe('ask:waiting after:blocked')
    expect(says(world)).toBe('Waits for the approval of a maintainer: 0 of 2 so far.')
    expect([world.state.status, world.state.jobs.size, world.state.wakeAt]).toEqual([RunStatus.RUNNING, 0, null])
    const first = decided(world, 'ada', { answers: { where: 'there' } })
    expect(apply(world, first).result).toBe('applied')
    world.state = restart(world.state)
    expect(apply(world, first).result).toBe('unchanged')
    expect(says(world)).toBe('Waits for the approval of a maintainer: 1 of 2 so far.')
    const { approvals } = apply(world, decided(world, 'ben', { comment: 'go', answers: { free: 'x' } }))
    expect(approvals.map(({ type }) => type)).toEqual(['decided', 'closed'])
    expect(statuses(world)).toBe('ask:succeeded after:queued')
    expect(says(world)).toBe('Approved by ADA, BEN.')
    const answers = { where: 'here', count: '2', free: 'x' }
    expect(step(world).outputs).toEqual({ ...answers, decision: 'approved', decidedBy: 'ADA, BEN', comment: 'go' })
    expect(apply(world, first).result).toBe('stale')
  })

  test('is ended by one rejection; what asks for a failure goes on', () => {
    const others = [{ id: 'back', needs: [{ stepId: 'ask', kind: 2 }] }]
    const world = begun({ required: 2 }, { retry: { max: 2 } }, others)
    apply(world, decided(world, 'ada'))
    apply(world, decided(world, 'ben', { approve: false, comment: 'not on\na Friday' }))
    expect(statuses(world)).toBe('ask:failed after:skipped back:queued')
    expect(says(world)).toBe('Rejected by BEN: not on a Friday')
    expect(step(world).outputs).toMatchObject({ decision: 'rejected', decidedBy: 'BEN', comment: 'not on\na Friday' })
  })

  test('that may fail lets its run go on when it is rejected', () => {
    const world = begun({}, { allowFailure: true })
    apply(world, decided(world, 'ben', { approve: false }))
    expect(says(world)).toBe('Rejected by BEN.')
    expect([statuses(world), world.state.failures]).toEqual(['ask:failed after:queued', 0])
  })

  test.each([
    ['reject', 'ask:failed after:skipped', 'It was not approved within 1h, so it counts as rejected.'],
    [
      'approve',
      'ask:succeeded after:queued',
      'Nobody rejected it within 1h, so it counts as approved, as its step says.',
    ],
  ])('that expires counts as its step says: %s', (onExpiry, ended, why) => {
    const world = begun({ required: 2, expires: '1h', onExpiry, fields: [{ name: 'where', default: 'here' }] })
    expect(says(world)).toBe('Waits for the approval of a maintainer: 0 of 2 so far, until 2030-01-01T01:00:00.000Z.')
    apply(world, decided(world, 'ada', { answers: { where: 'there' } }))
    passTo(world, '2030-01-01T00:59:59.999Z')
    expect(statuses(world)).toBe('ask:waiting after:blocked')
    // Whoever comes when it is over is too late, also before the timer.
    world.now = new Date('2030-01-01T01:00:00Z')
    expect(apply(world, decided(world, 'ben')).result).toBe('stale')
    world.state = restart(world.state)
    expect(passTo(world, '2030-01-01T01:00:00Z').approvals.map(({ type }) => type)).toEqual(['closed'])
    expect([statuses(world), says(world)]).toEqual([ended, why])
    expect(step(world).outputs).toEqual({ where: 'here', decision: 'expired', decidedBy: 'ADA', comment: '' })
  })

  test.each([
    ['its own timeout', { timeoutMs: 60_000 }, {}, StepStatus.FAILED, 'It took longer than its timeout of 1m.'],
    [
      'its expiry',
      { timeoutMs: 7_200_000 },
      { expires: '1m' },
      StepStatus.FAILED,
      'It was not approved within 1m, so it counts as rejected.',
    ],
  ])('ends by %s where that comes first', (_, more, given, status, why) => {
    const world = begun({ expires: '1h', ...given }, more)
    passTo(world, '2030-01-01T00:01:00Z')
    expect([step(world).status, says(world)]).toEqual([status, why])
  })

  test('is withdrawn when its run is canceled, and asked anew by a run that repeats it', () => {
    const world = begun({})
    const late = decided(world, 'ben')
    const { approvals } = apply(world, { type: 'cancelRequested', by: 'u', byName: 'Ada' })
    expect(approvals.map(({ type }) => type)).toEqual(['closed'])
    expect(statuses(world)).toBe('ask:canceled after:canceled')
    expect(apply(world, late).result).toBe('unchanged')
    expect(statuses(begun({}))).toBe('ask:waiting after:blocked')
  })

  test('asks of nobody who does not exist, whatever an expression says', () => {
    const world = begun({ approvers: ['${{ "role:" + "king" }}'] })
    expect(statuses(world)).toBe('ask:failed after:skipped')
    expect(says(world)).toMatch(/There is no role "king": it is one of viewer, developer, maintainer, owner\./)
  })
})
