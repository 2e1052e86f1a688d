// The agent table as hand-written statements see it, and what an agent is in memory.

import type { AgentView } from '@ansflow/engine/pick-job'
import { type HostFacts, HostFactsSchema, type HostLoad, HostLoadSchema } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { fromJsonString, toJsonString } from '@bufbuild/protobuf'
import type { Db, EntityManager } from '../../platform/db.ts'
import { type LabelBook, labelBook } from './agent-labels.ts'

export interface AgentTable {
  id: string
  organization_id: string
  name: string
  secret_hash: string
  labels: string
  capabilities: string
  slots: number
  version: string
  host: string
  load: string | null
  draining: number
  takes_untrusted: number
  session_id: string | null
  instances: string
  hello_number: number
  instance_since: number | string | null
  doubled_at: number | string | null
  left_at: number | string | null
  last_seen_at: number | string | null
  registered_at: number | string
}

export interface AgentTables {
  agent: AgentTable
}

export function agentTables(db: Db, em?: EntityManager) {
  return db.kysely<AgentTables>(em)
}

export interface KnownAgent {
  id: string
  organizationId: string
  name: string
  /** The labels it says of itself. */
  reported: string[]
  capabilities: string[]
  slots: number
  version: string
  host: HostFacts
  load: HostLoad | null
  draining: boolean
  takesUntrusted: boolean
  sessionId: string | null
  /** The processes that spoke for it: see instances.ts. */
  instances: string
  /** Since when the latest of them does. */
  instanceSince: Date | null
  /** Since when two processes are known to use its identity. */
  doubledAt: Date | null
  leftAt: Date | null
  lastSeenAt: Date | null
  registeredAt: Date
}

export const words = (text: string) => text.split(' ').filter((word) => word.length > 0)

export function knownAgent(db: Db, row: AgentTable): KnownAgent {
  const time = (value: number | string | null) => (value === null ? null : db.fromColumn(value))
  return {
    id: row.id,
    organizationId: row.organization_id,
    name: row.name,
    reported: words(row.labels),
    capabilities: words(row.capabilities),
    slots: row.slots,
    version: row.version,
    host: fromJsonString(HostFactsSchema, row.host, { ignoreUnknownFields: true }),
    load: row.load === null ? null : fromJsonString(HostLoadSchema, row.load, { ignoreUnknownFields: true }),
    draining: Boolean(row.draining),
    takesUntrusted: Boolean(row.takes_untrusted),
    sessionId: row.session_id,
    instances: row.instances,
    instanceSince: time(row.instance_since),
    doubledAt: time(row.doubled_at),
    leftAt: time(row.left_at),
    lastSeenAt: time(row.last_seen_at),
    registeredAt: db.fromColumn(row.registered_at),
  }
}

export const hostColumn = (host: HostFacts) => toJsonString(HostFactsSchema, host)
export const loadColumn = (load: HostLoad) => toJsonString(HostLoadSchema, load)

export async function findAgent(db: Db, id: string): Promise<KnownAgent | null> {
  const row = await agentTables(db).selectFrom('agent').selectAll().where('id', '=', id).executeTakeFirst()
  return row ? knownAgent(db, row) : null
}

/** Those that exist, of these ids. */
export async function knownAmong(db: Db, ids: string[]): Promise<string[]> {
  if (ids.length === 0) return []
  const rows = await agentTables(db).selectFrom('agent').select('id').where('id', 'in', ids).execute()
  return rows.map(({ id }) => id)
}

/** Of these agents those that exist: whether each can use the workspace of an earlier run, and how long it keeps one. */
export async function keepersAmong(
  db: Db,
  ids: readonly string[],
): Promise<Map<string, { can: boolean; hours: number }>> {
  const rows = await agentTables(db).selectFrom('agent').selectAll().where('id', 'in', ids).execute()
  return new Map(
    rows.map((row) => {
      const { id, capabilities, host } = knownAgent(db, row)
      return [id, { can: capabilities.includes('earlier_workspace'), hours: host.workspaceHours }]
    }),
  )
}

export async function agentsOf(db: Db, organizationId: string): Promise<KnownAgent[]> {
  const rows = await agentTables(db)
    .selectFrom('agent')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .orderBy('name')
    .execute()
  return rows.map((row) => knownAgent(db, row))
}

/** What counts for each agent of the organization, connected or not. */
export async function agentLabels(db: Db, organizationId: string): Promise<string[][]> {
  const [agents, book] = await Promise.all([agentsOf(db, organizationId), labelBook(db, organizationId)])
  return agents.map((agent) => book.sort(agent).labels)
}

export function viewOf(
  agent: KnownAgent,
  book: LabelBook,
  state: { busy: number; online: boolean; draining: boolean },
): AgentView {
  const { id, name, organizationId, capabilities, slots } = agent
  const takesUntrusted = book.takesUntrusted(id)
  return { id, name, organizationId, ...book.sort(agent), capabilities, takesUntrusted, slots, ...state }
}
