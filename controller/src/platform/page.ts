// Cursor pages: a token is the sort key of the last row answered, so pages neither repeat nor skip rows.
import { unstorable } from '@ansflow/proto/characters'
import { type AppError, invalidField } from '@ansflow/proto/errors'

export function pageSize(asked: number, usual: number, most = 200): number {
  if (asked < 0 || asked > most) throw invalidField('page_size', `must be 1 to ${most}, or 0 for ${usual}`)
  return asked || usual
}

export function writeCursor(key: readonly string[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url')
}

/** The key of `length` parts; undefined for the first page. */
export function readCursor(token: string, length: number): string[] | undefined {
  if (token === '') return undefined
  try {
    const key: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'))
    const isText = (part: unknown) => typeof part === 'string' && unstorable(part) === undefined
    if (Array.isArray(key) && key.length === length && key.every(isText)) return key
  } catch {
    // Falls through to the answer for any wrong token.
  }
  throw wrongToken()
}

function wrongToken(): AppError {
  return invalidField('page_token', 'is not one that this method answered')
}

/** A key of one whole number. */
export function readNumberCursor(token: string): number | undefined {
  const [text] = readCursor(token, 1) ?? []
  return text === undefined ? undefined : wholeOf(text)
}

/** A part of a key that is a whole number. */
export function wholeOf(part: string): number {
  if (!/^\d{1,9}$/.test(part)) throw wrongToken()
  return Number(part)
}

/** Rows were asked for with one more than `size`: the page, and the token when there is more. */
export function cutPage<T>(rows: T[], size: number, key: (row: T) => string[]): { page: T[]; nextPageToken: string } {
  const page = rows.slice(0, size)
  const last = page.at(-1)
  return { page, nextPageToken: rows.length > size && last !== undefined ? writeCursor(key(last)) : '' }
}
