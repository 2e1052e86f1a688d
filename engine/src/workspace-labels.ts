// What the steps of a workspace ask for together: a workspace lives on one agent, and the first job of any of them decides on which.
import { limits } from '@ansflow/proto/limits'
import { runsOnAgent } from '@ansflow/proto/steps/index'
import { isolatedWorkspace } from './pick-job.ts'
import type { RunState, StepState } from './state.ts'

export function workspaceOf({ definition }: StepState): string {
  return definition.workspace || 'shared'
}

/** One more than any agent can have: a job that asks for so many fits none, and naming more would only make it larger. */
const mostLabels = 2 * limits.labelsOfAnAgent + 1

/** By workspace. Steps that have ended count: jobs that were queued before asked for their labels too, and may still wait. */
export function workspaceLabels(steps: Iterable<StepState>): RunState['workspaceLabels'] {
  const labels = new Map<string, Set<string>>()
  for (const step of steps) {
    const { uses, disabled, runsOn } = step.definition
    const workspace = workspaceOf(step)
    if (disabled || workspace === isolatedWorkspace || !runsOnAgent(uses)) continue
    const together = labels.get(workspace) ?? new Set()
    labels.set(workspace, together)
    for (const label of runsOn) if (together.size < mostLabels) together.add(label)
  }
  return labels
}

/** What a job of the step asks for: whichever agent gets it can also run the other steps of its workspace. */
export function labelsOf({ workspaceLabels }: RunState, step: StepState): string[] {
  return [...new Set([...step.definition.runsOn, ...(workspaceLabels.get(workspaceOf(step)) ?? [])])]
}
