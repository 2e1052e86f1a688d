import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { describeSettings, readConfig } from './config.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ansflow-config-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

test('without settings everything has its default; the master key is made once, for the owner only', () => {
  const config = readConfig({ ANSFLOW_DATA: join(folder, 'data') })
  expect(config).toMatchObject({
    http: { host: '127.0.0.1', port: 8080 },
    grpc: { host: '127.0.0.1', port: 9090 },
    database: { kind: 'sqlite', file: join(folder, 'data/ansflow.db') },
    natsUrl: undefined,
    trustedProxies: [],
    previousMasterKey: undefined,
    logLevel: 'info',
    admin: undefined,
  })
  expect(statSync(join(folder, 'data/master.key')).mode & 0o777).toBe(0o600)
  expect(readConfig({ ANSFLOW_DATA: join(folder, 'data') }).masterKey).toEqual(config.masterKey)
})

test('every mistake is told at once, and no value of a secret', () => {
  const env = {
    ANSFLOW_HTTP: 'nowhere',
    ANSFLOW_GRPC: '127.0.0.1:99999',
    ANSFLOW_DATABASE_URL: 'postgres://u:hunter2@h/d',
    ANSFLOW_NATS_URL: 'http://x',
    ANSFLOW_MASTER_KEY: 'tooshortkey',
    ANSFLOW_PREVIOUS_MASTER_KEY: 'anothershortkey',
    ANSFLOW_TRUSTED_PROXIES: '10.0.0.0/8, everybody',
    ANSFLOW_ADMIN_PASSWORD: 'secretpw',
    ANSFLOW_ADMIN_TOKEN: 'af_short',
    ANSFLOW_LOCAL_AGENT: 'maybe',
    ANSFLOW_LOCAL_AGENT_SLOTS: '0',
    ANSFLOW_LOG_LEVEL: 'loud',
    ANSFLOW_LOGLEVEL: 'info',
    ANSFLOW_DATA: folder,
  }
  let message = ''
  try {
    readConfig(env)
  } catch (error) {
    message = (error as Error).message
  }
  for (const name of Object.keys(env)) {
    if (name === 'ANSFLOW_DATA') expect(message).not.toContain(`${name} `)
    else expect(message).toContain(`${name} `)
  }
  for (const secret of ['hunter2', 'tooshortkey', 'anothershortkey', 'secretpw', 'af_short'])
    expect(message).not.toContain(secret)
})

test.each([
  ['agents.example.org:9090', 'agents.example.org:9090'],
  ['https://agents.example.org', 'https://agents.example.org:443'],
  ['grpcs://agents.example.org:8443/', 'https://agents.example.org:8443'],
  ['http://10.0.0.1:9090', 'http://10.0.0.1:9090'],
  ['https://[::1]', 'https://[::1]:443'],
])('agents may be told to dial %s', (text, dialed) => {
  expect(readConfig({ ANSFLOW_DATA: folder, ANSFLOW_PUBLIC_GRPC: text }).publicGrpc).toBe(dialed)
})

test.each(['agents.example.org', 'https://', 'https://a/b', 'ftp://a:1', 'https://a:99999', 'a b:1'])(
  'agents cannot be told to dial %s',
  (text) => {
    expect(() => readConfig({ ANSFLOW_DATA: folder, ANSFLOW_PUBLIC_GRPC: text })).toThrow(/ANSFLOW_PUBLIC_GRPC must be/)
  },
)

test('a data folder that cannot be one is told in a sentence', () => {
  writeFileSync(join(folder, 'file'), '')
  expect(() => readConfig({ ANSFLOW_DATA: join(folder, 'file') })).toThrow(/the data folder .* cannot be used/)
})

test('addresses with IPv6, databases and the admin are read', () => {
  const config = readConfig({
    ANSFLOW_DATA: folder,
    ANSFLOW_HTTP: '[::1]:0',
    ANSFLOW_DATABASE_URL: 'mariadb://root:x@db:3306/ansflow',
    ANSFLOW_PUBLIC_URL: 'https://ci.example.org/',
    ANSFLOW_TRUSTED_PROXIES: '10.0.0.0/8, 192.0.2.1,2001:db8::/32',
    ANSFLOW_ADMIN_EMAIL: 'Root@Example.org',
    ANSFLOW_ADMIN_PASSWORD: 'long enough',
  })
  expect(config.http).toEqual({ host: '::1', port: 0 })
  expect(config.database).toEqual({ kind: 'mysql', url: 'mysql://root:x@db:3306/ansflow' })
  expect(config.publicUrl).toBe('https://ci.example.org')
  expect(config.trustedProxies).toEqual(['10.0.0.0/8', '192.0.2.1', '2001:db8::/32'])
  expect(config.admin).toEqual({ email: 'root@example.org', password: 'long enough', token: undefined })
})

test('what is no network is not trusted', () => {
  for (const wrong of ['true', '*', '10.0.0.0/33', '10.0.0/8', '::1/129', '10.0.0.1,']) {
    expect(() => readConfig({ ANSFLOW_DATA: folder, ANSFLOW_TRUSTED_PROXIES: wrong })).toThrow(
      /ANSFLOW_TRUSTED_PROXIES must be/,
    )
  }
})

test('the help names every setting', () => {
  expect(describeSettings()).toContain('ANSFLOW_DATABASE_URL')
})
