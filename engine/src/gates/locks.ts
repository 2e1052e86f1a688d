// What a run, or a step of it, must have to itself before it begins: a place in a group, or locks. Who has them is known where all runs of
// the project are, so they are asked for with the change that needs them, given by an event, and given back with the change that ends it.
import { ExpressionError, interpolate } from '@ansflow/proto/expression'
import { lockNameProblem } from '@ansflow/proto/fields/locks'
import { ConcurrencyQueue } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { limits } from '@ansflow/proto/limits'
import { type Reason, reason } from '@ansflow/proto/reasons'
import { say } from '@ansflow/proto/texts/say'
import type { RunState } from '../state.ts'
import { expressionContext } from '../values/job-context.ts'

/** In the order in which they are meant. */
export type LockChange =
  | { type: 'asked'; of: LockHolder; wants: LockWant[]; supersedes: 'none' | 'waiting' | 'all' }
  /** What was told with this change of the asking is stored with the run. */
  | { type: 'heard'; of: LockHolder; change: number }
  | { type: 'returned'; of: LockHolder }

/** Empty: the run itself. Else an attempt of a step: each asks anew. */
export type LockHolder = string

export const ofAttempt = ({ id }: { id: string }, attempt: number): LockHolder => `${id}#${attempt}`

/** Of all who want the same, as many have it at once. */
export interface LockWant {
  /** `pipeline`: the group that a pipeline is without any name; `name` is its id. */
  kind: 'group' | 'pipeline' | 'lock'
  name: string
  most: number
}

/** What comes first. */
export interface Ahead {
  runId: string
  number: number
  pipeline: string
  /** What people see of it; empty: the run itself. */
  step: string
  /** It has not got its turn either. */
  waits: boolean
}

/** What the run wants before it begins; undefined: nothing. Throws an ExpressionError. */
export function groupOf(state: RunState): LockWant | undefined {
  const { group, limit } = state.graph.concurrency!
  const most = limit || 1
  const { pipelineId, origin } = state.meta
  // Strangers hold up and take the place of nobody but strangers.
  const ofStrangers = origin.untrusted ? 'untrusted: ' : ''
  if (group === '') return { kind: 'pipeline', name: ofStrangers + pipelineId, most }
  const context = expressionContext(state, null, { success: true, failure: false, canceled: false }, () => ({}))
  const name = interpolate(group, context).trim()
  if (name === '') return undefined
  if (lockNameProblem(name)) throw new ExpressionError(say('group_name', { most: limits.lockName }))
  return { kind: 'group', name: ofStrangers + name, most }
}

/** Which of those that came before it it takes the place of. */
export function supersedes({ graph }: RunState): 'none' | 'waiting' | 'all' {
  const { queue = 0, cancelInProgress = false } = graph.concurrency ?? {}
  if (cancelInProgress) return 'all'
  return queue === ConcurrencyQueue.NEWEST ? 'waiting' : 'none'
}

export function nextReason({ kind, name }: LockWant): Reason {
  return reason('group_next', kind === 'group' ? { group: name } : {})
}

/** `run` is for whoever shows the way to it. */
export function aheadReason({ kind, name }: LockWant, { runId, number, pipeline, step, waits }: Ahead): Reason {
  const other = { pipeline, number: String(number), ...(waits && { queued: 'true' }) }
  const why =
    kind === 'lock'
      ? reason('lock_waits', { ...other, lock: name, holder: step })
      : reason('group_waits', { ...other, ...(kind === 'group' && { group: name }) })
  return { ...why, params: { ...why.params, run: runId } }
}

/** Of a run that another one keeps from going on: it takes its place, or they would wait for each other. */
export function endedReason(
  code: 'superseded' | 'group_circle',
  { kind, name }: LockWant,
  { runId, number, pipeline }: Ahead,
): Reason {
  const why = reason(code, { pipeline, number: String(number), ...(kind === 'group' && { group: name }) })
  return { ...why, params: { ...why.params, run: runId } }
}
