// The agents of an organization as they are now, for whoever asks where something could run.
import type { AgentView } from '@ansflow/engine/pick-job'
import { AgentStatus } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import { busyAgents } from '../runs/index.ts'
import { labelBook } from './agent-labels.ts'
import { agentStatus } from './agent-status.ts'
import { agentsOf, viewOf } from './agent-tables.ts'

export async function agentViews(
  { db, clock, lostAfterMs }: { db: Db; clock: Clock; lostAfterMs: number },
  organizationId: string,
): Promise<AgentView[]> {
  const [agents, book, busy] = await Promise.all([
    agentsOf(db, organizationId),
    labelBook(db, organizationId),
    busyAgents(db, organizationId),
  ])
  const now = clock.now()
  return agents.map((agent) => {
    const online = agentStatus(agent, now, lostAfterMs) === AgentStatus.ONLINE
    return viewOf(agent, book, { busy: busy.get(agent.id) ?? 0, online, draining: agent.draining })
  })
}
