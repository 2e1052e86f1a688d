// Workspaces live on one agent, so that agent must have the labels of all steps that share one.
import type { StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { runsOnAgent } from '../steps/index.ts'
import { say } from '../texts/say.ts'
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
      report({ ...place, said: say('agent_labels', params) })
    } else {
      report({ ...place, said: say('workspace_labels', { ...params, workspace }) })
    }
  }
}

const mostNamed = 10

function named(words: readonly string[]): string {
  return words.slice(0, mostNamed).join(', ') + (words.length > mostNamed ? ' …' : '')
}
