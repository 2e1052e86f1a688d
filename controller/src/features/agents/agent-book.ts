// The agent's row as sessions write it: who speaks for the agent, when it was last heard of, what it says of itself.
import type { Hello } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import type { AgentBook } from './agent-session.ts'
import { agentTables, findAgent, loadColumn } from './agent-tables.ts'
import { factColumns } from './register.ts'

/** Load changes all the time; people are told this seldom. */
const tellLoadMs = 15_000
const capability = /^[a-z][a-z0-9_-]{0,31}$/

export function createAgentBook({ db, bus, clock }: { db: Db; bus: Bus; clock: Clock }): AgentBook {
  const toldAt = new Map<string, number>()

  async function tell(agentId: string): Promise<void> {
    const agent = await findAgent(db, agentId)
    if (agent) bus.publish('agent.changed', { agentId, organizationId: agent.organizationId })
  }

  return {
    async claim(agentId, sessionId, hello: Hello) {
      const now = clock.now()
      const result = await agentTables(db)
        .updateTable('agent')
        .set({
          ...factColumns(hello),
          capabilities: hello.capabilities
            .filter((word) => capability.test(word))
            .slice(0, 16)
            .join(' '),
          session_id: sessionId,
          last_seen_at: db.toColumn(now),
          left_at: null,
        })
        .where('id', '=', agentId)
        .executeTakeFirst()
      if (result.numUpdatedRows !== 1n) return null
      const agent = await findAgent(db, agentId)
      if (agent) bus.publish('agent.changed', { agentId, organizationId: agent.organizationId })
      return agent
    },

    async seen(agentId, sessionId, load) {
      const now = clock.now()
      const result = await agentTables(db)
        .updateTable('agent')
        .set({ last_seen_at: db.toColumn(now), ...(load ? { load: loadColumn(load) } : {}) })
        .where('id', '=', agentId)
        .where('session_id', '=', sessionId)
        .executeTakeFirst()
      if (result.numUpdatedRows !== 1n) return false
      if (now.getTime() - (toldAt.get(agentId) ?? 0) >= tellLoadMs) {
        toldAt.set(agentId, now.getTime())
        await tell(agentId)
      }
      return true
    },

    async left(agentId, sessionId) {
      toldAt.delete(agentId)
      await agentTables(db)
        .updateTable('agent')
        .set({ left_at: db.toColumn(clock.now()) })
        .where('id', '=', agentId)
        .where('session_id', '=', sessionId)
        .execute()
      await tell(agentId)
    },
  }
}
