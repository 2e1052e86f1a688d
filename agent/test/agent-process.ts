// Owns running the real agent as a process of its own for tests, and waiting for conditions.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { inject } from 'vitest'

export interface AgentProcess {
  child: ChildProcess
  /** Everything it has said. */
  output(): string
  exited: Promise<number | null>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * The environment is only what is given here, so that nothing of the test's own can make it pass. `within`: run by this. `entry`:
 * another agent than that of the product. It looks for no container runtime unless it is told to: this host may have one.
 */
export function startAgent(
  args: string[],
  env: Record<string, string> = {},
  within: string[] = [],
  entry = inject('agentBundle'),
): AgentProcess {
  const [program = '', ...rest] = [...within, process.execPath, entry, ...args]
  const child = spawn(program, rest, {
    env: { PATH: process.env['PATH'] ?? '', HOME: tmpdir(), ANSFLOW_AGENT_CONTAINERS: 'off', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  const exited = once(child, 'close').then(([code]) => code as number | null)
  return {
    child,
    output: () => output,
    exited,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await exited
    },
  }
}

export function temporaryFolder(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'ansflow-agent-test-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }) }
}

/** Looks again and again; the message says what did not become true. */
export async function waitFor<T>(
  what: string,
  condition: () => T | undefined | false | null | Promise<T | undefined | false | null>,
  ms = 15_000,
): Promise<T> {
  const deadline = performance.now() + ms
  for (;;) {
    const value = await condition()
    if (value) return value
    if (performance.now() > deadline) throw new Error(`Waited ${ms} ms in vain for: ${what}`)
    await delay(10)
  }
}
