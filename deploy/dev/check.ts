// The one check command, for people and CI: is the generated code fresh, the contract compatible, everything formatted, linted,
// within the import boundaries, typed, and do the migrations say what the entities say. Answers how many checks passed.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Sentence, say, step } from './progress.ts'
import { root, runCommand } from './run-command.ts'

const proto = join(root, 'proto')
const checks: [string, () => Promise<unknown>][] = [
  ['contract: lint', () => runCommand('pnpm', ['exec', 'buf', 'lint'], { cwd: proto })],
  ['contract: format', () => runCommand('pnpm', ['exec', 'buf', 'format', '--diff', '--exit-code'], { cwd: proto })],
  [
    'contract: no breaking change',
    () => runCommand('pnpm', ['exec', 'buf', 'breaking', '--against', 'contract.binpb'], { cwd: proto }),
  ],
  ['contract: generated code is fresh', generatedIsFresh],
  ['format and lint', () => runCommand('pnpm', ['exec', 'biome', 'ci', '--error-on-warnings', '--colors=off', '.'])],
  ['no file over 400 lines', noLongFile],
  [
    'import boundaries',
    () =>
      runCommand('pnpm', [
        'exec',
        'depcruise',
        '--config',
        '.dependency-cruiser.cjs',
        'proto/src',
        'engine/src',
        'controller/src',
        'agent/src',
        'web/src',
        'e2e',
        'deploy',
      ]),
  ],
  ['types: contract, engine, controller, agent', () => runCommand('pnpm', ['exec', 'tsc', '-p', 'tsconfig.json'])],
  ['types: journeys', () => runCommand('pnpm', ['exec', 'tsc', '-p', 'e2e/tsconfig.json'])],
  ['types: console', () => runCommand('pnpm', ['--dir', 'web', 'run', 'types'])],
  [
    'migrations say what the entities say',
    () => runCommand('pnpm', ['--dir', 'controller', 'run', 'migrations:check']),
  ],
]

async function generatedIsFresh(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'ansflow-gen-'))
  try {
    await runCommand('pnpm', ['exec', 'buf', 'generate', '-o', folder], { cwd: proto })
    await runCommand('diff', ['-r', join(folder, 'src/gen'), join(proto, 'src/gen')])
  } catch (error) {
    throw new Sentence(
      `proto/src/gen is not what the .proto files give; run "pnpm run generate" and commit the result.\n${error instanceof Error ? error.message : ''}`,
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function noLongFile(): Promise<void> {
  const files = (await runCommand('git', ['ls-files', '*.ts', '*.vue', '*.mjs']))
    .split('\n')
    .filter((file) => file && !/\/(gen|migrations)\/|\.d\.ts$/.test(file))
  const long: string[] = []
  for (const file of files) {
    const lines = (await readFile(join(root, file), 'utf8').catch(() => '')).split('\n').length
    if (lines > 401) long.push(`${file}: ${lines} lines`)
  }
  if (long.length > 0) throw new Sentence(`Split these by verb or part:\n${long.join('\n')}`)
}

export interface Tally {
  passed: number
  failed: number
  skipped: number
  /** What failed and why, a text each: said again at the end of a long output. */
  failures: string[]
}

export async function check(): Promise<Tally> {
  const tally: Tally = { passed: 0, failed: 0, skipped: 0, failures: [] }
  const waiting = checks.values()
  // One check a processor: most of them use no more.
  const lane = async () => {
    for (const [what, work] of waiting) {
      try {
        await step(what, work)
        tally.passed++
      } catch (error) {
        tally.failed++
        const why = error instanceof Error ? error.message : String(error)
        tally.failures.push(`${what}\n${why}`)
        say(why)
      }
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, lane))
  return tally
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const tally = await check()
  say(`${tally.passed} checks passed, ${tally.failed} failed`)
  process.exitCode = tally.failed > 0 ? 1 : 0
}
