// The controller's settings: each variable once, with what it means, its default and how it is read. Only this file reads
// the environment; every mistake is reported in one go and nothing starts.
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { isIPv4, isIPv6 } from 'node:net'
import { join, resolve } from 'node:path'
import { keyLength } from './platform/crypto.ts'
import type { DatabaseConfig } from './platform/db.ts'
import { hideSecrets } from './platform/environment.ts'
import { type LogLevel, logLevels } from './platform/log.ts'
import { type OutboundAllowed, readAllowed } from './platform/outbound-rules.ts'

interface Variable<T> {
  doc: string
  /** As text, run through `read`; undefined: the value is undefined. */
  default?: string
  /** Throws an Error whose message completes "ANSFLOW_X …". */
  read: (text: string) => T
}

export interface Address {
  host: string
  port: number
}

const variables = {
  ANSFLOW_HTTP: variable('Where console and HTTP API listen, host:port.', readAddress, '127.0.0.1:8080'),
  ANSFLOW_GRPC: variable('Where gRPC (agents, programs) listens, host:port.', readAddress, '127.0.0.1:9090'),
  ANSFLOW_DATA: variable(
    'Folder of the database file, the master key and the local agent.',
    (text) => resolve(text),
    './data',
  ),
  ANSFLOW_DATABASE_URL: variable(
    'mysql://user:password@host:port/name. Without it: SQLite in the data folder.',
    readDatabaseUrl,
  ),
  ANSFLOW_NATS_URL: variable('nats://host:port, needed with more than one controller.', readUrl('nats:', 'tls:')),
  ANSFLOW_MASTER_KEY: variable(
    '32 bytes in base64: seals the keys of secrets and token hashes. Without it: <data>/master.key, made on first start.',
    readMasterKey,
  ),
  ANSFLOW_PREVIOUS_MASTER_KEY: variable(
    'The master key until now, for the one start that changes it. Stop all other controllers first.',
    readMasterKey,
  ),
  ANSFLOW_PUBLIC_URL: variable(
    'Address people use for the console, when it is not ANSFLOW_HTTP itself.',
    readPublicUrl,
  ),
  ANSFLOW_TRUSTED_PROXIES: variable(
    'Addresses or networks of reverse proxies, with commas: their X-Forwarded-For says who calls.',
    readNetworks,
  ),
  ANSFLOW_PUBLIC_GRPC: variable(
    'Address agents dial when it is not ANSFLOW_GRPC itself: host:port or https://host (TLS), http://host:port (in clear).',
    readPublicGrpc,
  ),
  ANSFLOW_ADMIN_EMAIL: variable('With an empty database: the first owner.', readEmail),
  ANSFLOW_ADMIN_PASSWORD: variable("The first owner's password, 10 to 256 characters.", readPassword),
  ANSFLOW_ADMIN_TOKEN: variable(
    'An API token of the first owner: at least 20 letters, digits or ._~+/=-',
    readAdminToken,
  ),
  // Acted on by npm start, which starts that agent; checked and told of here with all the others.
  ANSFLOW_LOCAL_AGENT: variable("'on' or 'off': npm start also starts an agent on this host.", readSwitch, 'on'),
  ANSFLOW_LOCAL_AGENT_SLOTS: variable(
    'Jobs the local agent runs at once. Default: the number of CPUs.',
    readCount(1, 1024),
  ),
  ANSFLOW_LOCAL_AGENT_TOKEN: variable(
    'Set by npm start, anew each time: registers the agent it starts beside the controller.',
    readLocalToken,
  ),
  ANSFLOW_LOST_AFTER: variable(
    'Seconds without contact after which an agent counts as lost.',
    readCount(10, 86_400),
    '120',
  ),
  ANSFLOW_OUTBOUND_ALLOW: variable(
    'Hosts, addresses or networks, with commas, that requests of pipelines, forges and git servers may be at although they are not public: hooks.internal, 10.1.0.0/16.',
    readAllowed,
    '',
  ),
  ANSFLOW_LOG_LEVEL: variable(`One of ${logLevels.join(', ')}.`, readLogLevel, 'info'),
} satisfies Record<string, Variable<unknown>>

export interface Config {
  http: Address
  grpc: Address
  dataFolder: string
  database: DatabaseConfig
  natsUrl: string | undefined
  masterKey: Buffer
  previousMasterKey: Buffer | undefined
  /** Without a slash at the end; undefined: made from where HTTP listens. */
  publicUrl: string | undefined
  /** IP addresses and networks ("10.0.0.0/8"). */
  trustedProxies: string[]
  /** As agents take it: host:port, with https:// or http:// before it when that was said. */
  publicGrpc: string | undefined
  admin: { email: string; password: string; token: string | undefined } | undefined
  localAgentToken: string | undefined
  lostAfterMs: number
  /** Besides public addresses. */
  outboundAllowed: OutboundAllowed
  /** Of this host's environment, what git needs: where programs and certificates are. */
  gitEnvironment: Record<string, string>
  logLevel: LogLevel
}

