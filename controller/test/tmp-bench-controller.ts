import { startController } from './start-controller.ts'
import { createRunDriver } from '../src/features/runs/index.ts'
import { AgentService } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { PipelineGraphSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create } from '@bufbuild/protobuf'
import { uuidv7 } from '../src/platform/ids.ts'
const c = await startController({ file: true })
const { token } = await c.as(c.owner).client(AgentService).createRegistrationToken({ organizationId: c.owner.organizationId })
const driver = createRunDriver({ db: c.db, bus: c.bus, clock: c.clock, log: c.controller.log })
const projectId = await c.addProject()
const run = await driver.start({ organizationId: c.owner.organizationId, projectId, projectSlug: 'p', pipelineId: uuidv7(), pipelineName: 'x', version: 1,
  graph: create(PipelineGraphSchema, { steps: [{ id: 'a', uses: 'custom' }] }), inputs: {}, startedBy: { id: c.owner.userId, name: 'o' } })
let max = 0
setInterval(() => { max = Math.max(max, process.memoryUsage.rss()) }, 50)
process.send!({ grpc: c.grpcAddress, url: c.url, token, api: c.owner.token, runId: run.id, rss: process.memoryUsage.rss() })
process.on('message', async (m) => {
  if (m === 'rss') process.send!({ rss: process.memoryUsage.rss(), max })
  if (m === 'stop') { await driver.stop(); await c[Symbol.asyncDispose](); process.exit(0) }
})
