// Workspaces live on one agent, so that agent must have the labels of all steps that share one.
import type { StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { runsOnAgent } from '../steps/index.ts'
import type { Report } from './finding.ts'

/** The labels that count for each agent there is. */
export type AgentLabels = readonly (readonly string[])[]

/** Warns of each workspace, and of each isolated step, for which no agent has all the labels. */
export function checkWorkspaces(steps: readonly StepDefinition[], agents: AgentLabels, report: Report): void {
  const asking = steps.filter(({ uses, disabled, runsOn }) => !disabled && runsOn.length > 0 && runsOnAgent(uses))
  const sharing = Map.groupBy(asking, (step) => (step.workspace === 'isolated' ? step : step.workspace || 'shared'))
  const sets = agents.map((labels) => new Set(labels))
  for (const [workspace, group] of sharing) {
    const labels = [...new Set(group.flatMap(({ runsOn }) => runsOn))].sort()
    if (sets.some((set) => labels.every((label) => set.has(label)))) continue
    const params = { labels: named(labels), steps: named(group.map(({ id }) => id)) }
    // The step that asks for most is the likeliest to need a workspace of its own.
    const { id: stepId } = group.reduce((a, b) => (b.runsOn.length > a.runsOn.length ? b : a))
    const place = { stepId, field: 'runsOn', warning: true }
    if (typeof workspace !== 'string' || group.length === 1) {
      const message = `No agent has the labels ${params.labels}, so the step waits until one does.`
      report({ ...place, code: 'agent_labels', message, params })
    } else {
      const message = `No agent has the labels ${params.labels} together, for which steps of the workspace ${workspace} ask (${params.steps}). A workspace lives on one agent, so all its steps wait until an agent has them. Steps that need no files of each other can have workspaces of their own.`
      report({ ...place, code: 'workspace_labels', message, params: { ...params, workspace } })
    }
  }
}

const mostNamed = 10

function named(words: readonly string[]): string {
  return words.slice(0, mostNamed).join(', ') + (words.length > mostNamed ? ' …' : '')
}
