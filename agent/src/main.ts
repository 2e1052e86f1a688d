#!/usr/bin/env node
// Owns the command line: which command runs, how signals end it, and the exit code.
import { createAgent, labelsOf } from './agent.ts'
import { type Config, helpText, readConfig, VERSION } from './config.ts'
import { type DataFolder, type Identity, openDataFolder } from './data-folder.ts'
import { ExitError, exitCodes } from './exit.ts'
import { hostFacts } from './host.ts'
import { createLog, textOf } from './log.ts'
import { createLinkClient, LinkError, parseTarget } from './rpc-client.ts'

const log = createLog()

async function main(argv: string[]): Promise<void> {
  const command = readConfig(argv)
  if (command.kind === 'help' || command.kind === 'version') {
    process.stdout.write(`${command.kind === 'help' ? helpText() : VERSION}\n`)
    return
  }
  if (process.platform === 'win32') throw new ExitError('unsupported', 'The agent does not run on Windows yet.')
  const { config } = command
  const folder = openDataFolder(config.data)
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
    const identity = { url: config.url, agentId: response.agentId, agentSecret: response.agentSecret, name }
    folder.writeIdentity(identity)
    return identity
  } catch (error) {
    if (!(error instanceof LinkError)) throw error
    if (error.kind === 'refused')
      throw new ExitError('refused', `The controller refuses the registration token: ${error.message}`)
    throw new ExitError('unreachable', `The controller at ${config.url} cannot be reached: ${error.message}`)
  } finally {
    client.close()
  }
}

async function run(config: Config, folder: DataFolder): Promise<void> {
  let identity = folder.readIdentity()
  if (!identity) {
    if (!config.url)
      throw new ExitError('usage', `This agent is not registered (${config.data}). Run "ansflow-agent register" first.`)
    identity = await register(config, folder)
  }
  // The address may change; the identity stays.
  if (config.url) identity = { ...identity, url: config.url }
  const agent = createAgent(config, folder, identity, log)
  let signals = 0
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => (++signals === 1 ? agent.drain() : agent.cancelAll()))
  }
  await agent.run()
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
