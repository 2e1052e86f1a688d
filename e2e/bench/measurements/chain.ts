import { pipelineFile } from '../context.ts'
import { measurement } from '../measurement.ts'
import { processorFigures, processorReadings, work } from './work.ts'

const length = 50

export const chain = measurement({
  name: 'chain',
  what: 'A run of 50 steps `true`, each after the one before, from the call that starts it to its end.',
  floor: '50 times `sh -c true`, one after the other, from a small Node process.',
  figures: {
    step: { what: 'per step', unit: 'ms', better: 'less', aim: { ratio: 2.5 } },
    ...processorFigures,
  },
  async run(context) {
    const system = await context.system()
    const steps = Array.from({ length }, (_, n) => [`s${n}`, { run: 'true', needs: n > 0 ? [`s${n - 1}`] : [] }])
    const { pipelineId } = await system.pipeline(pipelineFile('chain', Object.fromEntries(steps)))
    const floor = () => context.floor.sequence(length)
    const taken = await work(system, pipelineId, { rounds: context.times(7, 2), steps: length, floor })
    return { step: { value: taken.ms, floor: taken.floorMs }, ...processorReadings(taken) }
  },
})
