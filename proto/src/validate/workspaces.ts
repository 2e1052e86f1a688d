// Workspaces live on one agent, so that agent must have the labels of all steps that share one.
import type { StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { hasExpression } from '../expression.ts'
import { runsOnAgent } from '../steps/index.ts'
import { say } from '../texts/say.ts'
import type { Report } from './finding.ts'

/** The labels that count for each agent there is. */
export type AgentLabels = readonly (readonly string[])[]

/** Warns of each workspace, and of each isolated step, for which no agent has all the labels. What expressions say a run knows. */
export function checkWorkspaces(steps: readonly StepDefinition[], agents: AgentLabels, report: Report): void {
  const asking = steps.flatMap((step) => {
    const { uses, disabled, workspace } = step
    const labels = step.runsOn.filter((label) => !hasExpression(label))
    return disabled || labels.length === 0 || hasExpression(workspace) || !runsOnAgent(uses) ? [] : [{ step, labels }]
  })
  const sharing = Map.groupBy(asking, ({ step }) => (step.workspace === 'isolated' ? step : step.workspace || 'shared'))
  const sets = agents.map((labels) => new Set(labels))
  for (const [workspace, group] of sharing) {
    const labels = [...new Set(group.flatMap(({ labels: own }) => own))].sort()
    if (sets.some((set) => labels.every((label) => set.has(label)))) continue
    const params = { labels: named(labels), steps: named(group.map(({ step }) => step.id)) }
    // The step that asks for most is the likeliest to need a workspace of its own.
    const most = group.reduce((a, b) => (b.labels.length > a.labels.length ? b : a))
    const place = { stepId: most.step.id, field: 'runsOn', warning: true }
    if (typeof workspace !== 'string' || group.length === 1) {
      report({ ...place, said: say('agent_labels', params) })
    } else {
      report({ ...place, said: say('workspace_labels', { ...params, workspace }) })
    }
  }
}

/** Warns of copies that go to agents of their own but share a workspace. */
export function checkCopiesApart(step: StepDefinition, report: Report): void {
  const { matrix, runsOn, uses } = step
  const workspace = step.workspace || 'shared'
  if (!matrix || workspace === 'isolated' || hasExpression(workspace) || !runsOnAgent(uses)) return
  if (!runsOn.some((label) => /\$\{\{[^}]*\bmatrix\b/.test(label))) return
  report({ stepId: step.id, field: 'runsOn', said: say('matrix_shares', { workspace }), warning: true })
}

const mostNamed = 10

function named(words: readonly string[]): string {
  return words.slice(0, mostNamed).join(', ') + (words.length > mostNamed ? ' …' : '')
}
