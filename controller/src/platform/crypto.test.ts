import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { createKeys, randomToken, wrappingKey } from './crypto.ts'

const ring = () => ({ tokens: randomBytes(32), secrets: randomBytes(32) })
const keys = createKeys(ring())

test('what is sealed opens with the same key and context only', () => {
  const sealed = keys.seal(Buffer.from('a secret'), 'secret o p NAME')
  expect(keys.open(sealed, 'secret o p NAME').toString()).toBe('a secret')
  expect(() => keys.open(sealed, 'secret o p OTHER')).toThrow()
  expect(() => createKeys(ring()).open(sealed, 'secret o p NAME')).toThrow()
  for (let at = 0; at < sealed.length; at++) {
    const changed = Buffer.from(sealed)
    changed[at] = (changed[at] ?? 0) ^ 1
    expect(() => keys.open(changed, 'secret o p NAME')).toThrow()
  }
  expect(keys.seal(Buffer.from('a secret'), 'c')).not.toEqual(keys.seal(Buffer.from('a secret'), 'c'))
  expect(() => keys.open(Buffer.of(1, 2), 'c')).toThrow(/not a sealed value/)
})

test('tokens are random, their hashes keyed', () => {
  const token = randomToken('af_')
  expect(token).toMatch(/^af_[\w-]{43}$/)
  expect(randomToken('af_')).not.toBe(token)
  expect(keys.hashToken(token)).toMatch(/^[0-9a-f]{64}$/)
  expect(createKeys(ring()).hashToken(token)).not.toBe(keys.hashToken(token))
})

test('a master key of another length is refused', () => {
  expect(() => wrappingKey(randomBytes(16))).toThrow(/32 bytes/)
})
