// The control sessions of this controller, one an agent, and what reaches them from elsewhere: cancels and changed rows.
import type { AppError } from '@ansflow/proto/errors'
import type { Bus } from '../../platform/bus.ts'
import type { Db } from '../../platform/db.ts'
import type { Logger } from '../../platform/log.ts'
import { type AgentSession, superseded, withoutIdentity } from './agent-session.ts'
import { findAgent } from './agent-tables.ts'

export interface AgentHub {
  /** The newest session of an agent; an older one here is closed. */
  add(session: AgentSession): void
  remove(session: AgentSession): void
  /** A log stream of an agent; it ends with the identity it came with. The answer takes it out again. */
  addLogs(agentId: string, end: (error: AppError) => void): () => void
  sessions(): Iterable<AgentSession>
  stop(): void
}

export function createAgentHub({ db, bus, log }: { db: Db; bus: Bus; log: Logger }): AgentHub {
  const sessions = new Map<string, AgentSession>()
  const logs = new Map<string, Set<(error: AppError) => void>>()
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
      if (!session && !logs.has(agentId)) return
      findAgent(db, agentId).then(
        (agent) => {
          session?.onRow(agent)
          // One that is still there and merely has no control stream opens another.
          if (!agent?.sessionId) for (const end of logs.get(agentId) ?? []) end(withoutIdentity(agent))
        },
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
    addLogs(agentId, end) {
      const ends = logs.get(agentId) ?? new Set()
      logs.set(agentId, ends.add(end))
      return () => {
        if (ends.delete(end) && ends.size === 0 && logs.get(agentId) === ends) logs.delete(agentId)
      }
    },
    sessions: () => sessions.values(),
    stop() {
      for (const end of ends) end()
    },
  }
}
