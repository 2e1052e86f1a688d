// `npm start`: builds what is stale, then runs the controller (with the console) and one local agent until Ctrl-C or SIGTERM.
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { constants, hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { buildAll } from './build.ts'
import { Sentence, say } from './progress.ts'
import { endCommands, root } from './run-command.ts'

const data = resolve(root, process.env.ANSFLOW_DATA ?? 'data')
const withAgent = process.env.ANSFLOW_LOCAL_AGENT !== 'off'
/** A small nursery keeps an idle controller some 25 MB smaller; the steps it moves cost the same processor time. */
const youngSpace = '--max-semi-space-size=2'
/** What the disk's and the compressors' threads give back, the next one uses: 30 MB less after some hundred runs. */
const fewArenas = { MALLOC_ARENA_MAX: '2' }
const children: ChildProcess[] = []
let stopping = false

let ready = false

/** Asked to end while it runs, it has done what it should; asked before, it has not. */
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => void stop(ready ? 0 : 128 + constants.signals[signal]))
}

try {
  prepareData()
  await buildAll()
  await start()
} catch (error) {
  // A build that was ended with us is no news.
  if (!stopping) say(error instanceof Sentence ? error.message : textOf(error))
  await stop(1)
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

function prepareData(): void {
  try {
    mkdirSync(join(data, 'agent'), { recursive: true, mode: 0o700 })
    writeFileSync(join(data, '.writable'), '')
  } catch (error) {
    throw new Sentence(
      `The data folder ${data} cannot be written (${error instanceof Error ? error.message : error}). Give this user the right to, or set ANSFLOW_DATA to another folder.`,
    )
  }
}

async function start(): Promise<void> {
  if (stopping) return
  // Made anew at each start and handed over in the environment: it registers the local agent once and then is worth nothing.
  const agentToken = randomBytes(32).toString('base64url')
  const controller = spawn(process.execPath, [youngSpace, join(root, 'controller/src/main.ts'), 'serve'], {
    cwd: root,
    env: {
      ...fewArenas,
      ...process.env,
      ANSFLOW_DATA: data,
      ...(withAgent ? { ANSFLOW_LOCAL_AGENT_TOKEN: agentToken } : {}),
    },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  children.push(controller)
  controller.on('exit', (code, signal) => void ended('controller', code, signal))
  const listening = await new Promise<{ grpcAddress: string } | undefined>((resolve) => {
    controller.on('message', (message) => resolve(message as { grpcAddress: string }))
    controller.on('exit', () => resolve(undefined))
  })
  if (!listening || stopping) return
  ready = true
  if (!withAgent) return
  const agent = spawn(process.execPath, [join(root, 'agent/dist/ansflow-agent.mjs'), 'run'], {
    cwd: root,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      LANG: process.env.LANG,
      ANSFLOW_AGENT_URL: listening.grpcAddress,
      ANSFLOW_AGENT_TOKEN: agentToken,
      ANSFLOW_AGENT_NAME: process.env.ANSFLOW_LOCAL_AGENT_NAME ?? hostname(),
      ANSFLOW_AGENT_DATA: join(data, 'agent'),
      ...(process.env.ANSFLOW_LOCAL_AGENT_SLOTS ? { ANSFLOW_AGENT_SLOTS: process.env.ANSFLOW_LOCAL_AGENT_SLOTS } : {}),
      ...(process.env.ANSFLOW_LOG_LEVEL ? { ANSFLOW_LOG_LEVEL: process.env.ANSFLOW_LOG_LEVEL } : {}),
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  children.push(agent)
  agent.on('exit', (code, signal) => void ended('local agent', code, signal))
}

async function ended(name: string, code: number | null, signal: NodeJS.Signals | null): Promise<void> {
  if (stopping) return
  // A controller that cannot start has said why.
  if (ready || signal) say(`the ${name} ended (${signal ?? `code ${code}`}); stopping.`)
  await stop(code ?? 1)
}

/** The agent first (two signals: it cancels what it runs, so that nothing stays behind), then the controller, which takes its last words. */
async function stop(code: number): Promise<void> {
  if (stopping) return
  stopping = true
  await endCommands()
  const [controller, agent] = children
  if (agent) {
    // Two of one kind that come close together may arrive as one.
    agent.kill('SIGTERM')
    agent.kill('SIGINT')
    await gone(agent, 15_000)
  }
  if (controller) {
    controller.kill('SIGTERM')
    await gone(controller, 15_000)
  }
  process.exit(code)
}

function gone(child: ChildProcess, graceMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
    child.once('exit', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
