// Why a queued job still waits, given the agents there are: what lacks is named, be it an agent, labels, a capability or room.
import { type Reason, reason } from '@ansflow/proto/reasons'
import type { JobState, RunState } from '../state.ts'
import {
  type AgentView,
  type Candidate,
  fits,
  isAtLimit,
  isolatedWorkspace,
  isPinned,
  type JobLimits,
  lackedCapability,
  noLimits,
  type Running,
  takesOffers,
} from './pick-job.ts'

export function explainWait(
  job: Candidate,
  agents: readonly AgentView[],
  running: Running = new Map(),
  limits: JobLimits = noLimits,
): Reason {
  if (isAtLimit(job, running, limits)) {
    const limit = String(limits.get(job.projectId))
    return reason('project_limit', { limit, ...(job.untrusted && { untrusted: 'true' }) })
  }
  const own = agents.filter(({ organizationId }) => organizationId === job.organizationId)
  if (isPinned(job)) return explainPinned(job, own)
  const fitting = own.filter((agent) => fits(agent, job))
  const online = fitting.filter((agent) => agent.online)
  // An agent that is offline would take it: that one comes to be named first.
  if (
    fitting.length === 0 &&
    job.untrusted &&
    own.some((agent) => agent.online && fits(agent, { ...job, untrusted: false }))
  )
    return reason('agents_trusted')
  if (online.length === 0) return noneOnline(job, own, fitting)
  const taking = online.filter((agent) => !agent.draining)
  if (taking.length === 0) return reason('draining', labelsParams(job))
  if (taking.some(takesOffers)) return reason('queued')
  return reason('agents_busy', { ...labelsParams(job), count: String(taking.length) })
}

function explainPinned(job: Candidate, agents: readonly AgentView[]): Reason {
  const holder = agents.find(({ id }) => id === job.pinnedAgentId)
  const params = { agent: holder?.name ?? job.pinnedAgentId, workspace: job.workspace }
  if (!holder?.online) return reason('workspace_offline', params)
  const lacks = job.labels.filter((label) => !holder.labels.includes(label))
  if (lacks.length > 0) return reason('workspace_lacks', { ...params, lacks: named(lacks) })
  if (job.untrusted && !holder.takesUntrusted) return reason('workspace_trusted', params)
  const capability = lackedCapability(holder, job)
  if (capability !== undefined) return reason('workspace_cannot', { ...params, capability })
  if (holder.draining) return reason('workspace_draining', params)
  return holder.busy >= holder.slots ? reason('workspace_full', params) : reason('queued')
}

/** `shares`: the workspace whose steps ask for the labels, this one's or others'. */
function labelsParams({ labels, workspace }: Candidate): { labels?: string; shares?: string } {
  if (labels.length === 0) return {}
  return { labels: named(labels), ...(workspace !== isolatedWorkspace && { shares: workspace }) }
}

const mostNamed = 20

function named(labels: readonly string[]): string {
  const some = [...labels].sort().slice(0, mostNamed).join(', ')
  return labels.length > mostNamed ? `${some} …` : some
}

const mostAgentsNamed = 3

/** Nobody who is online can run it: nobody is, those who could are not, or something lacks. */
function noneOnline(job: Candidate, agents: readonly AgentView[], fitting: readonly AgentView[]): Reason {
  const online = agents.filter((agent) => agent.online)
  if (online.length === 0) return reason('no_agent')
  if (fitting.length > 0) {
    const names = fitting.slice(0, mostAgentsNamed).map(({ name }) => name)
    const more = fitting.length > mostAgentsNamed ? { more: 'true' } : {}
    return reason('agents_offline', { agents: names.join(', '), ...more })
  }
  const has = (agent: AgentView, label: string) => agent.labels.includes(label)
  const labeled = online.filter((agent) => job.labels.every((label) => has(agent, label)))
  if (labeled.length > 0) {
    const lacked = labeled.map((agent) => lackedCapability(agent, job))
    return reason('capability_missing', { ...labelsParams(job), capability: lacked.find(Boolean) ?? job.capability })
  }
  const claiming = online.find((agent) =>
    job.labels.every((label) => has(agent, label) || agent.claims.includes(label)),
  )
  const lacking = job.labels.filter((label) => !online.some((agent) => has(agent, label)))
  return reason('labels_missing', {
    labels: '',
    ...labelsParams(job),
    ...(claiming && { claimed: claiming.name }),
    lacks: named(lacking.length > 0 ? lacking : job.labels),
  })
}

const mostStepsNamed = 3

/** The same with the steps that ask for what lacks: the run knows them. */
export function withAsking(why: Reason, { workspaceLabels }: RunState, { step, workspace, labels }: JobState): Reason {
  if (why.params.lacks === undefined) return why
  const lacks = why.params.lacks.replace(/ …$/, '').split(', ')
  const asking = workspaceLabels.get(workspace)
  const found =
    workspace === isolatedWorkspace
      ? lacks.some((label) => labels.includes(label))
        ? [step.id]
        : []
      : [...new Set(lacks.flatMap((label) => asking?.get(label) ?? []))]
  if (found.length === 0) return why
  const more = found.length > mostStepsNamed ? { more: 'true' } : {}
  return { code: why.code, params: { ...why.params, steps: found.slice(0, mostStepsNamed).join(', '), ...more } }
}

/** As `explainWait` says it, so that the two can be compared. */
export function withoutAsking(why: Reason): Reason {
  if (why.params.lacks === undefined) return why
  const { steps: _, more: __, ...params } = why.params
  return { code: why.code, params }
}
