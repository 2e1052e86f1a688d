// The controller's side of the git helper: begun when it is first needed, begun again when it has died.
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Logger } from '../log.ts'
import { GitError } from './git.ts'
import type { FromHelper, HelperFault, HelperStart, Method, Requests, ToHelper } from './helper-messages.ts'

export interface HelperLink {
  ask(
    to: { id: string; url: string },
    method: Method,
    input: Requests[Method],
    signal?: AbortSignal,
  ): Promise<HelperAnswer>
  stop(): Promise<void>
}

export interface HelperAnswer {
  items: unknown[]
  [name: string]: unknown
}

/** There is no copy that can be read. */
export class CopyAbsent extends Error {
  override readonly name = 'CopyAbsent'
}

interface Waiting {
  items: unknown[]
  /** Before either of them. */
  settle(): void
  resolve(answer: HelperAnswer): void
  reject(error: Error): void
}

export function helperLink(start: HelperStart, log: Logger): HelperLink {
  const waiting = new Map<number, Waiting>()
  let helper: ChildProcess | undefined
  let lastId = 0
  let isStopped = false

  function begin(): ChildProcess {
    const program = fileURLToPath(new URL('./git-helper.ts', import.meta.url))
    const child = fork(program, [], {
      env: start.environment,
      execArgv: ['--max-old-space-size=512', '--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'json',
    })
    child.on('message', (message) => take(message as FromHelper))
    const ended = (why: unknown) => {
      if (helper !== child) return
      helper = undefined
      if (!isStopped) log.warn({ why }, 'the git helper has ended')
      const fault = isStopped ? 'aborted' : 'failed'
      const message = isStopped ? 'The controller stops.' : 'The program that reads repositories has ended. Try again.'
      for (const one of waiting.values()) {
        one.settle()
        one.reject(new GitError(fault, message))
      }
      waiting.clear()
    }
    child.once('error', ended)
    child.once('exit', (code, signal) => ended(signal ?? code))
    child.send({ start } satisfies ToHelper)
    // It is no reason for a program to go on that has ended otherwise.
    child.unref()
    child.channel?.unref()
    return child
  }

  function take(message: FromHelper): void {
    const one = waiting.get(message.id)
    if (!one) return
    if ('items' in message) {
      for (const item of message.items) one.items.push(item)
      return
    }
    waiting.delete(message.id)
    one.settle()
    if ('end' in message) one.resolve({ ...message.end, items: one.items })
    else one.reject(errorOf(message.error))
  }

  return {
    ask({ id: repository, url }, method, input, signal) {
      return new Promise((resolve, reject) => {
        if (isStopped) return void reject(new GitError('aborted', 'The controller stops.'))
        if (signal?.aborted) return void reject(new GitError('aborted', 'It is not wanted any more.'))
        helper ??= begin()
        const id = ++lastId
        const abort = () => helper?.connected && helper.send({ abort: id } satisfies ToHelper)
        const settle = () => signal?.removeEventListener('abort', abort)
        signal?.addEventListener('abort', abort, { once: true })
        waiting.set(id, { items: [], resolve, reject, settle })
        // One that dies right now is told of by its end.
        helper.send({ id, repository, url, method, input } satisfies ToHelper, () => undefined)
      })
    },
    async stop() {
      isStopped = true
      const child = helper
      if (!child) return
      const exited = new Promise((resolve) => child.once('exit', resolve))
      if (child.connected) child.disconnect()
      const kill = setTimeout(() => child.kill('SIGKILL'), 2000)
      await exited
      clearTimeout(kill)
    },
  }
}

function errorOf({ fault, message }: { fault: HelperFault; message: string }): Error {
  return fault === 'absent' ? new CopyAbsent(message) : new GitError(fault, message)
}
