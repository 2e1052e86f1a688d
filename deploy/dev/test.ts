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
/** What failed beside all the others and passed alone: which, and why. Said at the end. */
const unsteady: string[] = []
/** Where more files than these fail, it is no accident. */
const unsteadyFiles = 3
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
for (const failure of unsteady) say(`unsteady, to be mended: ${failure}`)
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
 * Runs vitest projects and adds their counts; a runner that dies without a report counts as a failure. A file under which the runtime
 * itself died (SIGSEGV), and up to three in which tests failed, are run once more, each test's process alone on the machine, and both are
 * said: what fails again has failed, and what passes is unsteady.
 */
async function vitest(
  what: string,
  projects: string[],
  env: Record<string, string>,
  further: string[] = [],
): Promise<void> {
  const first = await runVitest(what, projects, env, further)
  const died = first.died.map(({ file }) => file)
  const failed = first.files.filter((file) => failuresOf(file).length > 0)
  const repeated = new Set([...died, ...failed.map(({ name }) => name)])
  if (!first.isWhole || failed.length > unsteadyFiles || repeated.size === 0) return add(tallyOf(what, first))
  const steady = first.files.filter(({ name }) => !repeated.has(name))
  add(tallyOf(what, { ...first, files: steady, died: [] }))
  const why = [...first.died.map(deathOf), ...failed.flatMap(failuresOf)]
  for (const failure of why) say(`failed, and run again alone: ${failure}`)
  const again = await runVitest(`${what}: what failed, alone`, projects, env, [
    ...further,
    '--maxWorkers=1',
    ...repeated,
  ])
  add(tallyOf(what, again))
  if (tallyOf(what, again).failed === 0) unsteady.push(...why.map((each) => `${what}: ${each}`))
}

interface Ended {
  /** Without those under which the runtime died. */
  files: JsonFile[]
  died: Crashes['died']
  /** False: something failed that belongs to no file, or nothing is known of it. */
  isWhole: boolean
}

async function runVitest(
  what: string,
  projects: string[],
  env: Record<string, string>,
  further: string[],
): Promise<Ended> {
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
    const json = await readJson<{ testResults: JsonFile[] }>(report)
    const underDeath = new Set(died.map(({ file }) => file))
    const files = json?.testResults.filter(({ name }) => !underDeath.has(name)) ?? []
    const isExplained = error === undefined || died.length > 0 || files.some((file) => failuresOf(file).length > 0)
    return { files, died, isWhole: json !== undefined && isExplained && others === 0 }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function tallyOf(what: string, { files, died, isWhole }: Ended): Tally {
  const tests = files.flatMap(({ assertionResults }) => assertionResults)
  const passed = tests.filter(({ status }) => status === 'passed').length
  const failedTests = tests.filter(({ status }) => status === 'failed').length
  const failures = [
    ...files.flatMap(failuresOf).map((failure) => `${what}: ${failure}`),
    ...died.map((each) => `${what}: ${deathOf(each)}`),
    ...(isWhole ? [] : [what]),
  ]
  return { passed, failed: failures.length, skipped: tests.length - passed - failedTests, failures }
}

function deathOf({ file, signal }: Crashes['died'][number]): string {
  return `${relative(root, file)}: the runtime died (${signal})`
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
  const lines = text.split('\n').filter((line) => !line.includes('/node_modules/vitest/'))
  return lines.slice(0, 40).join('\n')
}

function add(tally: Tally): void {
  total.passed += tally.passed
  total.failed += tally.failed
  total.skipped += tally.skipped
  total.failures.push(...tally.failures)
}
