// What people see of an agent's link, computed from when it was last heard of.
import { AgentStatus } from '@ansflow/proto/gen/ansflow/v1/agents_pb'

export const heartbeatMs = 5_000
export const unreachableAfterMs = 15_000

export function agentStatus(
  agent: { lastSeenAt: Date | null; leftAt: Date | null },
  now: Date,
  lostAfterMs: number,
): AgentStatus {
  if (!agent.lastSeenAt || agent.leftAt) return AgentStatus.OFFLINE
  const silence = now.getTime() - agent.lastSeenAt.getTime()
  if (silence < unreachableAfterMs) return AgentStatus.ONLINE
  return silence < Math.max(lostAfterMs, unreachableAfterMs) ? AgentStatus.UNREACHABLE : AgentStatus.OFFLINE
}
