// Ids: UUIDv7, so that primary keys grow with time and rows made together lie together.
import { v7 } from 'uuid'

export function uuidv7(): string {
  return v7()
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export function isId(text: string): boolean {
  return uuid.test(text)
}
