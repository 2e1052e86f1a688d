// Why a queued job still waits, given the agents there are.
import { type AgentView, type Candidate, fits, isolatedWorkspace, takesOffers } from './pick-job.ts'
import { type Reason, reason } from './reasons.ts'

export function explainWait(job: Candidate, agents: readonly AgentView[]): Reason {
  const labels: Record<string, string> = job.labels.length > 0 ? { labels: [...job.labels].sort().join(', ') } : {}
  if (job.pinnedAgentId && job.workspace !== isolatedWorkspace) {
    const holder = agents.find(({ id }) => id === job.pinnedAgentId)
    const params = { agent: holder?.name ?? job.pinnedAgentId, workspace: job.workspace }
    if (!holder?.online) return reason('workspace_offline', params)
    if (!fits(holder, job)) return reason('no_agent', { ...labels, ...params })
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

/** Names the labels, or the capability when it is that which is missing. */
function noAgent(job: Candidate, agents: readonly AgentView[], labels: Record<string, string>): Reason {
  const labeled = agents.some(
    (agent) =>
      agent.online &&
      agent.organizationId === job.organizationId &&
      job.labels.every((label) => agent.labels.includes(label)),
  )
  return reason('no_agent', labeled ? { ...labels, capability: job.capability } : labels)
}
