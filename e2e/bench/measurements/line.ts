import { waitFor } from '../../setup/wait-for.ts'
import { pipelineFile, quiet } from '../context.ts'
import { makeGate } from '../gate.ts'
import { LiveSocket } from '../live-socket.ts'
import { measurement } from '../measurement.ts'
import { percentile } from '../statistics.ts'

export const line = measurement({
  name: 'line',
  what: 'From the moment at which a step prints a line until somebody who follows its log on /live has it; a line every 20 ms.',
  floor: 'The same lines from a shell by a pipe into a small Node process, and from there by TCP.',
  figures: {
    p50: { what: 'p50', unit: 'ms', better: 'less', aim: { value: 3 } },
    p95: { what: 'p95', unit: 'ms', better: 'less', aim: { value: 10 } },
  },
  async run(context) {
    const system = await context.system()
    const count = context.times(400, 50)
    const gate = await makeGate(context.folder)
    const tick = `i=0; while [ $i -lt ${count} ]; do date +%s%N; i=$((i + 1)); sleep 0.02; done`
    const script = `${gate.script}; ${tick}`
    const { pipelineId } = await system.pipeline(pipelineFile('line', { tick: { run: script } }))
    await quiet(system)
    const floors = await context.floor.lines(tick)
    const samples: number[] = []
    let rest = ''
    let complete = false
    await using live = await LiveSocket.open(system, {
      onChunk(chunk, at) {
        const parts = (rest + Buffer.from(chunk.data).toString()).split('\n')
        rest = parts.pop() ?? ''
        for (const part of parts) samples.push(at - Number(part) / 1e6)
        complete ||= chunk.complete
      },
    })
    const runId = await system.start(pipelineId)
    await gate.reached()
    await live.subscribe(`log/${runId}/tick/1`)
    await gate.open()
    await waitFor(() => complete, { what: 'the whole log came', timeoutMs: 120_000 })
    if (samples.length !== count) throw new Error(`${samples.length} of ${count} lines came.`)
    return {
      p50: { value: percentile(samples, 0.5), floor: percentile(floors, 0.5) },
      p95: { value: percentile(samples, 0.95), floor: percentile(floors, 0.95) },
    }
  },
})
