// Which errors are the store's own state (away, full, read-only) and not the caller's fault, and how they are answered.
import { AppError } from '@ansflow/proto/errors'

/** Seconds after which a caller should try again. */
const retryAfter = '5'

const outcomeUnknown = 'OUTCOME_UNKNOWN'

/** A COMMIT was sent and its answer never came. */
export class OutcomeUnknown extends Error {
  override readonly name = 'OutcomeUnknown'
  /** By which it is known again: the ORM makes errors of its own that only have the fields. */
  readonly code = outcomeUnknown
  constructor(cause: unknown) {
    super('The database did not say whether it took the transaction.', { cause })
  }
}

const messages = {
  store_unavailable: 'The database does not answer. Try again in a moment.',
  store_full: 'There is no space left for the database. Try again when there is.',
  store_read_only: 'The database takes no changes for now (it is read-only). Try again later.',
  store_busy: 'Too many changes of the same thing at once. Try again.',
  outcome_unknown: 'The database went away before it said whether it took the change. Look before you repeat it.',
} as const
export type StoreReason = keyof typeof messages

// Errors of MySQL and MariaDB by number: read-only servers; disks and tables that are full; servers that end or are overrun;
// locks not got and deadlocks.
const readOnly = new Set([1290, 1792, 1836])
const full = new Set([1021, 1114])
const away = new Set([1040, 1053, 1077, 1079, 1129, 1152, 1158, 1159, 1160, 1161, 1203, 1226, 1927, 3169, 4031])
const busy = new Set([1205, 1213, 1020])
const cut =
  /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|PROTOCOL_CONNECTION_LOST|PROTOCOL_SEQUENCE_TIMEOUT|POOL_CLOSED)$/
// SQLite's primary result codes.
const sqlite: Record<number, StoreReason> = {
  5: 'store_busy',
  6: 'store_busy',
  8: 'store_read_only',
  10: 'store_unavailable',
  13: 'store_full',
  14: 'store_unavailable',
}

interface Causes {
  errno?: number
  errcode?: number
  code?: string
  cause?: unknown
}

/** Undefined: the error is not about the store. */
export function storeReason(error: unknown): StoreReason | undefined {
  for (let at = error as Causes | undefined; at; at = at.cause as Causes | undefined) {
    const { errno, errcode, code } = at
    if (code === outcomeUnknown) return 'outcome_unknown'
    if (errcode !== undefined) return sqlite[errcode & 0xff]
    if (code === 'ENOSPC' || code === 'EDQUOT' || (errno !== undefined && full.has(errno))) return 'store_full'
    if (errno !== undefined && readOnly.has(errno)) return 'store_read_only'
    if (errno !== undefined && busy.has(errno)) return 'store_busy'
    if ((errno !== undefined && away.has(errno)) || (code !== undefined && cut.test(code))) return 'store_unavailable'
  }
  return undefined
}

/**
 * What callers are told of it: UNAVAILABLE, with the reason and when to try again; ABORTED when the outcome is unknown, because
 * programs repeat by themselves what was unavailable. Undefined: it is not about the store.
 */
export function storeError(error: unknown): AppError | undefined {
  const reason = error instanceof AppError ? undefined : storeReason(error)
  if (!reason) return undefined
  const message = messages[reason]
  if (reason === 'outcome_unknown') return new AppError('aborted', message, { reason, cause: error })
  return new AppError('unavailable', message, { reason, params: { retry_after: retryAfter }, cause: error })
}

// ER_LOCK_DEADLOCK, ER_LOCK_WAIT_TIMEOUT, ER_CHECKREAD (MariaDB: the row changed under the snapshot); SQLITE_BUSY, _LOCKED.
export function lostRace(error: unknown): boolean {
  return storeReason(error) === 'store_busy'
}
