// The controller's command line.
import { enableCompileCache } from 'node:module'
import { parseArgs } from 'node:util'
import { ConfigError, describeSettings, forgetSettings, readConfig } from './config.ts'

// Compiled code is kept between starts; only what is imported after this line profits.
enableCompileCache()
const { createController, version } = await import('./app.ts')

const commands: Record<string, () => Promise<void>> = { serve, help, version: async () => print(version) }

const { values, positionals } = parseArgs({
  options: { help: { type: 'boolean', short: 'h' }, version: { type: 'boolean' } },
  allowPositionals: true,
})
const name = values.help ? 'help' : values.version ? 'version' : (positionals[0] ?? 'serve')
const command = commands[name]
if (command) await command().catch(fail)
else fail(new ConfigError([`"${name}" is not a command. There are: ${Object.keys(commands).join(', ')}.`]))

async function serve(): Promise<void> {
  const config = readConfig()
  forgetSettings()
  const controller = await createController(config).start()
  print(`AnsFlow ${version}`)
  print(`  console and API  ${controller.urls.http}`)
  print(`  agents and gRPC  ${controller.urls.grpc}`)
  if (controller.setupLink !== undefined) {
    print(`  Nobody has an account yet. Open this link once to make the first one:`)
    print(`  ${controller.urls.http}${controller.setupLink}`)
  }
  // `npm start` waits for this before it starts the local agent.
  process.send?.({ grpcAddress: controller.urls.grpc })
  const signal = await new Promise<string>((resolve) => {
    for (const each of ['SIGINT', 'SIGTERM'] as const) process.once(each, () => resolve(each))
    // `npm start` was killed: nothing of it stays.
    process.once('disconnect', () => resolve('npm start is gone'))
  })
  print(`Stopping (${signal}) …`)
  // A second signal, or a stop that hangs, ends the process at once.
  for (const each of ['SIGINT', 'SIGTERM'] as const) process.once(each, () => process.exit(1))
  setTimeout(() => process.exit(1), 15_000).unref()
  await controller.stop()
  if (process.connected) process.disconnect()
  print('Stopped.')
}

async function help(): Promise<void> {
  print(`ansflow-controller [serve|help|version]\n\nSettings are environment variables:\n${describeSettings()}`)
}

function fail(error: unknown): never {
  process.stderr.write(`${sentence(error)}\n`)
  process.exit(1)
}

/** What a person can act on, without a stack where the cause is known. */
function sentence(error: unknown): string {
  const { code, port, address, message, stack } = error as NodeJS.ErrnoException & { port?: number; address?: string }
  if (code === 'EADDRINUSE') {
    return `The address ${address}:${port} is in use by another program. Stop it, or set ANSFLOW_HTTP or ANSFLOW_GRPC to another one.`
  }
  if (code === 'EACCES' || code === 'EADDRNOTAVAIL') return `The controller cannot start: ${message}`
  return error instanceof ConfigError || (error as Error).name === 'Error' ? message : (stack ?? String(error))
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
