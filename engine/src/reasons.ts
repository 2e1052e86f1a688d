// Why a step or run waits or ended as it did: codes, their parameters, and the English sentence of each.

export const reasonCodes = [
  'needs',
  'queued',
  'no_agent',
  'agents_busy',
  'workspace_full',
  'workspace_offline',
  'draining',
  'offered',
  'rejected',
  'starting',
  'retry_delay',
  'running',
  'canceling',
  'when_false',
  'need_not_met',
  'disabled',
  'exit_code',
  'signal',
  'timeout',
  'run_timeout',
  'unreachable',
  'lost',
  'agent_deleted',
  'canceled',
  'agent_stopped',
  'expression',
  'agent_error',
  'secret_missing',
  'failed_steps',
  'lost_steps',
] as const
export type ReasonCode = (typeof reasonCodes)[number]

export interface Reason {
  code: ReasonCode
  params: Record<string, string>
}

const known = new Set<string>(reasonCodes)

export function isReasonCode(code: string): code is ReasonCode {
  return known.has(code)
}

export function reason(code: ReasonCode, params: Record<string, string> = {}): Reason {
  return { code, params }
}

export function sameReason(a: Reason | null, b: Reason | null): boolean {
  if (a === b) return true
  if (!a || !b || a.code !== b.code) return false
  const keys = Object.keys(a.params)
  return keys.length === Object.keys(b.params).length && keys.every((key) => a.params[key] === b.params[key])
}

/** The run's own timeout, which counts from its creation: it may pass before any agent took a step. */
export function timeoutReason({ graph, startedAt }: { graph: { timeoutMs: number }; startedAt: Date | null }): Reason {
  const after = durationText(graph.timeoutMs)
  return reason('run_timeout', startedAt === null ? { after, waiting: 'true' } : { after })
}

/** Milliseconds as people say them: "1h 5m", "90s" becomes "1m 30s". */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`
  const seconds = Math.round(ms / 1000)
  const parts: [number, string][] = [
    [Math.floor(seconds / 3600), 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ]
  return parts
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(' ')
}

export function reasonText({ code, params: p }: Reason): string {
  const labels = p.labels ? ` with the labels ${p.labels}` : ''
  const shares = p.shares ? ` Steps of workspace ${p.shares}, which lives on one agent, ask for them.` : ''
  switch (code) {
    case 'needs':
      return `Waits for ${p.steps}${p.more ? ' and others' : ''}.`
    case 'queued':
      return 'Waits for an agent.'
    case 'no_agent':
      if (p.lacks) {
        return `Agent ${p.agent} holds workspace ${p.workspace} but lacks the labels ${p.lacks}, for which steps of that workspace ask.`
      }
      if (p.workspace) return `Agent ${p.agent} holds workspace ${p.workspace} but cannot run this step.`
      if (p.claimed) return `No agent${labels} is online. Agent ${p.claimed} only says so of itself.${shares}`
      return p.capability
        ? `No agent${labels} that can run ${p.capability} steps is online.${shares}`
        : `No agent${labels} is online.${shares}`
    case 'agents_busy':
      return (p.count === '1' ? `The one agent${labels} is busy.` : `All ${p.count} agents${labels} are busy.`) + shares
    case 'workspace_full':
      return `Waits for agent ${p.agent}: it holds workspace ${p.workspace} and is full.`
    case 'workspace_offline':
      return `Waits for agent ${p.agent}: it holds workspace ${p.workspace} and is offline.`
    case 'draining':
      return p.agent
        ? `Waits for agent ${p.agent}: it holds workspace ${p.workspace} and is draining.`
        : `All agents${labels} are draining.${shares}`
    case 'offered':
      return `Offered to agent ${p.agent}.`
    case 'rejected':
      return `Agent ${p.agent} refused it: ${p.message}. Waits for an agent.`
    case 'starting':
      return `Agent ${p.agent} is starting it.`
    case 'retry_delay':
      return `Attempt ${p.attempt} starts at ${p.at}.`
    case 'running':
      return p.agent ? `Runs on agent ${p.agent}.` : 'Runs.'
    case 'canceling':
      return p.by ? `Is being canceled by ${p.by}.` : 'Is being canceled.'
    case 'when_false':
      return `Its condition was false: ${p.when}`
    case 'need_not_met':
      return p.condition
        ? `The condition of its edge from ${p.step} was false: ${p.condition}`
        : `Its need ${p.step} ${p.status === 'skipped' || p.status === 'canceled' || p.status === 'lost' ? 'was' : 'has'} ${p.status}.`
    case 'disabled':
      return 'It is disabled.'
    case 'exit_code':
      return `Its command ended with exit code ${p.code}.`
    case 'signal':
      return `Its command was ended by signal ${p.signal}.`
    case 'timeout':
      return p.after ? `It took longer than its timeout of ${p.after}.` : 'It took longer than its timeout.'
    case 'run_timeout':
      return p.waiting
        ? `The run was still waiting for an agent when its timeout of ${p.after} had passed.`
        : `The run took longer than its timeout of ${p.after}.`
    case 'lost':
      return p.message || (p.agent ? `Its agent ${p.agent} was lost.` : 'Its agent was lost.')
    case 'unreachable':
      return `Agent ${p.agent} has not been heard of since ${p.since}. If that stays so, the step is lost at ${p.lostAt}.`
    case 'agent_deleted':
      return p.workspace
        ? `Agent ${p.agent}, which held workspace ${p.workspace}, was deleted.`
        : `Its agent ${p.agent} was deleted.`
    case 'canceled':
      if (p.agentLost) return p.by ? `Canceled by ${p.by}; its agent was lost.` : 'Canceled; its agent was lost.'
      if (p.failed) {
        const steps = p.failed === '1' ? 'one step' : `${p.failed} steps`
        return p.by ? `Canceled by ${p.by}; ${steps} failed.` : `Canceled; ${steps} failed.`
      }
      return p.by ? `Canceled by ${p.by}.` : 'Canceled.'
    case 'agent_stopped':
      return p.agent ? `Canceled: agent ${p.agent} was stopped.` : 'Canceled: its agent was stopped.'
    case 'expression':
      return `An expression failed: ${p.message}`
    case 'agent_error':
      return p.message || 'The agent could not run it.'
    case 'secret_missing':
      return `The project has no secret ${p.name}.`
    case 'failed_steps':
      return p.count === '1' ? 'A step failed.' : `${p.count} steps failed.`
    case 'lost_steps':
      return p.count === '1' ? 'A step was lost.' : `${p.count} steps were lost.`
  }
}
