// Ids: UUIDv7, so that primary keys grow with time and rows made together lie together.
import { randomInt } from 'node:crypto'
import { v7 } from 'uuid'

export function uuidv7(): string {
  return v7()
}

/** Of this moment; for ids that say when something was. Those of one moment sort in the order in which this process made them. */
export function idAt(at: Date): string {
  const msecs = at.getTime()
  const isSame = msecs === latest.msecs && latest.seq < mostSeq
  latest = { msecs, seq: isSame ? latest.seq + 1 : randomInt(2 ** 31) }
  return v7(latest)
}

const mostSeq = 0xffff_ffff
let latest = { msecs: 0, seq: 0 }

/** What was made at this moment or later sorts behind it. */
export function idsFrom(ms: number): string {
  const hex = ms.toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}`
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export function isId(text: string): boolean {
  return uuid.test(text)
}
