// Owns the container runtime of this host, Docker or Podman: which it is, and how its program is called.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { ContainerSettings } from '../config.ts'
import { programOn } from '../host.ts'

const LOOK_MS = 10_000
const OUTPUT_BYTES = 16 * 1024 * 1024

/** Nothing secret is in it: it is noted with each job, so that a later agent finds the job's container. */
export interface Runtime {
  kind: 'docker' | 'podman'
  program: string
  version: string
  /** Root in a container is the agent's user outside. */
  isRootless: boolean
  env: Record<string, string>
}

/** Its program says no; the message is the last line of what it says. */
export class RuntimeError extends Error {
  override readonly name = 'RuntimeError'
}

/** It is not there, or does not answer: what is asked of it may be possible elsewhere, or later. */
export class RuntimeUnavailable extends Error {
  override readonly name = 'RuntimeUnavailable'
}

/** Answers what the program prints. */
export function callRuntime(
  { program, env }: Pick<Runtime, 'program' | 'env'>,
  args: readonly string[],
  { signal, timeout = 0 }: { signal?: AbortSignal; timeout?: number } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { env, cwd: '/', timeout, maxBuffer: OUTPUT_BYTES, ...(signal && { signal }) }
    execFile(program, args, options, (error, stdout, stderr) => {
      if (!error) resolve(stdout)
      else if (signal?.aborted) reject(error)
      else if (error.killed || isUnreachable(stderr))
        reject(new RuntimeUnavailable(lastLine(stderr) || noAnswer(program)))
      else reject(new RuntimeError(lastLine(stderr) || error.message))
    })
  })
}

/** At once, running or not; Podman would first wait for it to end by itself. */
export function removeContainers(
  runtime: Pick<Runtime, 'kind' | 'program' | 'env'>,
  names: readonly string[],
  by: Parameters<typeof callRuntime>[2],
): Promise<string> {
  const atOnce = runtime.kind === 'podman' ? ['--time', '0'] : []
  return callRuntime(runtime, ['rm', '--force', ...atOnce, '--volumes', ...names], by)
}

function noAnswer(program: string): string {
  return `${program} does not answer.`
}

function isUnreachable(stderr: string): boolean {
  return /Cannot connect to the Docker daemon|permission denied while trying to connect|error during connect|Is the docker daemon running/i.test(
    stderr,
  )
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.slice(0, 1000) ?? ''
}

/** The first that answers, of those that the settings allow. */
export async function findRuntime(settings: ContainerSettings, path: string): Promise<Runtime | undefined> {
  const kinds = settings.use === 'auto' ? (['docker', 'podman'] as const) : settings.use === 'off' ? [] : [settings.use]
  const env = { ...settings.env, PATH: path }
  for (const kind of kinds) {
    const program = programOn(path, kind)
    if (!program || (kind === 'docker' && !mayHaveDaemon(settings.env))) continue
    const found = await (kind === 'docker' ? askDocker : askPodman)({ program, env }).catch(() => undefined)
    if (found) return { kind, program, env, ...found }
  }
  return undefined
}

/** Its program takes a while to find out that there is none. */
function mayHaveDaemon(env: Record<string, string>): boolean {
  const { DOCKER_HOST, DOCKER_CONTEXT, DOCKER_CONFIG, HOME = '/', XDG_RUNTIME_DIR } = env
  if (DOCKER_HOST || DOCKER_CONTEXT) return true
  const places = ['/var/run/docker.sock', join(DOCKER_CONFIG ?? join(HOME, '.docker'), 'config.json')]
  if (XDG_RUNTIME_DIR) places.push(join(XDG_RUNTIME_DIR, 'docker.sock'))
  return places.some((path) => existsSync(path))
}

type Caller = Pick<Runtime, 'program' | 'env'>
type Found = Pick<Runtime, 'version' | 'isRootless'>

async function askDocker(caller: Caller): Promise<Found | undefined> {
  const told = await callRuntime(caller, ['info', '--format', '{{json .}}'], { timeout: LOOK_MS })
  const { ServerVersion, SecurityOptions } = JSON.parse(told) as { ServerVersion?: string; SecurityOptions?: string[] }
  // Podman may be here under this name: then this is not there.
  if (!ServerVersion) return undefined
  return { version: ServerVersion, isRootless: SecurityOptions?.some((each) => each.includes('rootless')) ?? false }
}

async function askPodman(caller: Caller): Promise<Found | undefined> {
  const told = await callRuntime(caller, ['info', '--format', 'json'], { timeout: LOOK_MS })
  const { host, version } = JSON.parse(told) as {
    host?: { security?: { rootless?: boolean } }
    version?: { Version?: string }
  }
  return version?.Version ? { version: version.Version, isRootless: host?.security?.rootless ?? false } : undefined
}
