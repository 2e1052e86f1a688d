// Owns every setting of the agent: the only reader of the command line and of the environment.
import { readFileSync } from 'node:fs'
import { availableParallelism, homedir, hostname, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { labelsProblems } from '@ansflow/proto/agent-labels'
import { saidText } from '@ansflow/proto/texts/said-text'
import { ExitError } from './exit.ts'
import { findStepUser, type StepUser } from './process/step-user.ts'

export const VERSION = '0.1.0'

const MIB = 1024 * 1024
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** One line a setting: flag, environment variable, default, what it is. `--help` prints this table. */
const settings = [
  [
    'url',
    'ANSFLOW_AGENT_URL',
    '',
    'Controller to dial: host:port, https://host:port (TLS) or grpc://host:port (plaintext)',
  ],
  [
    'token',
    'ANSFLOW_AGENT_TOKEN',
    '',
    'Registration token, used once; better from the environment or a file than in argv',
  ],
  ['token-file', 'ANSFLOW_AGENT_TOKEN_FILE', '', 'File that holds the registration token'],
  ['name', 'ANSFLOW_AGENT_NAME', '', "Name in the console; default: the host's name"],
  [
    'labels',
    'ANSFLOW_AGENT_LABELS',
    '',
    'Comma-separated labels that steps ask for; os and arch are added. Hints: labels that protect are given in the console',
  ],
  ['slots', 'ANSFLOW_AGENT_SLOTS', '', 'Jobs at the same time; default: the number of CPUs'],
  ['data', 'ANSFLOW_AGENT_DATA', '', 'Folder of identity, journal and workspaces; default: ~/.ansflow-agent'],
  ['ca-file', 'ANSFLOW_AGENT_CA_FILE', '', "PEM file with the authority that signed the controller's certificate"],
  ['log-limit', 'ANSFLOW_AGENT_LOG_LIMIT_MIB', '512', 'MiB of output kept of a job; the middle of more is cut'],
  ['spool-quota', 'ANSFLOW_AGENT_SPOOL_MIB', '4096', 'MiB of logs waiting on this host before new jobs are rejected'],
  ['workspace-hours', 'ANSFLOW_AGENT_WORKSPACE_HOURS', '24', 'Hours an unused workspace is kept'],
  ['step-path', 'ANSFLOW_AGENT_STEP_PATH', '', "PATH of steps; default: the agent's own"],
  ['step-user', 'ANSFLOW_AGENT_STEP_USER', '', 'User that steps run as, who cannot read the data folder; needs root'],
  [
    'containers',
    'ANSFLOW_AGENT_CONTAINERS',
    'auto',
    'Runs steps with an image: docker, podman, auto (the first that answers) or off',
  ],
  ['container-memory', 'ANSFLOW_AGENT_CONTAINER_MEMORY_MIB', '0', 'MiB of memory of each container; 0: no limit'],
  ['pass-env', 'ANSFLOW_AGENT_PASS_ENV', '', 'Comma-separated names of variables of this host that steps get too'],
] as const

type SettingName = (typeof settings)[number][0]

export interface ContainerSettings {
  use: 'auto' | 'docker' | 'podman' | 'off'
  /** What its program finds. */
  env: Record<string, string>
  /** Of each container; 0: no limit. */
  memoryMib: number
}

export interface Config {
  url: string
  token: string
  name: string
  labels: string[]
  slots: number
  data: string
  caFile: string
  logLimit: number
  spoolQuota: number
  workspaceHours: number
  /** Undefined: steps run as the agent's own user. */
  stepUser: StepUser | undefined
  containers: ContainerSettings
  /** What every step's environment starts from. */
  base: Record<string, string> & { PATH: string }
}

export type Command =
  | { kind: 'help' }
  | { kind: 'version' }
  | { kind: 'register'; config: Config }
  | { kind: 'run'; config: Config }

/** Reports every wrong setting in one message. */
export function readConfig(argv: string[], env: NodeJS.ProcessEnv = process.env): Command {
  const options = Object.fromEntries(settings.map(([flag]) => [flag, { type: 'string' as const }]))
  let parsed: { values: Record<string, string | boolean | undefined>; positionals: string[] }
  try {
    parsed = parseArgs({
      args: argv,
      allowPositionals: true,
      options: { ...options, help: { type: 'boolean', short: 'h' }, version: { type: 'boolean' } },
    })
  } catch (error) {
    throw new ExitError('usage', `${(error as Error).message}\n\n${helpText()}`)
  }
  const [command = 'help', ...extra] = parsed.positionals
  if (parsed.values['version'] || command === 'version') return { kind: 'version' }
  if (parsed.values['help'] || command === 'help') return { kind: 'help' }
  if ((command !== 'register' && command !== 'run') || extra.length > 0) {
    throw new ExitError('usage', `There is no command "${parsed.positionals.join(' ')}".\n\n${helpText()}`)
  }
  const text = (name: SettingName): string => {
    const [flag, variable, fallback] = settings.find(([flag]) => flag === name)!
    return String(parsed.values[flag] ?? env[variable] ?? '').trim() || fallback
  }
  const config = build(text, env)
  return command === 'run' ? { kind: 'run', config } : { kind: 'register', config }
}

function build(text: (name: SettingName) => string, env: NodeJS.ProcessEnv): Config {
  const problems: string[] = []
  const number = (name: SettingName, fallback: number, min: number, max: number): number => {
    const given = text(name)
    if (!given) return fallback
    const value = Number(given)
    if (Number.isInteger(value) && value >= min && value <= max) return value
    problems.push(`--${name} must be a whole number from ${min} to ${max}, not "${given}".`)
    return fallback
  }
  const list = (name: SettingName): string[] =>
    text(name)
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean)
  for (const name of Object.keys(env)) {
    if (name.startsWith('ANSFLOW_AGENT_') && !settings.some(([, variable]) => variable === name))
      problems.push(`${name} is not a setting of the agent; is it misspelled?`)
  }
  let token = text('token')
  const tokenFile = text('token-file')
  if (!token && tokenFile) {
    try {
      token = readFileSync(tokenFile, 'utf8').trim()
    } catch (error) {
      problems.push(`The token file cannot be read: ${(error as Error).message}.`)
    }
  }
  const labels = list('labels')
  problems.push(...labelsProblems([process.platform, process.arch, ...labels]).map((said) => saidText(said)))
  let stepUser: StepUser | undefined
  try {
    if (text('step-user')) stepUser = findStepUser(text('step-user'))
  } catch (error) {
    problems.push(`--step-user ${(error as Error).message}`)
  }
  const use = containerUses.find((each) => each === text('containers'))
  if (!use) problems.push(`--containers must be ${containerUses.join(', ')}, not "${text('containers')}".`)
  const config: Config = {
    stepUser,
    containers: {
      use: use ?? 'off',
      env: { HOME: homedir(), ...ofRuntimes(env) },
      memoryMib: number('container-memory', 0, 0, 100_000_000),
    },
    url: text('url'),
    token,
    name: text('name') || hostname(),
    labels,
    slots: number('slots', availableParallelism(), 1, 1000),
    data: resolve(text('data') || join(homedir(), '.ansflow-agent')),
    caFile: text('ca-file') && resolve(text('ca-file')),
    logLimit: number('log-limit', 512, 1, 1_000_000) * MIB,
    spoolQuota: number('spool-quota', 4096, 1, 100_000_000) * MIB,
    workspaceHours: number('workspace-hours', 24, 1, 100_000),
    base: {
      ...passed(list('pass-env'), env, problems),
      PATH: text('step-path') || env['PATH'] || DEFAULT_PATH,
      HOME: stepUser?.home ?? (env['HOME'] || homedir()),
      USER: stepUser?.name ?? (env['USER'] || userName()),
      LANG: env['LANG'] || 'C.UTF-8',
    },
  }
  if (problems.length > 0) throw new ExitError('usage', problems.join('\n'))
  return config
}

