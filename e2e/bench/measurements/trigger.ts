import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipelineFile, quiet, runToEnd } from '../context.ts'
import { measurement } from '../measurement.ts'
import { now } from '../now.ts'
import { percentile } from '../statistics.ts'

export const trigger = measurement({
  name: 'trigger',
  what: 'From the call that starts a run until its step’s process runs; nothing else to do.',
  floor: '`sh -c date` from a small Node process.',
  figures: {
    p50: { what: 'p50', unit: 'ms', better: 'less', aim: { ratio: 3 } },
    p95: { what: 'p95', unit: 'ms', better: 'less' },
  },
  async run(context) {
    const system = await context.system()
    const file = join(context.folder, 'started')
    const yaml = pipelineFile('trigger', { stamp: { run: `date +%s%N > ${file}` } })
    const { pipelineId } = await system.pipeline(yaml)
    const samples: number[] = []
    const floors: number[] = []
    const rounds = context.times(5, 1)
    await runToEnd(system, pipelineId)
    for (let round = 0; round < rounds; round++) {
      await quiet(system)
      floors.push(...(await context.floor.stamps(context.times(20, 5))))
      for (let i = 0; i < context.times(20, 5); i++) {
        const began = now()
        await runToEnd(system, pipelineId)
        samples.push(Number(await readFile(file, 'utf8')) / 1e6 - began)
      }
    }
    return {
      p50: { value: percentile(samples, 0.5), floor: percentile(floors, 0.5) },
      p95: { value: percentile(samples, 0.95), floor: percentile(floors, 0.95) },
    }
  },
})
