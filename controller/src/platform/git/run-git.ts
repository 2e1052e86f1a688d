// Runs git in the helper: nothing of this host's user or of a repository's settings, a group of processes that ends as one, and bounds.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Duplex } from 'node:stream'
import { HelperError } from './helper-messages.ts'

export interface GitRun {
  /** The repository. What git writes is relative to it, whatever its name becomes. */
  cwd: string
  args: string[]
  env: Record<string, string>
  input?: string
  /** What askpass reads, on the third descriptor: it is in no file, argument or environment. */
  answers?: string
  signal?: AbortSignal
  mostMs: number
  /** False: enough, git is ended. Without it the output is kept, up to 1 MiB. */
  onOutput?: (chunk: Buffer) => boolean
  /** With all that it says, also of how far it is. */
  onHeard?: () => void
}

export interface GitEnd {
  /** Undefined: ended by a signal. */
  code: number | undefined
  output: string
  /** The end of it. */
  complaint: string
  why: 'itself' | 'aborted' | 'time' | 'enough'
}

const mostOutput = 1 << 20
const mostComplaint = 16 << 10
const graceMs = 2000
const running = new Set<ChildProcess>()

export function endAllGit(): void {
  for (const child of running) endGroup(child)
}

/** All that git has started is in its group. */
export function endGroup(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL' = 'SIGKILL'): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal)
  } catch {
    // It has ended.
  }
}

export function spawnGit({ cwd, args, env, answers }: Pick<GitRun, 'cwd' | 'args' | 'env' | 'answers'>): ChildProcess {
  const pipes = ['pipe', 'pipe', 'pipe'] as const
  const child = spawn('git', args, {
    cwd,
    env,
    detached: true,
    stdio: answers === undefined ? [...pipes] : [...pipes, 'pipe'],
  })
  running.add(child)
  child.once('close', () => running.delete(child))
  child.once('error', () => running.delete(child))
  if (answers !== undefined) {
    const third = child.stdio[3] as Duplex
    third.on('error', () => undefined)
    third.end(answers)
  }
  child.stdin!.on('error', () => undefined)
  return child
}

export function notStarted(error: NodeJS.ErrnoException, cwd: string): HelperError {
  if (error.code !== 'ENOENT') return new HelperError('failed', `git could not be started: ${error.message}.`)
  if (!existsSync(cwd)) return new HelperError('absent', 'The copy of the repository is gone.')
  return new HelperError(
    'git_missing',
    'git is not installed on the host of the controller. Install git 2.37 or newer.',
  )
}

export function runGit(run: GitRun): Promise<GitEnd> {
  return new Promise((resolve, reject) => {
    const { signal, onOutput, onHeard } = run
    if (signal?.aborted) return void resolve({ code: undefined, output: '', complaint: '', why: 'aborted' })
    const child = spawnGit(run)
    const kept: Buffer[] = []
    let size = 0
    let complaint = ''
    let why: GitEnd['why'] = 'itself'
    let killing: NodeJS.Timeout | undefined
    const end = (cause: GitEnd['why']) => {
      if (why !== 'itself') return
      why = cause
      // It takes its locks and half files away.
      endGroup(child, 'SIGTERM')
      killing = setTimeout(() => endGroup(child), graceMs)
    }
    const abort = () => end('aborted')
    const timer = setTimeout(() => end('time'), run.mostMs)
    signal?.addEventListener('abort', abort, { once: true })
    child.stdout!.on('data', (chunk: Buffer) => {
      onHeard?.()
      if (why !== 'itself') return
      if (onOutput) {
        if (!onOutput(chunk)) end('enough')
        return
      }
      size += chunk.length
      if (size > mostOutput) end('enough')
      else kept.push(chunk)
    })
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      onHeard?.()
      complaint = (complaint + text).slice(-mostComplaint)
    })
    const settle = () => {
      clearTimeout(timer)
      clearTimeout(killing)
      signal?.removeEventListener('abort', abort)
    }
    child.once('error', (error) => {
      settle()
      reject(notStarted(error, run.cwd))
    })
    child.once('close', (code) => {
      settle()
      resolve({ code: code ?? undefined, output: Buffer.concat(kept).toString(), complaint, why })
    })
    child.stdin!.end(run.input ?? '')
  })
}

/** `GIT_CONFIG_COUNT` and what it counts. Settings given so stand above those of any file. */
export function gitSettings(settings: readonly (readonly [name: string, value: string])[]): Record<string, string> {
  const env: Record<string, string> = { GIT_CONFIG_COUNT: String(settings.length) }
  for (const [index, [name, value]] of settings.entries()) {
    env[`GIT_CONFIG_KEY_${index}`] = name
    env[`GIT_CONFIG_VALUE_${index}`] = value
  }
  return env
}

export const ownSettings = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.bigFileThreshold', '16m'],
  ['credential.helper', ''],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['pack.threads', '1'],
  ['submodule.recurse', 'false'],
] as const

export function gitEnvironment(given: Record<string, string>): Record<string, string> {
  return {
    ...given,
    LC_ALL: 'C',
    HOME: '/nonexistent',
    XDG_CONFIG_HOME: '/nonexistent',
    GIT_DIR: '.',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '/bin/false',
    SSH_ASKPASS: '/bin/false',
    GIT_NO_REPLACE_OBJECTS: '1',
    // Objects that the copy lacks are never fetched behind our back.
    GIT_ALLOW_PROTOCOL: 'none',
    GIT_NO_LAZY_FETCH: '1',
    ...gitSettings(ownSettings),
  }
}
