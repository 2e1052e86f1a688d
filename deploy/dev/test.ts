// `npm test`, and `npm run test:long` for what takes too long for every change: installs the system programs the tests need, starts their servers, then checks, unit tests, the controller on both
// databases, the whole system, and the benchmarks in short. Its last lines are what failed and why, and "N passed, N failed, N skipped".
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { constants, tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { buildAll } from './build.ts'
import { check, type Tally } from './check.ts'
import type { Crashes } from './crash-reporter.ts'
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

/**
 * Runs vitest projects and adds their counts; a runner that dies without a report counts as a failure. Where nothing failed but the
 * runtime itself died (SIGSEGV) under a file, that file is run once more, in a process of its own, and both are said.
 */
async function vitest(
  what: string,
  projects: string[],
  env: Record<string, string>,
  further: string[] = [],
): Promise<void> {
  const { tally, died } = await runVitest(what, projects, env, further)
  if (tally.failed > 0 || died.length === 0) return add(tally)
  for (const { file, signal } of died)
    say(`the runtime died (${signal}) under ${relative(root, file)}, which is run again alone`)
  const files = died.map(({ file }) => file)
  const again = await runVitest(`${what}: again`, projects, env, [...further, '--maxWorkers=1', ...files])
  if (again.died.length > 0) {
    again.tally.failed++
    again.tally.failures.push(
      ...again.died.map(({ file, signal }) => `${what}: ${relative(root, file)} died again (${signal})`),
    )
  }
  add(tally)
  add(again.tally)
}

async function runVitest(
  what: string,
  projects: string[],
  env: Record<string, string>,
  further: string[],
): Promise<{ tally: Tally; died: Crashes['died'] }> {
  const folder = await mkdtemp(join(tmpdir(), 'ansflow-test-'))
  const report = join(folder, 'report.json')
  const crashes = join(folder, 'crashes.json')
  try {
    let error: unknown
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
          `--reporter=${join(root, 'deploy/dev/crash-reporter.ts')}`,
        ],
        { env: { ...env, ANSFLOW_TEST_CRASHES: crashes }, show: true },
      ),
    ).catch((reason: unknown) => {
      error = reason
      say(reason instanceof Error ? reason.message : String(reason))
    })
    const none: Crashes = { died: [], others: 0 }
    const { died, others } = (await readJson<Crashes>(crashes)) ?? none
    const tally = await readReport(what, report, new Set(died.map(({ file }) => file)))
    const isUnexplained = error !== undefined && (tally === undefined || (tally.failed === 0 && died.length === 0))
    if (!tally || isUnexplained || others > 0) {
      const { passed, skipped, failures } = tally ?? { passed: 0, skipped: 0, failures: [] }
      return { tally: { passed, failed: (tally?.failed ?? 0) + 1, skipped, failures: [...failures, what] }, died: [] }
    }
    return { tally, died }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Of files that `died` nothing counts. */
async function readReport(what: string, report: string, died: ReadonlySet<string>): Promise<Tally | undefined> {
  const json = await readJson<{ testResults: JsonFile[] }>(report)
  if (!json) return undefined
  const files = json.testResults.filter(({ name }) => !died.has(name))
  const tests = files.flatMap(({ assertionResults }) => assertionResults)
  const passed = tests.filter(({ status }) => status === 'passed').length
  const failures = files.flatMap(failuresOf).map((failure) => `${what}: ${failure}`)
  const failedTests = tests.filter(({ status }) => status === 'failed').length
  return { passed, failed: failures.length, skipped: tests.length - passed - failedTests, failures }
}

async function readJson<T>(path: string): Promise<T | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  return text === undefined ? undefined : (JSON.parse(text) as T)
}

/** What vitest's reporter `json` writes of a file, as far as it is read here. */
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
