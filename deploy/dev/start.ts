// `npm start`: builds what is stale, then keeps the controller (with the console) and one local agent running until Ctrl-C or SIGTERM.
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { constants, hostname, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { hideSecrets } from '../../controller/src/platform/environment.ts'
import { buildAll } from './build.ts'
import { controllerEnv, controllerFlags, controllerProgram } from './controller-node.ts'
import { keepRunning } from './keep-running.ts'
import { Sentence, say } from './progress.ts'
import { endCommands, root } from './run-command.ts'

/** What a person has set; this process shows others none of its secrets for as long as it lives. */
const { ANSFLOW_HOST_PATH: hostPath = process.env.PATH, ...settings } = process.env
hideSecrets(process.env)
const data = resolve(root, settings.ANSFLOW_DATA ?? 'data')
const withAgent = settings.ANSFLOW_LOCAL_AGENT !== 'off'
/** Exit codes of the agent that another start would not change (agent/src/exit.ts). */
const wrongSettings = 2
const refused = 3
let controller: ChildProcess | undefined
let agent: ChildProcess | undefined
let stopping = false
let ready = false

/** Asked to end while it runs, it has done what it should; asked before, it has not. */
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => void stop(ready ? 0 : 128 + constants.signals[signal]))
}
// Who started this was killed. Controller and agent learn it in the same way and end, and steps that run wait for the next start.
process.once('disconnect', () => process.exit(1))

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
    if (settings.ANSFLOW_AGENT_STEP_USER) chmodSync(data, 0o700)
  } catch (error) {
    throw new Sentence(
      `The data folder ${data} cannot be written (${error instanceof Error ? error.message : error}). Give this user the right to, or set ANSFLOW_DATA to another folder.`,
    )
  }
}

async function start(): Promise<void> {
  if (stopping) return
  let agentToken = ''
  let grpcAddress = ''
  let firstReady = () => {}
  const isReady = new Promise<void>((resolve) => {
    firstReady = resolve
  })
  const controllerEnd = keepRunning({
    name: 'controller',
    start() {
      // Made anew at each start: it registers the local agent once and then is worth nothing.
      agentToken = randomBytes(32).toString('base64url')
      controller = spawn(process.execPath, [...controllerFlags, join(root, controllerProgram), 'serve'], {
        cwd: root,
        env: {
          ...controllerEnv,
          ...settings,
          ANSFLOW_DATA: data,
          ...(withAgent ? { ANSFLOW_LOCAL_AGENT_TOKEN: agentToken } : {}),
        },
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      })
      controller.once('message', (message) => {
        ;({ grpcAddress } = message as { grpcAddress: string })
        ready = true
        firstReady()
      })
      return controller
    },
    // One that never came up has said why.
    isFinal: () => stopping || !ready,
  }).then(async ({ code, signal, gaveUp }) => {
    if (stopping) return
    if (!gaveUp && signal) say(`the controller ended (${signal}); stopping.`)
    await stop(code ?? 1)
  })
  await Promise.race([isReady, controllerEnd])
  if (!ready || stopping || !withAgent) return
  if (!settings.ANSFLOW_AGENT_STEP_USER) {
    say(
      `steps of the local agent run as ${userName()}, who can read the data folder too; README.md, "Whom steps run as", says how to keep them apart.`,
    )
  }
  const { code, gaveUp } = await keepRunning({
    name: 'local agent',
    start() {
      agent = spawn(process.execPath, [join(root, 'agent/dist/ansflow-agent.mjs'), 'run'], {
        cwd: root,
        env: agentEnvironment(grpcAddress, agentToken),
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      })
      return agent
    },
    // Whoever wants it to end ends the whole; the console keeps jobs from it.
    isFinal: (code) => stopping || code === wrongSettings || code === refused,
  })
  if (stopping) return
  // It has said why. The controller is of use without it, but not without the settings that a person wanted.
  if (code === wrongSettings) await stop(1)
  else if (!gaveUp) say('the local agent ended; steps wait for another agent.')
}

/** A user id without an account has no name. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `user ${process.getuid?.()}`
  }
}

/** The host's own environment, of which the agent gives a step what its settings say; of ours only what is meant for agents. */
function agentEnvironment(url: string, token: string): NodeJS.ProcessEnv {
  const env = Object.fromEntries(
    Object.entries(settings).filter(([name]) => !/^ANSFLOW_(?!AGENT_|LOG_LEVEL$)/.test(name)),
  )
  const { ANSFLOW_LOCAL_AGENT_SLOTS: slots, ANSFLOW_LOCAL_AGENT_NAME: name } = settings
  return {
    ...env,
    PATH: hostPath,
    ANSFLOW_AGENT_URL: url,
    ANSFLOW_AGENT_TOKEN: token,
    ANSFLOW_AGENT_NAME: name ?? settings.ANSFLOW_AGENT_NAME ?? hostname(),
    ANSFLOW_AGENT_DATA: join(data, 'agent'),
    ...(slots ? { ANSFLOW_AGENT_SLOTS: slots } : {}),
  }
}

/** The agent first (two signals: it cancels what it runs, so that nothing stays behind), then the controller, which takes its last words. */
async function stop(code: number): Promise<void> {
  if (stopping) return
  stopping = true
  await endCommands()
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
