// Starts programs: to the end with their output kept for the case of failure, or as servers that are waited for and ended.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Sentence } from './progress.ts'

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

interface CommandOptions {
  cwd?: string
  env?: Record<string, string | undefined>
  /** Print the output as it comes instead of only when the command fails. */
  show?: boolean
}

/** Each has a process group of its own, so that what it has started itself ends with it. */
const underWay = new Set<ChildProcess>()

/** Runs a program to its end and answers its output; throws a Sentence with the output's end when it fails. */
export async function runCommand(program: string, args: string[], options: CommandOptions = {}): Promise<string> {
  const child = spawn(program, args, {
    cwd: options.cwd ?? root,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', options.show ? 'inherit' : 'pipe', options.show ? 'inherit' : 'pipe'],
    detached: true,
  })
  underWay.add(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (output += text))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', (error) => reject(new Sentence(`${program} could not be started: ${error.message}`)))
    child.on('close', resolve)
  }).finally(() => underWay.delete(child))
  if (code !== 0) {
    throw new Sentence(
      `${[program, ...args].join(' ')} failed with code ${code}${output ? `:\n${output.trimEnd().slice(-6000)}` : '.'}`,
    )
  }
  return output
}

/** Ends every command that is under way, with all that it has started: TERM, and KILL when it has not gone after `graceMs`. */
export async function endCommands(graceMs = 5000): Promise<void> {
  const signal = (child: ChildProcess, name: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, name)
    } catch {
      // All of it has ended in the meantime.
    }
  }
  await Promise.all(
    [...underWay].map(async (child) => {
      const closed = once(child, 'close')
      signal(child, 'SIGTERM')
      const timer = setTimeout(() => signal(child, 'SIGKILL'), graceMs)
      await closed
      clearTimeout(timer)
    }),
  )
}

/** Ends a process we started: TERM, and KILL when it has not gone after `graceMs`. */
export async function endProcess(child: ChildProcess, graceMs = 10_000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
  await gone
  clearTimeout(timer)
}
