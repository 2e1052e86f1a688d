// Why a queued job still waits, given the agents there are.
import { type AgentView, type Candidate, fits, isolatedWorkspace, isPinned, takesOffers } from './pick-job.ts'
import { type Reason, reason } from './reasons.ts'

export function explainWait(job: Candidate, agents: readonly AgentView[]): Reason {
  const labels = labelsParams(job)
  if (isPinned(job)) {
    const holder = agents.find(({ id }) => id === job.pinnedAgentId)
    const params = { agent: holder?.name ?? job.pinnedAgentId, workspace: job.workspace }
    if (!holder?.online) return reason('workspace_offline', params)
    const lacks = job.labels.filter((label) => !holder.labels.includes(label))
    if (lacks.length > 0) return reason('no_agent', { ...params, lacks: named(lacks) })
    if (!fits(holder, job)) return reason('no_agent', params)
    if (holder.draining) return reason('draining', params)
    return holder.busy >= holder.slots ? reason('workspace_full', params) : reason('queued')
  }
  const online = agents.filter((agent) => agent.online && fits(agent, job))
  if (online.length === 0) return noAgent(job, agents, labels)
  const taking = online.filter((agent) => !agent.draining)
  if (taking.length === 0) return reason('draining', labels)
  if (taking.some(takesOffers)) return reason('queued')
  return reason('agents_busy', { ...labels, count: String(taking.length) })
}

/** `shares`: the workspace whose steps ask for the labels, this one's or others'. */
function labelsParams({ labels, workspace }: Candidate): Record<string, string> {
  if (labels.length === 0) return {}
  return { labels: named(labels), ...(workspace !== isolatedWorkspace && { shares: workspace }) }
}

const mostNamed = 20

function named(labels: readonly string[]): string {
  const some = [...labels].sort().slice(0, mostNamed).join(', ')
  return labels.length > mostNamed ? `${some} …` : some
}

/** Names the labels, the capability when it is that which is missing, and who only says of itself that it has them. */
function noAgent(job: Candidate, agents: readonly AgentView[], labels: Record<string, string>): Reason {
  const labeled = agents.some(
    (agent) =>
      agent.online &&
      agent.organizationId === job.organizationId &&
      job.labels.every((label) => agent.labels.includes(label)),
  )
  if (labeled) return reason('no_agent', { ...labels, capability: job.capability })
  const claiming = agents.find(
    (agent) =>
      agent.online &&
      agent.organizationId === job.organizationId &&
      job.labels.every((label) => agent.labels.includes(label) || agent.claims.includes(label)),
  )
  return reason('no_agent', claiming ? { ...labels, claimed: claiming.name } : labels)
}
