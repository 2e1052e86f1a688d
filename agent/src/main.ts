#!/usr/bin/env node
import { setTimeout as delay } from 'node:timers/promises'
// Owns the command line: which command runs, how signals end it, and the exit code.
import { createAgent, labelsOf } from './agent.ts'
import { type Config, helpText, readConfig, VERSION } from './config.ts'
import { type DataFolder, type Identity, openDataFolder } from './data-folder.ts'
import { ExitError, exitCodes } from './exit.ts'
import { hostFacts } from './host.ts'
import { endFencedJobs } from './job/end-fenced.ts'
import { backoffMs } from './link/connect.ts'
import { createLinkClient, LinkError, parseTarget } from './link/rpc-client.ts'
import { createLog, textOf } from './log.ts'

const log = createLog()

async function main(argv: string[]): Promise<void> {
  // Not for people: what is left of an agent that is gone, or frozen, calls it.
  if (argv[0] === 'fence' && argv[1] !== undefined) return endFencedJobs(argv[1])
  const command = readConfig(argv)
  if (command.kind === 'help' || command.kind === 'version') {
    process.stdout.write(`${command.kind === 'help' ? helpText() : VERSION}\n`)
    return
  }
  if (process.platform === 'win32') throw new ExitError('unsupported', 'The agent does not run on Windows yet.')
  const { config } = command
  const folder = openDataFolder(config.data, config.stepUser)
  try {
    if (command.kind === 'register') {
      const identity = await register(config, folder)
      process.stdout.write(`Registered as "${identity.name}". Start it with: ansflow-agent run --data ${config.data}\n`)
    } else await run(config, folder)
  } finally {
    folder.release()
  }
}

async function register(config: Config, folder: DataFolder): Promise<Identity> {
  if (!config.url) throw new ExitError('usage', 'The address of the controller is missing: --url host:port.')
  if (!config.token)
    throw new ExitError('usage', 'The registration token is missing: ANSFLOW_AGENT_TOKEN, --token-file or --token.')
  const client = createLinkClient(parseTarget(config.url), config.caFile)
  try {
    const { name, slots, token } = config
    const response = await client.register({
      token,
      name,
      slots,
      labels: labelsOf(config),
      host: hostFacts(),
      version: VERSION,
    })
    const { agentId, agentSecret } = response
    const identity = { url: config.url, agentId, agentSecret, name, ...(config.caFile && { caFile: config.caFile }) }
    folder.writeIdentity(identity)
    return identity
  } catch (error) {
    if (!(error instanceof LinkError)) throw error
    if (error.kind === 'refused')
      throw new ExitError('refused', `The controller refuses the registration token: ${error.message}`)
    if (error.kind === 'rejected')
      throw new ExitError('usage', `The controller does not take this agent: ${error.message}`)
    const what = error.kind === 'unreachable' ? 'cannot be reached' : 'does not answer as it should'
    throw new ExitError('unreachable', `The controller at ${config.url} ${what}: ${error.message}`)
  } finally {
    client.close()
  }
}

async function run(given: Config, folder: DataFolder): Promise<void> {
  // Whoever started this with a channel was killed. What runs goes on, and waits for the next agent of this folder.
  process.once('disconnect', () => process.exit(exitCodes.unexpected))
  const identity = folder.readIdentity()
  const config = { ...given, caFile: given.caFile || (identity?.caFile ?? '') }
  if (!identity && !config.url) {
    throw new ExitError('usage', `This agent is not registered (${config.data}). Run "ansflow-agent register" first.`)
  }
  try {
    await runAs(identity ?? (await registerInTime(config, folder)), config, folder)
  } catch (error) {
    const isStranger = error instanceof ExitError && error.exitCode === exitCodes.refused
    if (!isStranger || !identity || !config.token || !config.url) throw error
    log.warn('The controller does not know this agent; it registers anew.', { controller: config.url })
    await runAs(await registerInTime(config, folder), config, folder)
  }
}

/** Whoever starts agent and controller together need not start them in order. */
async function registerInTime(config: Config, folder: DataFolder): Promise<Identity> {
  for (let failures = 0; ; failures++) {
    try {
      return await register(config, folder)
    } catch (error) {
      if (!(error instanceof ExitError) || error.exitCode !== exitCodes.unreachable) throw error
      const inMs = backoffMs(failures, Math.random())
      log.warn(`${error.message}; trying again.`, { inMs })
      await delay(inMs)
    }
  }
}

async function runAs(identity: Identity, config: Config, folder: DataFolder): Promise<void> {
  // The address may change; the identity stays.
  const agent = createAgent(config, folder, config.url ? { ...identity, url: config.url } : identity, log)
  let signals = 0
  const onSignal = () => (++signals === 1 ? agent.drain() : agent.cancelAll())
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, onSignal)
  try {
    await agent.run()
  } finally {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.off(signal, onSignal)
  }
}

main(process.argv.slice(2)).then(
  () => process.exit(exitCodes.ok),
  (error: unknown) => {
    process.stderr.write(
      `${error instanceof ExitError ? error.message : `The agent ended unexpectedly: ${error instanceof Error ? error.stack : textOf(error)}`}\n`,
    )
    process.exit(error instanceof ExitError ? error.exitCode : exitCodes.unexpected)
  },
)
