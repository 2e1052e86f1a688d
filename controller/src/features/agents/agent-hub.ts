// The control sessions of this controller, one an agent, and what reaches them from elsewhere: cancels and changed rows.
import type { Bus } from '../../platform/bus.ts'
import type { Db } from '../../platform/db.ts'
import type { Logger } from '../../platform/log.ts'
import { type AgentSession, superseded } from './agent-session.ts'
import { findAgent } from './agent-tables.ts'

export interface AgentHub {
  /** The newest session of an agent; an older one here is closed. */
  add(session: AgentSession): void
  remove(session: AgentSession): void
  sessions(): Iterable<AgentSession>
  stop(): void
}

export function createAgentHub({ db, bus, log }: { db: Db; bus: Bus; log: Logger }): AgentHub {
  const sessions = new Map<string, AgentSession>()
  const ends = [
    bus.subscribe('job.cancel', ({ agentId }) => {
      sessions
        .get(agentId)
        ?.deliverCancels()
        .catch((error: unknown) => {
          log.warn({ err: error, agentId }, 'a cancel waits for the next heartbeat')
        })
    }),
    bus.subscribe('agent.changed', ({ agentId }) => {
      const session = sessions.get(agentId)
      if (!session) return
      findAgent(db, agentId).then(
        (agent) => session.onRow(agent),
        (error: unknown) => log.warn({ err: error, agentId }, 'a changed agent could not be read'),
      )
    }),
  ]
  return {
    add(session) {
      const older = sessions.get(session.agentId)
      sessions.set(session.agentId, session)
      if (older !== session) older?.close(superseded())
    },
    remove(session) {
      if (sessions.get(session.agentId) === session) sessions.delete(session.agentId)
    },
    sessions: () => sessions.values(),
    stop() {
      for (const end of ends) end()
    },
  }
}
