// Passwords: argon2id, and the same time spent whether the account exists or not.
import { availableParallelism } from 'node:os'
import { AppError, invalidField } from '@ansflow/proto/errors'
import { hash, verify } from '@node-rs/argon2'
import pLimit from 'p-limit'

// argon2id is the library's default algorithm; the costs are OWASP's.
const costs = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

// Each takes a whole CPU, on threads that the database's flushes need too: others must have some left.
const atOnce = pLimit(Math.max(1, Math.floor(availableParallelism() / 2)))
const mostWaiting = 200

function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (atOnce.pendingCount < mostWaiting) return atOnce(work)
  throw new AppError('resource_exhausted', 'Too many people sign in at the moment. Try again in 5 s.', {
    reason: 'too_many',
    params: { retry_after: '5' },
  })
}

export async function hashPassword(password: string): Promise<string> {
  return inTurn(() => hash(password, costs))
}

let hashOfNobody: Promise<string> | undefined

/** Without a stored hash it takes as long and is never right. */
export async function passwordIsRight(stored: string | undefined, password: string): Promise<boolean> {
  hashOfNobody ??= hash('the password of nobody', costs)
  const known = stored ?? (await hashOfNobody)
  const right = await inTurn(() => verify(known, password).catch(() => false))
  return right && stored !== undefined
}

export function checkPassword(field: string, password: string): void {
  if (password.length < 10 || password.length > 256)
    throw invalidField(field, 'must have 10 to 256 characters', 'password_length')
}
