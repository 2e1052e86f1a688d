// What the steps of a workspace ask for together: a workspace lives on one agent, and the first job of any of them decides on which.
import { limits } from '@ansflow/proto/limits'
import { runsOnAgent, runsScript } from '@ansflow/proto/steps/index'
import type { RunState, StepState } from '../state.ts'
import { ownLabelsOf, placeIsKnown, workspaceOf } from '../values/own-values.ts'
import { isolatedWorkspace } from './pick-job.ts'

/** One more than any agent can have: a job that asks for so many fits none, and naming more would only make it larger. */
const mostLabels = 2 * limits.labelsOfAnAgent + 1
/** One more than are named. */
const mostAskers = 4

/** Of a run that is begun or loaded. Steps that have ended count: jobs that were queued before asked for their labels too, and may still wait. */
export function noteKnownLabels(state: RunState, step: StepState): void {
  const { definition, group } = step
  const known = placeIsKnown(definition)
  if (known === 'always') {
    if (!group) noteLabels(state, step)
  } else if (known === 'early' ? !group : group || step.attempts.length > 0) noteLabels(state, step)
}

/** When a step's first job is made, or when its copies are. */
export function noteLateLabels(state: RunState, step: StepState): void {
  if (placeIsKnown(step.definition) === 'late') noteLabels(state, step)
}

function noteLabels(state: RunState, step: StepState): void {
  const { uses, disabled, runsOn } = step.definition
  const hasImage = needsContainers(step)
  if (disabled || (runsOn.length === 0 && !hasImage) || !runsOnAgent(uses)) return
  try {
    const workspace = workspaceOf(state, step)
    if (workspace === isolatedWorkspace) return
    if (hasImage) state.containerWorkspaces.add(workspace)
    if (runsOn.length === 0) return
    const together = state.workspaceLabels.get(workspace) ?? new Map<string, string[]>()
    state.workspaceLabels.set(workspace, together)
    for (const label of ownLabelsOf(state, step)) {
      const asking = together.get(label)
      if (asking === undefined) {
        if (together.size < mostLabels) together.set(label, [step.id])
      } else if (asking.length < mostAskers) asking.push(step.id)
    }
  } catch {
    // It fails when it begins, and says why.
  }
}

/** What an expression gives is not asked: it may be known late, and the agent is chosen with the first job of the workspace. */
function needsContainers({ definition: { uses, image } }: StepState): boolean {
  return image !== '' && runsScript(uses)
}

/** What the agent of the step's job must be able to do, first what the job itself is: it has to run the workspace's other steps too. */
export function capabilitiesOf(state: RunState, step: StepState, own: string): string[] {
  return [...new Set([own, ...(state.containerWorkspaces.has(workspaceOf(state, step)) ? ['container'] : [])])]
}

/** What a job of the step asks for: whichever agent gets it can also run the other steps of its workspace. */
export function labelsOf(state: RunState, step: StepState): string[] {
  return [
    ...new Set([...ownLabelsOf(state, step), ...(state.workspaceLabels.get(workspaceOf(state, step))?.keys() ?? [])]),
  ]
}
