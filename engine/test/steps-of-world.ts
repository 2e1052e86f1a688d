// Steps of a world by their ids: their jobs, and how they stand.
import type { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { NeedKind } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { reasonText } from '@ansflow/proto/reasons'
import { statusWord } from '@ansflow/proto/status'
import type { JobState } from '../src/state.ts'
import { apply, graphOf, newWorld, proceed, type StepInit, type World } from './world.ts'

export const need = (stepId: string, kind = NeedKind.SUCCESS, condition = '') => ({ stepId, kind, condition })

export function begun(steps: StepInit, over: { timeoutMs?: number } = {}): World {
  const world = newWorld(graphOf(steps, over))
  apply(world, { type: 'started' })
  return world
}

export const job = (world: World, stepId: string): JobState => world.state.steps.get(stepId)!.attempts.at(-1)!
export const text = (world: World, stepId: string) => reasonText(world.state.steps.get(stepId)!.reason!)
export const statuses = (world: World) =>
  [...world.state.steps.values()].map(({ definition, status }) => `${definition.id}:${statusWord(status)}`).join(' ')

/** Brings a step's job from queued to running, or on to its end. */
export function run(world: World, stepId: string, outcome?: Outcome): void {
  for (let i = 0; i < 3; i++) proceed(world, job(world, stepId))
  if (outcome !== undefined) proceed(world, job(world, stepId), outcome)
}

export function pass(world: World, ms: number): void {
  world.now = new Date(world.now.getTime() + ms)
  apply(world, { type: 'timer' })
}
