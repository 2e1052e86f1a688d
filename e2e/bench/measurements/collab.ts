import { setTimeout as pause } from 'node:timers/promises'
import { collabFrame } from '@ansflow/proto/collab-frame'
import { projectShape, setStepField } from '@ansflow/proto/pipeline-doc'
import { WebSocket } from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { admin, type System } from '../../setup/system.ts'
import { waitFor } from '../../setup/wait-for.ts'
import { pipelineFile } from '../context.ts'
import { measurement } from '../measurement.ts'
import { now } from '../now.ts'
import { percentile } from '../statistics.ts'

export const collab = measurement({
  name: 'collab',
  what: 'Two clients without a browser in the document of a pipeline of 300 steps: from an edit by one until the other’s document has it.',
  figures: {
    p50: { what: 'p50', unit: 'ms', better: 'less' },
    p95: { what: 'p95', unit: 'ms', better: 'less' },
  },
  async run(context) {
    const system = await context.system()
    const { pipelineId } = await system.pipeline(rowsOf300('collab'))
    const [one, other] = [join(system, pipelineId), join(system, pipelineId)]
    try {
      await waitFor(() => one.link.synced && other.link.synced, { what: 'both have the document' })
      const step = projectShape(one.doc).graph.steps[0]?.nodeId ?? ''
      const samples: number[] = []
      for (let n = 0; n < context.times(200, 20); n++) {
        const seen = new Promise<number>((resolve) => other.doc.once('update', () => resolve(now())))
        const made = now()
        setStepField(one.doc, step, 'name', `n${n}`, origin)
        samples.push((await seen) - made)
        // As somebody who types.
        await pause(20)
      }
      setStepField(one.doc, step, 'name', '', origin)
      return { p50: { value: percentile(samples, 0.5) }, p95: { value: percentile(samples, 0.95) } }
    } finally {
      for (const { doc, link } of [one, other]) {
        link.destroy()
        doc.destroy()
      }
    }
  },
})

const origin = { user: 'bench' }

/** Five rows of 60 steps. */
export function rowsOf300(name: string): string {
  const steps = Array.from({ length: 300 }, (_, n) => [
    `s${n}`,
    { needs: n >= 5 ? [`s${n - 5}`] : [], run: `echo ${n}` },
  ])
  return pipelineFile(name, Object.fromEntries(steps))
}

function join({ url }: System, pipelineId: string) {
  class SignedSocket extends WebSocket {
    constructor(address: string, protocols?: string[]) {
      super(address, protocols, { headers: { authorization: `Bearer ${admin.token}` } })
    }
  }
  const doc = new Y.Doc()
  const options = { WebSocketPolyfill: SignedSocket as unknown as typeof globalThis.WebSocket, disableBc: true }
  const link = new WebsocketProvider(`${url.replace('http', 'ws')}/collab`, pipelineId, doc, options)
  link.messageHandlers[collabFrame] = () => undefined
  return { doc, link }
}
