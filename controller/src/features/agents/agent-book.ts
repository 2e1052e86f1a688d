// The agent's row as sessions write it: who speaks for the agent, when it was last heard of, what it says of itself.
import { AppError } from '@ansflow/proto/errors'
import type { Hello } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import type { Logger } from '../../platform/log.ts'
import { type AgentBook, superseded } from './agent-session.ts'
import { unreachableAfterMs } from './agent-status.ts'
import { agentTables, findAgent, loadColumn } from './agent-tables.ts'
import { claimBy } from './instances.ts'
import { factColumns } from './register.ts'

/** Load changes all the time; people are told this seldom. */
const tellLoadMs = 15_000
const capability = /^[a-z][a-z0-9_-]{0,31}$/
const instance = /^[A-Za-z0-9-]{0,36}$/

interface Deps {
  db: Db
  bus: Bus
  clock: Clock
  log: Logger
}

export function createAgentBook({ db, bus, clock, log }: Deps): AgentBook {
  const toldAt = new Map<string, number>()

  async function tell(agentId: string): Promise<void> {
    const agent = await findAgent(db, agentId)
    if (agent) bus.publish('agent.changed', { agentId, organizationId: agent.organizationId })
  }

  /** False when another hello was quicker. */
  async function take(agentId: string, sessionId: string, hello: Hello, before: Held): Promise<boolean> {
    const { instanceId } = hello
    const now = clock.now()
    const claim = claimBy({ instances: before.instances, helloNumber: before.hello_number }, hello)
    if (claim === 'late') throw superseded()
    if (claim === 'doubled') {
      if (before.doubled_at === null) await markDoubled(agentId)
      log.warn({ agentId, instanceId }, 'the identity of an agent is used from two places; renew it')
      throw inUse()
    }
    // Known to be used twice: nobody takes the place of one that is there, or the two would go on doing it for ever.
    if (claim.isOther && before.doubled_at !== null && before.session_id !== null && before.last_seen_at !== null) {
      if (now.getTime() - db.fromColumn(before.last_seen_at).getTime() < unreachableAfterMs) throw inUse()
    }
    const result = await agentTables(db)
      .updateTable('agent')
      .set({
        ...factColumns(hello),
        capabilities: hello.capabilities
          .filter((word) => capability.test(word))
          .slice(0, 16)
          .join(' '),
        session_id: sessionId,
        instances: claim.instances,
        hello_number: claim.helloNumber,
        last_seen_at: db.toColumn(now),
        left_at: null,
        ...(claim.isOther && { instance_since: db.toColumn(now) }),
      })
      .where('id', '=', agentId)
      .where('instances', '=', before.instances)
      .where('hello_number', '=', before.hello_number)
      .executeTakeFirst()
    return result.numUpdatedRows === 1n
  }

  async function markDoubled(agentId: string): Promise<void> {
    await agentTables(db)
      .updateTable('agent')
      .set({ doubled_at: db.toColumn(clock.now()) })
      .where('id', '=', agentId)
      .where('doubled_at', 'is', null)
      .execute()
    await tell(agentId)
  }

  return {
    async claim(agentId, sessionId, hello: Hello) {
      if (![hello.instanceId, ...hello.formerInstanceIds].every((id) => instance.test(id)))
        throw new AppError('invalid_argument', 'That is no id of a process.')
      for (;;) {
        const before = await agentTables(db)
          .selectFrom('agent')
          .select(['instances', 'hello_number', 'doubled_at', 'session_id', 'last_seen_at'])
          .where('id', '=', agentId)
          .executeTakeFirst()
        if (!before) return null
        if (await take(agentId, sessionId, hello, before)) break
      }
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

    async ended(agentId, sessionId, leaves) {
      toldAt.delete(agentId)
      const result = await agentTables(db)
        .updateTable('agent')
        .set({ session_id: null, ...(leaves && { left_at: db.toColumn(clock.now()) }) })
        .where('id', '=', agentId)
        .where('session_id', '=', sessionId)
        .executeTakeFirst()
      if (leaves && result.numUpdatedRows === 1n) await tell(agentId)
    },
  }
}

interface Held {
  instances: string
  hello_number: number
  doubled_at: number | string | null
  session_id: string | null
  last_seen_at: number | string | null
}

function inUse(): AppError {
  return new AppError(
    'already_exists',
    'Another process speaks for this agent: its identity is used from two places. Keep one of them and renew the identity on the agents page.',
    { reason: 'identity_in_use' },
  )
}
