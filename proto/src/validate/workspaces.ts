// Workspaces that steps share: they live on one agent, so that agent must have the labels of all of those steps.
import type { StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { Report } from './finding.ts'

/** Warns where no step of a workspace asks for all the labels that its steps ask for together. */
export function checkWorkspaces(steps: readonly StepDefinition[], report: Report): void {
  const sharing = Map.groupBy(
    steps.filter(({ disabled, workspace, runsOn }) => !disabled && workspace !== 'isolated' && runsOn.length > 0),
    ({ workspace }) => workspace || 'shared',
  )
  for (const [workspace, group] of sharing) {
    const labels = new Set(group.flatMap(({ runsOn }) => runsOn))
    const most = group.reduce((a, b) => (new Set(b.runsOn).size > new Set(a.runsOn).size ? b : a))
    if (new Set(most.runsOn).size === labels.size) continue
    const other = group.find(({ runsOn }) => runsOn.some((label) => !most.runsOn.includes(label)))!
    const all = [...labels].slice(0, 10).join(', ')
    report({
      code: 'workspace_labels',
      stepId: other.id,
      field: 'runsOn',
      message: `${most.id} and ${other.id} share the workspace ${workspace}, which lives on one agent, but ask for different ones. They wait for an agent with all of ${all}. If they need no files of each other, give one of them another workspace.`,
      params: { workspace, labels: all, other: most.id },
      warning: true,
    })
  }
}
