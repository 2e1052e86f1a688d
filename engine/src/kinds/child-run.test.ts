import { reasonText } from '@ansflow/proto/reasons'
import { isTerminal, RunStatus, StepStatus, statusWord } from '@ansflow/proto/status'
import { describe, expect, test } from 'vitest'
import { apply, graphOf, newWorld, proceed, restart, type StepInit, type World } from '../../test/world.ts'
import type { AwaitedRun } from './child-run.ts'

function begun(given: Record<string, unknown> = {}, more: Record<string, unknown> = {}): World {
  const step = { id: 'call', uses: 'pipeline', with: { pipeline: 'deploy', ...given }, ...more }
  const after = { id: 'after', needs: [{ stepId: 'call' }] }
  const world = newWorld(graphOf([step as NonNullable<StepInit>[number], after]))
  apply(world, { type: 'started' })
  return world
}

const step = (world: World) => world.state.steps.get('call')!
const says = (world: World) => reasonText(step(world).reason!)
const statuses = (world: World) =>
  [...world.state.steps.values()].map(({ id, status }) => `${id}:${statusWord(status)}`).join(' ')
const idOf = (world: World) => (step(world).awaits as AwaitedRun).id
const name = { pipelineName: 'deploy', number: 3 }
const started = (world: World, childId = idOf(world)) =>
  apply(world, { type: 'childStarted', stepId: 'call', childId, ...name })
const ended = (world: World, status: RunStatus, outputs = {}, childId = idOf(world)) =>
  apply(world, { type: 'childEnded', stepId: 'call', childId, ...name, status, outputs })

describe('a step that runs a pipeline', () => {
  test('asks once, waits without a job or a timer, and ends as the run does, with its outputs', () => {
    const world = begun({ inputs: { version: '${{ run.number }}' } })
    expect(statuses(world)).toBe('call:queued after:blocked')
    expect(says(world)).toBe('A run of deploy is about to begin.')
    expect([world.state.jobs.size, world.state.wakeAt]).toEqual([0, null])
    const id = idOf(world)
    expect(started(world).result).toBe('applied')
    expect(says(world)).toBe('Waits for the end of deploy #3.')
    world.state = restart(world.state)
    expect(started(world).result).toBe('unchanged')
    expect(ended(world, RunStatus.SUCCEEDED, { url: 'x' }, 'another').result).toBe('stale')
    expect(ended(world, RunStatus.SUCCEEDED, { url: 'x' }).children).toEqual([])
    expect(statuses(world)).toBe('call:succeeded after:queued')
    expect(says(world)).toBe('deploy #3 has succeeded.')
    const link = { runId: id, runNumber: '3', pipeline: 'deploy', status: 'succeeded' }
    expect(step(world).outputs).toEqual({ url: 'x', ...link })
    expect(ended(world, RunStatus.FAILED, {}, id).result).toBe('stale')
  })

  test('says what it asks for, with its inputs', () => {
    const world = newWorld(
      graphOf([{ id: 'call', uses: 'pipeline', with: { pipeline: 'a/b', inputs: { n: '${{ run.number }}' } } }]),
    )
    const [asked] = apply(world, { type: 'started' }).children
    expect(asked).toMatchObject({ type: 'asked', ask: { pipeline: 'a/b', inputs: { n: '7' }, wait: true } })
  })

  test.each([
    [RunStatus.FAILED, StepStatus.FAILED, RunStatus.FAILED, 'A step failed.'],
    [RunStatus.CANCELED, StepStatus.CANCELED, RunStatus.CANCELED, 'deploy #3 was canceled.'],
    [RunStatus.LOST, StepStatus.LOST, RunStatus.LOST, 'A step was lost.'],
  ])('that ends as %s ends so itself', (child, own, run, why) => {
    const world = begun()
    ended(world, child)
    expect(step(world).status).toBe(own)
    expect(world.state.status).toBe(run)
    expect(reasonText(world.state.reason!)).toBe(why)
  })

  test('ends at once when it does not wait, and fails when there can be no run', () => {
    const world = begun({ wait: false })
    expect(started(world).children).toEqual([])
    expect(statuses(world)).toBe('call:succeeded after:queued')
    expect(says(world)).toBe('Has started deploy #3.')
    const refused = begun()
    const why = { code: 'child_missing' as const, params: { pipeline: 'deploy' } }
    apply(refused, { type: 'childRefused', stepId: 'call', childId: idOf(refused), why })
    expect(statuses(refused)).toBe('call:failed after:skipped')
    expect(says(refused)).toBe('There is no pipeline deploy.')
  })

  test('withdraws its run when it is canceled or takes too long', () => {
    for (const begin of [false, true]) {
      const world = begun()
      const id = idOf(world)
      if (begin) started(world)
      const { children } = apply(world, { type: 'cancelRequested', by: 'u', byName: 'Ada' })
      expect(children).toMatchObject([{ type: 'withdrawn', childId: id }])
      expect(statuses(world)).toBe('call:canceled after:canceled')
    }
    const late = begun({}, { timeoutMs: 1000 })
    const id = idOf(late)
    started(late)
    late.now = new Date(late.now.getTime() + 1000)
    expect(apply(late, { type: 'timer' }).children).toMatchObject([{ type: 'withdrawn', childId: id }])
    expect(says(late)).toBe('It took longer than its timeout of 1s.')
  })
})

describe('outputs of a run', () => {
  const withOutputs = (outputs: { name: string; value: string }[], steps: StepInit = [{ id: 'a', outputs: ['v'] }]) => {
    const world = newWorld(graphOf(steps, { outputs }))
    apply(world, { type: 'started' })
    while (!isTerminal(world.state.status)) proceed(world, [...world.state.jobs.values()].at(-1)!)
    return world.state
  }

  test('are told from its steps, inputs and facts when it has succeeded', () => {
    const state = withOutputs([
      { name: 'what', value: 'v=${{ steps.a.outputs.v }}' },
      { name: 'number', value: '${{ run.number }}' },
    ])
    expect(state.outputs).toEqual({ what: 'v=x', number: '7' })
    expect(restart(state).outputs).toEqual(state.outputs)
  })

  test('that cannot be told make a failure of it, which names them', () => {
    const state = withOutputs([{ name: 'what', value: '${{ steps.a.outputs.gone }}' }])
    expect(state.status).toBe(RunStatus.FAILED)
    expect(state.outputs).toEqual({})
    expect(reasonText(state.reason!)).toContain('its output what cannot be told')
  })
})