/** Every problem with the settings, one a line. */
export class ConfigError extends Error {
  constructor(problems: string[]) {
    super(['The settings are wrong, nothing was started:', ...problems.map((problem) => `  ${problem}`)].join('\n'))
    this.name = 'ConfigError'
  }
}

/** Reads and checks everything; makes the data folder and the master key when they are missing. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const problems: string[] = []
  const values = Object.fromEntries(
    Object.entries(variables).map(([name, { read, default: fallback }]: [string, Variable<unknown>]) => {
      const text = env[name]?.trim() || fallback
      if (text === undefined) return [name, undefined]
      try {
        return [name, read(text)]
      } catch (error) {
        problems.push(`${name} ${(error as Error).message}`)
        return [name, undefined]
      }
    }),
  ) as { [N in keyof typeof variables]: ReturnType<(typeof variables)[N]['read']> | undefined }
  for (const name of Object.keys(env)) {
    if (name.startsWith('ANSFLOW_') && !Object.hasOwn(variables, name) && !foreign.test(name)) {
      problems.push(`${name} is not a setting of the controller; is it misspelled?`)
    }
  }
  const email = values.ANSFLOW_ADMIN_EMAIL
  const password = values.ANSFLOW_ADMIN_PASSWORD
  if (Boolean(env.ANSFLOW_ADMIN_EMAIL) !== Boolean(env.ANSFLOW_ADMIN_PASSWORD)) {
    problems.push('ANSFLOW_ADMIN_EMAIL and ANSFLOW_ADMIN_PASSWORD must be given together')
  }
  if (env.ANSFLOW_ADMIN_TOKEN && !env.ANSFLOW_ADMIN_EMAIL) {
    problems.push('ANSFLOW_ADMIN_TOKEN needs ANSFLOW_ADMIN_EMAIL and ANSFLOW_ADMIN_PASSWORD')
  }
  if (problems.length > 0) throw new ConfigError(problems)

  const dataFolder = values.ANSFLOW_DATA as string
  let masterKey = values.ANSFLOW_MASTER_KEY
  try {
    mkdirSync(dataFolder, { recursive: true, mode: 0o700 })
    masterKey ??= masterKeyFile(join(dataFolder, 'master.key'))
  } catch (error) {
    throw new ConfigError([`ANSFLOW_DATA: the data folder ${dataFolder} cannot be used: ${(error as Error).message}`])
  }
  const databaseUrl = values.ANSFLOW_DATABASE_URL
  return {
    http: values.ANSFLOW_HTTP as Address,
    grpc: values.ANSFLOW_GRPC as Address,
    dataFolder,
    database: databaseUrl
      ? { kind: 'mysql', url: databaseUrl }
      : { kind: 'sqlite', file: join(dataFolder, 'ansflow.db') },
    natsUrl: values.ANSFLOW_NATS_URL,
    masterKey,
    previousMasterKey: values.ANSFLOW_PREVIOUS_MASTER_KEY,
    publicUrl: values.ANSFLOW_PUBLIC_URL,
    trustedProxies: values.ANSFLOW_TRUSTED_PROXIES ?? [],
    publicGrpc: values.ANSFLOW_PUBLIC_GRPC,
    admin: email && password ? { email, password, token: values.ANSFLOW_ADMIN_TOKEN } : undefined,
    localAgentToken: values.ANSFLOW_LOCAL_AGENT_TOKEN,
    gitEnvironment: gitEnvironment(env),
    outboundAllowed: values.ANSFLOW_OUTBOUND_ALLOW as OutboundAllowed,
    lostAfterMs: (values.ANSFLOW_LOST_AFTER as number) * 1000,
    logLevel: values.ANSFLOW_LOG_LEVEL as LogLevel,
  }
}

/** Once they are read: whoever looks into this process's environment finds no secret among the settings. */
export function forgetSettings(): void {
  hideSecrets(process.env)
}

/** The table for `--help`. */
export function describeSettings(): string {
  return Object.entries(variables)
    .map(([name, { doc, default: fallback }]: [string, Variable<unknown>]) => {
      return `  ${name}\n      ${doc}${fallback === undefined ? '' : ` Default: ${fallback}`}`
    })
    .join('\n')
}

/** Variables of this family that other programs read. */
const foreign = /^ANSFLOW_(TEST_.*|LOCAL_AGENT_NAME|AGENT_.*)$/

function gitEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  const taken: Record<string, string> = { PATH: env.PATH ?? '/usr/local/bin:/usr/bin:/bin' }
  // Not every build of git looks at the name that other programs share.
  const certificates = env.GIT_SSL_CAINFO ?? env.SSL_CERT_FILE
  if (certificates) taken['GIT_SSL_CAINFO'] = certificates
  const folder = env.GIT_SSL_CAPATH ?? env.SSL_CERT_DIR
  if (folder) taken['GIT_SSL_CAPATH'] = folder
  return taken
}

function variable<T>(doc: string, read: (text: string) => T, fallback?: string): Variable<T> {
  return fallback === undefined ? { doc, read } : { doc, read, default: fallback }
}

function masterKeyFile(file: string): Buffer {
  if (!existsSync(file))
    writeFileSync(file, `${randomBytes(keyLength).toString('base64')}\n`, { mode: 0o600, flag: 'wx' })
  const key = Buffer.from(readFileSync(file, 'utf8').trim(), 'base64')
  if (key.length !== keyLength) throw new Error(`${file} does not hold ${keyLength} bytes in base64`)
  return key
}

function readAddress(text: string): Address {
  const found = /^(?:\[([0-9a-fA-F:]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(text)
  const port = Number(found?.[3])
  const host = found?.[1] ?? found?.[2]
  if (!host || port > 65_535) throw new Error('must be host:port, for example 127.0.0.1:8080')
  return { host, port }
}

function readPublicGrpc(text: string): string {
  const [, tls, clear, host = '', port] =
    /^(?:(https|grpcs):\/\/|(http|grpc):\/\/)?([^/]*?)(?::(\d+))?\/?$/.exec(text) ?? []
  const scheme = tls ? 'https://' : clear ? 'http://' : ''
  try {
    const whole = `${host}:${port ?? (tls ? 443 : clear ? 80 : '')}`
    readAddress(whole)
    return scheme + whole
  } catch {
    throw new Error('must be host:port, https://host or http://host:port, for example https://agents.example.org')
  }
}

function readUrl(...protocols: string[]): (text: string) => string {
  return (text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined
    if (!url || !protocols.includes(url.protocol)) throw new Error(`must be a URL with ${protocols.join(' or ')}//`)
    return text
  }
}

function readDatabaseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'mariadb:') url.protocol = 'mysql:'
  if (!url || !/^(mysql|mariadb):/.test(text) || url.pathname.length < 2) {
    throw new Error('must be mysql://user:password@host:port/name')
  }
  return text.replace(/^mariadb:/, 'mysql:')
}

function readPublicUrl(text: string): string {
  return readUrl('http:', 'https:')(text).replace(/\/+$/, '')
}

function readNetworks(text: string): string[] {
  const networks = text.split(',').map((network) => network.trim())
  for (const network of networks) {
    const [address = '', length] = network.split('/', 2)
    const most = isIPv4(address) ? 32 : isIPv6(address) ? 128 : -1
    if (most < 0 || (length !== undefined && !(/^\d{1,3}$/.test(length) && Number(length) <= most))) {
      throw new Error(`must be IP addresses or networks with commas between them; ${JSON.stringify(network)} is none`)
    }
  }
  return networks
}

function readMasterKey(text: string): Buffer {
  const key = Buffer.from(text, 'base64')
  if (key.length !== keyLength)
    throw new Error(`must be ${keyLength} bytes in base64 (openssl rand -base64 ${keyLength})`)
  return key
}

function readEmail(text: string): string {
  if (!/^[^\s@]+@[^\s@]+$/.test(text) || text.length > 254) throw new Error('must be an e-mail address')
  return text.toLowerCase()
}

function readPassword(text: string): string {
  if (text.length < 10 || text.length > 256) throw new Error('must have 10 to 256 characters')
  return text
}

function readAdminToken(text: string): string {
  if (!/^[A-Za-z0-9._~+/=-]{20,}$/.test(text)) throw new Error('must be at least 20 letters, digits or ._~+/=-')
  if (/^af[airsu]_/.test(text))
    throw new Error("must not begin with 'afa_', 'afi_', 'afr_', 'afs_' or 'afu_': those are other kinds")
  return text
}

function readSwitch(text: string): boolean {
  if (text !== 'on' && text !== 'off') throw new Error("must be 'on' or 'off'")
  return text === 'on'
}

function readLocalToken(text: string): string {
  if (text.length < 32) throw new Error('must have at least 32 characters')
  return text
}

function readCount(least: number, most: number): (text: string) => number {
  return (text) => {
    const count = Number(text)
    if (!Number.isInteger(count) || count < least || count > most) {
      throw new Error(`must be a whole number from ${least} to ${most}`)
    }
    return count
  }
}

function readLogLevel(text: string): LogLevel {
  const level = logLevels.find((known) => known === text)
  if (!level) throw new Error(`must be one of ${logLevels.join(', ')}`)
  return level
}
