// `npm test`, and `npm run test:long` for what takes too long for every change: installs the system programs the tests need, starts their servers, then checks, unit tests, the controller on both
// databases, the whole system, and the benchmarks in short. Its last lines are what failed and why, and "N passed, N failed, N skipped".
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { constants, tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { buildAll } from './build.ts'
import { check, type Tally } from './check.ts'
import { Sentence, say, step } from './progress.ts'
import { endCommands, root, runCommand } from './run-command.ts'
import { ensureSystemPackages } from './system-packages.ts'
import { startMariadb, startNats, type TestServer } from './test-servers.ts'

const total: Tally = { passed: 0, failed: 0, skipped: 0, failures: [] }
const servers: Promise<TestServer>[] = []
const began = Date.now()
const long = process.argv[2] === 'long'
/** What knows no store is not tried on another one. */
const withoutStore = ['platform/git', 'features/forges/kinds', 'features/collab/{room,decoder,fuzz}.test.ts'].flatMap(
  (path) => ['--exclude', `controller/src/${path}${path.endsWith('.ts') ? '' : '/**'}`],
)

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void interrupt(signal))

try {
  await ensureSystemPackages()
  await buildAll()
  // They wait for their disks while the checks compute.
  const both = [startMariadb(), startNats()] as const
  servers.push(...both)
  const started = step('starting MariaDB and NATS', () => Promise.all(both))
  started.catch(() => {
    // Said below, after the checks.
  })
  if (!long) add(await check())
  const [mariadb, nats] = await started
  const embedded = { ANSFLOW_TEST_NATS_URL: nats.url }
  if (long) {
    const env = { ...embedded, ANSFLOW_TEST_DATABASE_URL: mariadb.url }
    await vitest('long: kills under load, AnsFlow by its own pipeline', ['long'], env)
    await vitest('long: how long anything holds the event loop', ['held'], embedded, ['--maxWorkers=1'])
  } else await everything(embedded, mariadb)
} catch (error) {
  total.failed++
  say(
    error instanceof Sentence ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error),
  )
} finally {
  await stopServers()
}
say(`took ${Math.round((Date.now() - began) / 1000)} s`)
for (const failure of total.failures) say(`failed: ${failure}`)
process.stdout.write(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`)
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0

async function everything(embedded: Record<string, string>, mariadb: TestServer): Promise<void> {
  await vitest('unit tests, and the controller on SQLite', ['proto', 'engine', 'controller', 'agent', 'web'], embedded)
  const withDatabase = { ...embedded, ANSFLOW_TEST_DATABASE_URL: mariadb.url }
  await vitest('the controller on MariaDB and NATS', ['controller'], withDatabase, withoutStore)
  await vitest('the whole system: runs, faults, browser journeys', ['e2e'], withDatabase)
  await bench()
}

/** Fails when a measurement is broken, never because of a time. */
async function bench(): Promise<void> {
  try {
    await step('the benchmarks still measure', () =>
      runCommand(process.execPath, [join(root, 'e2e/bench/main.ts'), '--short'], { show: true }),
    )
    total.passed++
  } catch (error) {
    say(error instanceof Error ? error.message : String(error))
    total.failed++
    total.failures.push('the benchmarks')
  }
}

async function stopServers(): Promise<void> {
  for (const server of await Promise.allSettled(servers)) if (server.status === 'fulfilled') await server.value.stop()
}

/** Leaves nothing running. */
async function interrupt(signal: NodeJS.Signals): Promise<void> {
  say(`stopping (${signal}) …`)
  await endCommands()
  await stopServers()
  process.exit(128 + constants.signals[signal])
}

/** Runs vitest projects and adds their counts; a runner that dies without a report counts as a failure. */
async function vitest(
  what: string,
  projects: string[],
  env: Record<string, string>,
  further: string[] = [],
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'ansflow-test-'))
  const report = join(folder, 'report.json')
  try {
    await step(what, () =>
      runCommand(
        'pnpm',
        [
          'exec',
          'vitest',
          'run',
          ...projects.flatMap((name) => ['--project', name]),
          ...further,
          '--reporter=default',
          '--reporter=json',
          `--outputFile.json=${report}`,
        ],
        { env, show: true },
      ),
    )
  } catch (error) {
    say(error instanceof Error ? error.message : String(error))
    const counted = await readReport(report)
    if (!counted || counted.failed === 0) {
      total.failed++
      total.failures.push(what)
    }
  } finally {
    const counted = await readReport(report)
    if (counted) add({ ...counted, failures: counted.failures.map((failure) => `${what}: ${failure}`) })
    await rm(folder, { recursive: true, force: true })
  }
}

async function readReport(report: string): Promise<Tally | undefined> {
  const text = await readFile(report, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const json = JSON.parse(text) as JsonReport
  return {
    passed: json.numPassedTests,
    failed: Math.max(
      json.numFailedTests,
      json.numFailedTestSuites > 0 && json.numFailedTests === 0 ? json.numFailedTestSuites : 0,
    ),
    skipped: json.numPendingTests + json.numTodoTests,
    failures: json.testResults.flatMap(failuresOf),
  }
}

/** What vitest's reporter `json` writes, as far as it is read here. */
interface JsonReport {
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  numTodoTests: number
  numFailedTestSuites: number
  testResults: JsonFile[]
}

interface JsonFile {
  name: string
  status: string
  message: string
  assertionResults: { status: string; fullName: string; failureMessages: string[] | null }[]
}

/** One text a failed test: where, which, and the first lines of why. A file that could not be read is one too. */
function failuresOf({ name, status, message, assertionResults }: JsonFile): string[] {
  const file = relative(root, name)
  const failed = assertionResults.filter((each) => each.status === 'failed')
  if (failed.length === 0) return status === 'failed' ? [`${file}\n${firstLines(message)}`] : []
  return failed.map(
    ({ fullName, failureMessages }) => `${file}: ${fullName.trim()}\n${firstLines((failureMessages ?? []).join('\n'))}`,
  )
}

function firstLines(text: string): string {
  return text.split('\n').slice(0, 40).join('\n')
}

function add(tally: Tally): void {
  total.passed += tally.passed
  total.failed += tally.failed
  total.skipped += tally.skipped
  total.failures.push(...tally.failures)
}
