// How a connection is, in one word and what stands behind it.
import type { Connection } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import { toMs } from '../../ui/format.ts'

export type ConnectionHealth = 'refused' | 'expired' | 'expires' | 'fine'

const dayMs = 24 * 3_600_000
/** Soon enough to do something about it. */
const warnDays = 14

/** Whole days until its credentials end; undefined: not known, or never. */
export function daysLeft({ expiresAt }: Pick<Connection, 'expiresAt'>, now: number): number | undefined {
  const end = toMs(expiresAt)
  return end === undefined ? undefined : Math.floor((end - now) / dayMs)
}

export function healthOf(connection: Pick<Connection, 'expiresAt' | 'problem'>, now: number): ConnectionHealth {
  const days = daysLeft(connection, now)
  if (days !== undefined && days < 0) return 'expired'
  if (connection.problem !== '') return 'refused'
  return days !== undefined && days <= warnDays ? 'expires' : 'fine'
}
