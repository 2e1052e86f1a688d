// Two commits in turns, on one machine in the same minutes: single figures from two moments say nothing.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { step } from '../../deploy/dev/progress.ts'
import { root, runCommand } from '../../deploy/dev/run-command.ts'
import type { Context } from './context.ts'
import type { Measurement, Reading } from './measurement.ts'
import type { Compared } from './report.ts'
import { median } from './statistics.ts'
import { take } from './take.ts'

/** Checks a commit out into a folder of its own, kept until the end, and installs and builds it by its own commands; answers where. */
export async function checkOut(commit: string, keep: (one: AsyncDisposable) => unknown): Promise<string> {
  const git = (...words: string[]) => runCommand('git', words, { cwd: root })
  const id = (await git('rev-parse', '--verify', `${commit}^{commit}`)).trim()
  const folder = await mkdtemp(join(tmpdir(), 'ansflow-bench-commit-'))
  keep({
    async [Symbol.asyncDispose]() {
      await rm(folder, { recursive: true, force: true })
      await git('worktree', 'prune')
    },
  })
  const checkout = join(folder, 'checkout')
  await git('worktree', 'add', '--detach', checkout, id)
  const dev = ['scripts/dev.mjs', 'exec', 'pnpm', 'run', 'build']
  await step(`building ${commit}`, () => runCommand(process.execPath, dev, { cwd: checkout }))
  return checkout
}

/** `before` and `after` take turns, and in each round another one begins. */
export async function compare(one: Measurement, before: Context, after: Context, rounds: number): Promise<Compared[]> {
  const taken = { before: [] as Record<string, Reading>[], after: [] as Record<string, Reading>[] }
  for (let round = 0; round < rounds; round++) {
    const turns = [
      async () => taken.before.push(await take(one, before)),
      async () => taken.after.push(await take(one, after)),
    ]
    for (const turn of round % 2 === 0 ? turns : turns.toReversed()) await turn()
  }
  return compared(one, taken.before, taken.after)
}

/** Pure. */
export function compared(
  { name, figures }: Pick<Measurement, 'name' | 'figures'>,
  before: Record<string, Reading>[],
  after: Record<string, Reading>[],
): Compared[] {
  return Object.entries(figures).map(([figure, { what, unit }]) => {
    const values = (all: Record<string, Reading>[]) =>
      median(all.map((readings) => readings[figure]?.value ?? Number.NaN))
    const floors = [...before, ...after].flatMap((readings) => readings[figure]?.floor ?? [])
    const [was, is] = [values(before), values(after)]
    return {
      measurement: name,
      figure: what,
      unit,
      before: was,
      after: is,
      change: is / was,
      ...(floors.length > 0 && { floor: median(floors) }),
    }
  })
}
