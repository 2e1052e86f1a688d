import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { System } from '../../setup/system.ts'
import { type Context, pipelineFile, quiet, runToEnd } from '../context.ts'
import { measurement, type Reading } from '../measurement.ts'
import { now } from '../now.ts'
import { median } from '../statistics.ts'

export const largeRun = measurement({
  name: 'large-run',
  what: 'A run of 10,000 steps (200 in short) in ten rows: from the call that starts it until its first process runs, and from there to its end.',
  floor: 'The same with 100 steps: what it costs that the run is large.',
  figures: {
    planned: { what: 'until its first process runs', unit: 'ms', better: 'less', aim: { value: 1000 } },
    step: { what: 'per step', unit: 'ms', better: 'less', aim: { ratio: 1.2 } },
  },
  run: (context) => besideSmall(context, {}),
})

export const lockedRun = measurement({
  name: 'locked-run',
  what: 'The same run in a group of its own, each of its steps with a lock of its row and one that five of the ten rows have at once.',
  floor: 'The same with 100 steps: what it costs that the run is large.',
  figures: {
    planned: { what: 'until its first process runs', unit: 'ms', better: 'less', aim: { value: 1000 } },
    step: { what: 'per step', unit: 'ms', better: 'less', aim: { ratio: 1.2 } },
  },
  run: (context) =>
    besideSmall(context, {
      concurrency: 'bench',
      locksOf: (row) => [`row ${row}`, { name: 'some of all', limit: 5 }],
    }),
})

interface Guards {
  /** The group of the run. */
  concurrency?: string
  locksOf?: (row: number) => unknown[]
}

async function besideSmall(context: Context, guards: Guards): Promise<Record<'planned' | 'step', Reading>> {
  const system = await context.system()
  const first = join(context.folder, 'first')
  const small = await rows(system, { length: 100, first, guards })
  const large = await rows(system, { length: context.times(10_000, 200), first, guards })
  const before = await repeated(small, context.times(5, 1))
  const taken = await large()
  const all = [...before, ...(await repeated(small, context.times(5, 1)))]
  return {
    planned: { value: taken.planned, floor: median(all.map(({ planned }) => planned)) },
    step: { value: taken.step, floor: median(all.map(({ step }) => step)) },
  }
}

interface Taken {
  planned: number
  step: number
}

async function repeated(run: () => Promise<Taken>, times: number): Promise<Taken[]> {
  const all: Taken[] = []
  for (let n = 0; n < times; n++) all.push(await run())
  return all
}

async function rows(
  system: System,
  { length, first, guards: { concurrency, locksOf } }: { length: number; first: string; guards: Guards },
): Promise<() => Promise<Taken>> {
  const steps = Array.from({ length }, (_, n) => {
    const run = n < 10 ? `[ -e ${first} ] || date +%s%N > ${first}` : 'true'
    return [`s${n}`, { run, needs: n < 10 ? [] : [`s${n - 10}`], ...(locksOf && { locks: locksOf(n % 10) }) }]
  })
  const settings = concurrency ? { concurrency: { group: concurrency } } : {}
  const { pipelineId } = await system.pipeline(pipelineFile(`rows ${length}`, Object.fromEntries(steps), settings))
  return async () => {
    await rm(first, { force: true })
    await quiet(system)
    const began = now()
    await runToEnd(system, pipelineId)
    const ended = now()
    const ran = Number(await readFile(first, 'utf8')) / 1e6
    return { planned: ran - began, step: (ended - ran) / length }
  }
}
