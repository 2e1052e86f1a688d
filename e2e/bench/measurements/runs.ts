import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { RunStatus } from '@ansflow/proto/status'
import { waitFor } from '../../setup/wait-for.ts'
import { pipelineFile, quiet } from '../context.ts'
import { measurement } from '../measurement.ts'
import { now } from '../now.ts'
import { median } from '../statistics.ts'

export const runs = measurement({
  name: 'runs',
  what: '200 runs (20 in short) of 3 steps `true` in a row, started at once on 8 slots: from the first call to the last run’s end.',
  floor: '`sh -c true`, 8 at a time, from a small Node process: a third of its rate.',
  figures: {
    rate: { what: 'rate', unit: 'runs/s', better: 'more', aim: { ratio: 0.8 }, aimOnDatabase: { ratio: 0.4 } },
  },
  async run(context) {
    const system = await context.system()
    const count = context.times(200, 20)
    const ends = join(context.folder, 'ends')
    const yaml = pipelineFile('runs', {
      a: { run: 'true' },
      b: { needs: ['a'], run: 'true' },
      c: { needs: ['b'], run: `echo >> ${ends}` },
    })
    const { pipelineId } = await system.pipeline(yaml)
    const rates: number[] = []
    const floors: number[] = []
    for (let round = 0; round < context.times(3, 1); round++) {
      await rm(ends, { force: true })
      await quiet(system)
      floors.push(1000 / (await context.floor.wide(count * 3, 8)).ms / 3)
      const began = now()
      await Promise.all(Array.from({ length: count }, () => system.start(pipelineId)))
      // The last steps say it themselves: asking the controller all the time would be work for it.
      const ended = async () => (await readFile(ends, 'utf8').catch(() => '')).length === count
      await waitFor(ended, { what: 'the last steps have run', everyMs: 5, timeoutMs: 300_000 })
      const unfinished = { pipelineId, statuses: [RunStatus.QUEUED, RunStatus.RUNNING], pageSize: 1 }
      const over = async () => (await system.api.runs.listRuns(unfinished)).runs.length === 0
      await waitFor(over, { what: 'the last run has ended', everyMs: 5, timeoutMs: 60_000 })
      rates.push((1000 * count) / (now() - began))
      await allSucceeded()
    }

    async function allSucceeded(): Promise<void> {
      const { runs } = await system.api.runs.listRuns({ pipelineId, pageSize: count })
      const good = runs.filter(({ status }) => status === RunStatus.SUCCEEDED)
      if (good.length !== count) throw new Error(`${good.length} of ${count} runs succeeded.`)
    }
    return { rate: { value: median(rates), floor: median(floors) } }
  },
})
