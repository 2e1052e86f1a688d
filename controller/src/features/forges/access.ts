// The form that addresses and credentials of forges have, before anything is asked with them.
import { createPrivateKey, type KeyObject } from 'node:crypto'
import { AppError } from '@ansflow/proto/errors'
import type { ForgeCredentials } from './forge.ts'
import type { Header } from './forge-http.ts'

export type TokenCredentials = Extract<ForgeCredentials, { kind: 'none' | 'token' }>

/** "https://git.example.org/gitea", without a slash at its end. */
export function forgeUrl(text: string): URL {
  const url = text.length <= 2048 ? URL.parse(text) : null
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash) {
    throw new AppError('invalid_argument', 'The address of a forge has the form https://host or https://host/path.')
  }
  return url
}

export function addressOf(text: string): string {
  const { origin, pathname } = forgeUrl(text)
  return (origin + pathname).replace(/\/+$/, '')
}

/** For kinds that know no apps. */
export function tokenOnly(credentials: ForgeCredentials): TokenCredentials {
  if (credentials.kind === 'app') throw new AppError('invalid_argument', 'Only GitHub has apps: give a token.')
  if (credentials.kind === 'sshKey') {
    throw new AppError('invalid_argument', 'A key of SSH is for plain git servers: give a token.')
  }
  if (credentials.kind === 'token') checkToken(credentials)
  return credentials
}

function checkToken({ user, token }: Extract<ForgeCredentials, { kind: 'token' }>): void {
  if (!/^[\x21-\x7e]{1,4096}$/.test(token)) {
    throw new AppError('invalid_argument', 'A token has no spaces, line ends or signs that are not ASCII.')
  }
  if (!/^[\x21-\x39\x3b-\x7e]{0,255}$/.test(user)) {
    throw new AppError('invalid_argument', 'The user of a token has no spaces, colons or signs that are not ASCII.')
  }
}

export function secretsOf(credentials: TokenCredentials): string[] {
  return credentials.kind === 'token' ? [credentials.token] : []
}

export function bearer(token: string): Header {
  return ['authorization', `Bearer ${token}`]
}

export function basic(user: string, password: string): Header {
  return ['authorization', `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`]
}

export interface AppKey {
  appId: string
  installationId: string
  key: KeyObject
}

export function appKey({ appId, installationId, privateKey }: Extract<ForgeCredentials, { kind: 'app' }>): AppKey {
  if (!/^[A-Za-z0-9.]{1,64}$/.test(appId)) throw new AppError('invalid_argument', 'The id of an app is a number.')
  if (!/^\d{1,20}$/.test(installationId)) {
    throw new AppError('invalid_argument', 'The id of an installation is a number.')
  }
  const key = keyOf(privateKey)
  if (key?.asymmetricKeyType !== 'rsa') {
    throw new AppError('invalid_argument', 'The private key of an app is an RSA key in PEM, as GitHub gives it.')
  }
  return { appId, installationId, key }
}

function keyOf(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem)
  } catch {
    return undefined
  }
}
