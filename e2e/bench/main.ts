// `npm run bench`: measures the product as it runs on this machine, and prints each figure beside the machine's own limit.
// docs/bench.md says how to read it.
import { writeFile } from 'node:fs/promises'
import { constants } from 'node:os'
import { buildAll } from '../../deploy/dev/build.ts'
import { Sentence, say, step } from '../../deploy/dev/progress.ts'
import { endCommands } from '../../deploy/dev/run-command.ts'
import { findProgram } from '../../deploy/dev/system-packages.ts'
import { checkOut, compare } from './against.ts'
import { type Arguments, readArguments, usage } from './arguments.ts'
import { Context } from './context.ts'
import { describeMachine, machineLine } from './machine.ts'
import { measurements } from './measurements/index.ts'
import { type Broken, type Compared, comparison, type Row, rowsOf, table } from './report.ts'
import { startServers } from './servers.ts'
import { take } from './take.ts'

const opened: AsyncDisposable[] = []
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => void close().finally(() => process.exit(128 + constants.signals[signal])))
}
try {
  const known = measurements.map(({ name }) => name)
  const words = readArguments(process.argv.slice(2), known)
  if (words.help) {
    process.stdout.write(usage)
    for (const { name, what } of measurements) process.stdout.write(`  ${name.padEnd(12)} ${what}\n`)
  } else process.exitCode = (await measure(words)) > 0 ? 1 : 0
} catch (error) {
  const isPlain = error instanceof Sentence || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS')
  say(isPlain || !(error instanceof Error) ? String((error as Error).message) : (error.stack ?? error.message))
  process.exitCode = 1
} finally {
  await close()
}

async function close(): Promise<void> {
  await endCommands()
  for (const one of opened.splice(0).reverse()) await one[Symbol.asyncDispose]()
}

function keep<T extends AsyncDisposable>(one: T): T {
  opened.push(one)
  return one
}

/** Answers how many measurements are broken. */
async function measure(words: Arguments): Promise<number> {
  const { names, short, database, against, agents, sockets } = words
  const chosen = names.length > 0 ? measurements.filter(({ name }) => names.includes(name)) : measurements
  await buildAll()
  const other = against === undefined ? undefined : await checkOut(against, keep)
  const machine = await describeMachine()
  const line = machineLine(machine, database ? 'MariaDB and NATS' : 'SQLite')
  const servers = database ? keep(await startServers()) : undefined
  const options = { short, servers, agents, sockets }
  const context = keep(await Context.open(options))
  const otherContext = other && keep(await Context.open({ ...options, root: other }))

  const rows: Row[] = []
  const changes: Compared[] = []
  const broken: Broken[] = []
  for (const one of chosen) {
    if (one.needs && !findProgram(one.needs)) {
      say(`${one.name} is left out: this machine has no ${one.needs}.`)
      continue
    }
    try {
      await step(one.name, async () => {
        if (otherContext) changes.push(...(await compare(one, otherContext, context, words.rounds)))
        else rows.push(...rowsOf(one, await take(one, context), database))
      })
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
      say(text)
      broken.push({ measurement: one.name, error: text })
    }
  }
  const shown = otherContext ? comparison(changes, [against ?? '', 'here']) : table(rows)
  const warning = short ? 'Short form: it shows that the measurements work; its figures say little.\n' : ''
  process.stdout.write(`\n${line}\n${warning}\n${shown}\n`)
  if (broken.length > 0) process.stdout.write(`\nBroken: ${broken.map(({ measurement }) => measurement).join(', ')}\n`)
  const document = { machine, database, short, rows, against, changes, broken }
  if (words.json) await writeFile(words.json, `${JSON.stringify(document, null, 2)}\n`)
  return broken.length
}
