// Cryptography in one place: keyed hashes of tokens, sealing with AES-256-GCM, the key that the master key stands for.
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'

export interface Keys {
  /** What is stored of a token: a keyed hash, so that a copy of the database gives no way in. */
  hashToken(token: string): string
  /** Encrypts; opens only with the same `context`. */
  seal(plain: Uint8Array, context: string): Buffer
  /** Throws when the bytes were changed, the key is another one or the context differs. */
  open(sealed: Uint8Array, context: string): Buffer
}

export const keyLength = 32
const ivLength = 12
const tagLength = 16
/** First byte of everything sealed: the format, so that it can change. */
const format = 1

/** From the keys of the database's key ring. */
export function createKeys(ring: { tokens: Uint8Array; secrets: Uint8Array }): Keys {
  return {
    hashToken: (token) => createHmac('sha256', ring.tokens).update(token).digest('hex'),
    seal: (plain, context) => seal(ring.secrets, plain, context),
    open: (sealed, context) => open(ring.secrets, sealed, context),
  }
}

/** What the master key seals with. */
export function wrappingKey(masterKey: Uint8Array): Buffer {
  if (masterKey.length !== keyLength) throw new Error(`The master key must have ${keyLength} bytes.`)
  return Buffer.from(hkdfSync('sha256', masterKey, new Uint8Array(0), 'ansflow sealing', keyLength))
}

/** Layout: format, iv, tag, ciphertext. `context` is authenticated, not stored. */
export function seal(key: Uint8Array, plain: Uint8Array, context: string): Buffer {
  const iv = randomBytes(ivLength)
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  cipher.setAAD(Buffer.from(context, 'utf8'))
  const text = Buffer.concat([cipher.update(plain), cipher.final()])
  return Buffer.concat([Buffer.of(format), iv, cipher.getAuthTag(), text])
}

export function open(key: Uint8Array, sealed: Uint8Array, context: string): Buffer {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength)
  if (bytes.length < 1 + ivLength + tagLength || bytes[0] !== format) {
    throw new Error('What should be opened is not a sealed value.')
  }
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(1, 1 + ivLength))
  decipher.setAAD(Buffer.from(context, 'utf8'))
  decipher.setAuthTag(bytes.subarray(1 + ivLength, 1 + ivLength + tagLength))
  return Buffer.concat([decipher.update(bytes.subarray(1 + ivLength + tagLength)), decipher.final()])
}

/** 256 random bits behind a prefix that tells people and scanners what it is. */
export function randomToken(prefix: string): string {
  return prefix + randomBytes(32).toString('base64url')
}
