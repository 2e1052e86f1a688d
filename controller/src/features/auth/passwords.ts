// Passwords: argon2id, and the same time spent whether the account exists or not.
import { invalidField } from '@ansflow/proto/errors'
import { hash, verify } from '@node-rs/argon2'

// argon2id is the library's default algorithm; the costs are OWASP's.
const costs = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

export function hashPassword(password: string): Promise<string> {
  return hash(password, costs)
}

let hashOfNobody: Promise<string> | undefined

/** Without a stored hash it takes as long and is never right. */
export async function passwordIsRight(stored: string | undefined, password: string): Promise<boolean> {
  hashOfNobody ??= hashPassword('the password of nobody')
  const right = await verify(stored ?? (await hashOfNobody), password).catch(() => false)
  return right && stored !== undefined
}

export function checkPassword(field: string, password: string): void {
  if (password.length < 10 || password.length > 256)
    throw invalidField(field, 'must have 10 to 256 characters', 'password_length')
}
