// The ways to run a run or a step of it again, as menus offer them. Pure but for the words.
import { RerunMode, type RunStep, StepStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { hasCopies } from '../step-groups.ts'

export interface RerunAsk {
  mode: RerunMode
  /** The steps that are named. */
  stepIds: string[]
  /** First asks for the inputs. */
  inputs?: boolean
}

export interface RerunOption {
  key: 'all' | 'failed' | 'from' | 'alone' | 'inputs'
  ask: RerunAsk
}

/** It makes a run that is not well, and would be run again with the others that do. */
export function endedBadly(step: RunStep): boolean {
  if (hasCopies(step)) return false
  const { status, failureAllowed } = step
  return (
    (status === StepStatus.FAILED && !failureAllowed) || status === StepStatus.CANCELED || status === StepStatus.LOST
  )
}

export function optionsOfRun(steps: Iterable<RunStep>, hasInputs: boolean): RerunOption[] {
  const options: RerunOption[] = [{ key: 'all', ask: { mode: RerunMode.ALL, stepIds: [] } }]
  if ([...steps].some(endedBadly)) options.push({ key: 'failed', ask: { mode: RerunMode.FAILED, stepIds: [] } })
  if (hasInputs) options.push({ key: 'inputs', ask: { mode: RerunMode.ALL, stepIds: [], inputs: true } })
  return options
}

export function optionsOfStep(stepId: string, hasInputs: boolean): RerunOption[] {
  const from = { mode: RerunMode.FROM, stepIds: [stepId] }
  const options: RerunOption[] = [
    { key: 'from', ask: from },
    { key: 'alone', ask: { mode: RerunMode.ALONE, stepIds: [stepId] } },
  ]
  if (hasInputs) options.push({ key: 'inputs', ask: { ...from, inputs: true } })
  return options
}

/** What a refusal says to run from, too. */
export function alsoFrom({ mode, stepIds }: RerunAsk, include: readonly string[]): RerunAsk {
  const together = [...new Set([...stepIds, ...include])]
  return { mode: mode === RerunMode.FAILED ? mode : RerunMode.FROM, stepIds: together }
}
