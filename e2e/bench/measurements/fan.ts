import { pipelineFile } from '../context.ts'
import { measurement } from '../measurement.ts'
import { processorFigures, processorReadings, work } from './work.ts'

export const fan = measurement({
  name: 'fan',
  what: 'A run of one step, 500 after it (50 in short) and one after them, all `true`, on 8 slots.',
  floor: 'As many times `sh -c true`, 8 at a time, from a small Node process.',
  figures: {
    rate: { what: 'rate', unit: 'steps/s', better: 'more', aim: { ratio: 0.85 } },
    ...processorFigures,
  },
  async run(context) {
    const system = await context.system()
    const width = context.times(500, 50)
    const leaves = Array.from({ length: width }, (_, n) => `s${n}`)
    const yaml = pipelineFile('fan', {
      first: { run: 'true' },
      ...Object.fromEntries(leaves.map((leaf) => [leaf, { needs: ['first'], run: 'true' }])),
      last: { needs: leaves, run: 'true' },
    })
    const { pipelineId } = await system.pipeline(yaml)
    const steps = width + 2
    const floor = () => context.floor.wide(steps, 8)
    const taken = await work(system, pipelineId, { rounds: context.times(5, 1), steps, floor })
    return { rate: { value: 1000 / taken.ms, floor: 1000 / taken.floorMs }, ...processorReadings(taken) }
  },
})
