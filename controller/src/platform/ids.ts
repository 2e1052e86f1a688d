// Ids: UUIDv7, so that primary keys grow with time and rows made together lie together.
import { v7 } from 'uuid'

export function uuidv7(): string {
  return v7()
}

/** Of this moment; for ids that say when something was. */
export function idAt(at: Date): string {
  return v7({ msecs: at.getTime() })
}

/** What was made at this moment or later sorts behind it. */
export function idsFrom(ms: number): string {
  const hex = ms.toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}`
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export function isId(text: string): boolean {
  return uuid.test(text)
}
