import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isTerminal, StepStatus } from '@ansflow/proto/status'
import { waitFor } from '../../setup/wait-for.ts'
import { pipelineFile } from '../context.ts'
import { makeGate } from '../gate.ts'
import { LiveSocket } from '../live-socket.ts'
import { measurement } from '../measurement.ts'
import { percentile } from '../statistics.ts'

export const event = measurement({
  name: 'event',
  what: 'From the moment at which a step’s process runs until somebody who follows the run on /live hears that it does.',
  figures: {
    p50: { what: 'p50', unit: 'ms', better: 'less' },
    p95: { what: 'p95', unit: 'ms', better: 'less' },
  },
  async run(context) {
    const system = await context.system()
    const gate = await makeGate(context.folder)
    const stamps = join(context.folder, 'event-stamps')
    const { pipelineId } = await system.pipeline(stampedChain('event', gate.script, stamps, context.times(60, 10)))
    const heard = new Map<string, number>()
    let over = false
    await using live = await LiveSocket.open(system, {
      onEvent(kind, at) {
        if (kind.case !== 'run') return
        for (const { id, status } of kind.value.steps)
          if (status === StepStatus.RUNNING && !heard.has(id)) heard.set(id, at)
        over ||= isTerminal(kind.value.run?.status ?? 0)
      },
    })
    const runId = await system.start(pipelineId)
    await gate.reached()
    await live.subscribe(`run/${runId}`)
    await gate.open()
    await waitFor(() => over, { what: 'the run’s end was told', timeoutMs: 120_000 })
    const samples = [...(await readStamps(stamps))].map(([id, ran]) => (heard.get(id) ?? Number.NaN) - ran)
    if (samples.some(Number.isNaN)) throw new Error('Of some steps nobody was told that they run.')
    return { p50: { value: percentile(samples, 0.5) }, p95: { value: percentile(samples, 0.95) } }
  },
})

/** Steps one after the other, each noting in a file when it runs. They take a moment: one that ends at once is never told of as running. */
export function stampedChain(name: string, gate: string, stamps: string, length: number, seconds = 0.25): string {
  const run = `echo $ANSFLOW_STEP_ID $(date +%s%N) >> ${stamps}; sleep ${seconds}`
  const steps = Array.from({ length }, (_, n) => [`s${n}`, { run, needs: [n > 0 ? `s${n - 1}` : 'gate'] }])
  return pipelineFile(name, { gate: { run: gate }, ...Object.fromEntries(steps) })
}

/** By step, in milliseconds. */
export async function readStamps(file: string): Promise<Map<string, number>> {
  const lines = (await readFile(file, 'utf8')).trim().split('\n')
  return new Map(lines.map((line) => line.split(' ')).map(([id = '', at]) => [id, Number(at) / 1e6]))
}
