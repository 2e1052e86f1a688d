// Runs that ask for runs on two controllers: the one that has begun them is killed in between, and the other loses and doubles nothing.
import { WebhookService } from '@ansflow/proto/gen/ansflow/v1/webhooks_pb'
import { RunStatus } from '@ansflow/proto/status'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Cluster, startCluster } from '../setup/cluster.ts'
import { waitFor } from '../setup/wait-for.ts'

let cluster: Cluster
beforeAll(async () => {
  cluster = await startCluster()
}, 60_000)
afterAll(() => cluster?.[Symbol.asyncDispose]())

const callee = `name: callee
inputs: { n: { type: number } }
outputs: { n: "\${{ inputs.n }}" }
steps:
  a: { uses: wait, with: { duration: 500ms } }
`
const caller = `name: caller
on: { webhook: { delivery: x-delivery } }
steps:
  call:
    uses: pipeline
    matrix: { n: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], maxParallel: 4 }
    with: { pipeline: callee, inputs: { n: "\${{ matrix.n }}" } }
`
const after = `name: after
on: { run: caller }
steps:
  a: { uses: wait, with: { until: "2020-01-01T00:00:00Z" } }
`

test('steps, ends and deliveries start one run each when the controller that began them is killed', {
  timeout: 180_000,
}, async () => {
  const { first, second } = cluster
  const calleeId = (await first.pipeline(callee)).pipelineId
  const callerId = (await first.pipeline(caller)).pipelineId
  const afterId = (await first.pipeline(after)).pipelineId
  const { path } = await first.client(WebhookService).rotateWebhookSecret({ pipelineId: callerId })
  const deliver = async ({ url }: { url: string }, name: string) => {
    const headers = { 'content-type': 'application/json', 'x-delivery': name }
    return (await fetch(url + path, { method: 'POST', headers, body: '{}' })).status
  }
  expect(await deliver(first, 'one')).toBe(202)
  const started = [await first.start(callerId), await first.start(callerId)]
  const runsOf = async (pipelineId: string) => (await second.api.runs.listRuns({ pipelineId, pageSize: 200 })).runs
  await waitFor(async () => (await runsOf(calleeId)).length >= 3, { what: 'some runs have begun' })
  await first.killController()
  // Its sender has heard nothing, and sends it again.
  expect(await deliver(second, 'one')).toBe(200)
  await waitFor(async () => (await runsOf(callerId)).length === 3, { what: 'the delivery has started its run' })
  for (const runId of started) expect((await second.ended(runId)).status).toBe(RunStatus.SUCCEEDED)
  for (const { id } of await runsOf(callerId)) {
    const run = await second.ended(id)
    const outputs = run.steps.filter(({ copyOf }) => copyOf !== '').map((step) => step.outputs.n)
    expect(outputs).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
  }
  await waitFor(async () => (await runsOf(afterId)).length >= 3, { what: 'the ends have started runs' })
  await first.startController()
  await waitFor(async () => (await first.api.runs.listRuns({ pipelineId: afterId })).runs.length === 3, {
    what: 'the first controller is back and sees the same',
  })
  expect([(await runsOf(callerId)).length, (await runsOf(calleeId)).length]).toEqual([3, 30])
})