/**
 * What programs must know of a host to reach the network and to speak its language. Everything else of the agent's own
 * environment may be a secret, and passes only when the operator names it.
 */
const CONVENTIONAL =
  /^((https?|ftp|all|no)_proxy|(HTTPS?|FTP|ALL|NO)_PROXY|SSL_CERT_(FILE|DIR)|NODE_EXTRA_CA_CERTS|GIT_SSL_CA(INFO|PATH)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|PIP_CERT|AWS_CA_BUNDLE|LANGUAGE|LC_[A-Z]+|TZ)$/

const containerUses = ['auto', 'docker', 'podman', 'off'] as const

/** By which the programs of container runtimes find their daemon, their settings and the network. */
const OF_RUNTIMES =
  /^(DOCKER_(HOST|CONTEXT|CONFIG|TLS|TLS_VERIFY|CERT_PATH)|CONTAINER_HOST|CONTAINERS_(CONF|STORAGE_CONF|REGISTRIES_CONF)|XDG_(RUNTIME_DIR|CONFIG_HOME|DATA_HOME)|HOME)$/

function ofRuntimes(env: NodeJS.ProcessEnv): Record<string, string> {
  const entries = Object.entries(env).filter(([name]) => OF_RUNTIMES.test(name) || CONVENTIONAL.test(name))
  return Object.fromEntries(entries) as Record<string, string>
}

function passed(names: string[], env: NodeJS.ProcessEnv, problems: string[]): Record<string, string> {
  for (const name of names) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) problems.push(`--pass-env: "${name}" is not the name of a variable.`)
    else if (name.startsWith('ANSFLOW_AGENT_')) problems.push(`--pass-env: ${name} is the agent's own.`)
  }
  const entries = Object.entries(env).filter(([name]) => CONVENTIONAL.test(name) || names.includes(name))
  return Object.fromEntries(entries) as Record<string, string>
}

/** A user id without an account (common in containers) has no name. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? 'nobody')
  }
}

export function helpText(): string {
  const rows = settings.map(([flag, variable, fallback, help]) => {
    return `  --${flag.padEnd(16)} ${variable.padEnd(30)} ${help}${fallback ? ` (${fallback})` : ''}`
  })
  return [
    `ansflow-agent ${VERSION}: runs the steps of AnsFlow pipelines on this host.`,
    '',
    '  ansflow-agent register --url host:port --token ...   trade a token for an identity',
    '  ansflow-agent run                                  connect and run jobs (registers first when a token is given)',
    '',
    'Settings, as flag or environment variable:',
    ...rows,
    '',
    'The first SIGTERM or Ctrl-C drains: running steps go on, then the agent ends. The second cancels them.',
    'Exit codes: 2 wrong settings, 3 refused by the controller, 4 controller not reachable, 5 data folder, 6 already running, 7 unsupported system, 8 identity in use by another process.',
  ].join('\n')
}
