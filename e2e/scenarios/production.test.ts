// MariaDB, NATS and two controllers: what one starts the other runs, and people on either see the same.
import { once } from 'node:events'
import { LiveResponseSchema } from '@ansflow/proto/gen/ansflow/v1/live_pb'
import type { Run } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { RunStatus } from '@ansflow/proto/status'
import { fromJson, type JsonValue } from '@bufbuild/protobuf'
import { afterAll, beforeAll, expect, test } from 'vitest'
import WebSocket from 'ws'
import { type Cluster, startCluster } from '../setup/cluster.ts'
import { admin, type System } from '../setup/system.ts'
import { waitFor } from '../setup/wait-for.ts'

let cluster: Cluster
let first: System
let second: System

beforeAll(async () => {
  cluster = await startCluster()
  first = cluster.first
  second = cluster.second
})
afterAll(() => cluster?.[Symbol.asyncDispose]())

test('a run started on one controller goes to the agent of the other and is watched live on both', async () => {
  const { pipelineId } = await second.pipeline(
    'name: two\nsteps:\n  a: { run: echo from a }\n  b: { needs: [a], run: echo from b }\n',
  )
  const seen = new Map<System, number[]>([
    [first, []],
    [second, []],
  ])
  const runId = await second.start(pipelineId)
  const sockets = []
  for (const [system, seqs] of seen) {
    const socket = new WebSocket(`${system.url.replace('http', 'ws')}/live`, {
      headers: { authorization: `Bearer ${admin.token}`, origin: system.url },
    })
    sockets.push(socket)
    await once(socket, 'open')
    socket.on('message', (data: Buffer) => {
      const { kind } = fromJson(LiveResponseSchema, JSON.parse(data.toString()) as JsonValue)
      if (kind.case === 'run') seqs.push(kind.value.seq)
    })
    socket.send(JSON.stringify({ subscribe: { topic: `run/${runId}` } }))
  }
  const run = await second.ended(runId)
  expect(RunStatus[run.status]).toBe('SUCCEEDED')
  expect(await first.wholeLog(runId, 'b')).toBe('from b\n')
  // That a log is whole is told, too, if need be after the run's end.
  const isWhole = ({ steps }: Run) => steps.every((step) => step.attempts.every(({ logComplete }) => logComplete))
  const last = await waitFor(async () => [await second.run(runId)].find(isWhole), { what: 'its logs are whole' })
  const all = Array.from({ length: last.seq }, (_, i) => i + 1)
  for (const seqs of seen.values()) await waitFor(() => seqs.length >= all.length, { what: 'both saw every event' })
  expect([...seen.values()]).toEqual([all, all])
  for (const socket of sockets) socket.close()
})

test('a cancel on one controller reaches the agent of the other', async () => {
  const { pipelineId } = await second.pipeline('name: long\nsteps:\n  a: { run: "echo ready; sleep 600" }\n')
  const runId = await second.start(pipelineId)
  await waitFor(async () => (await second.log(runId, 'a').catch(() => '')).includes('ready'), { what: 'the step runs' })
  await second.api.runs.cancelRun({ runId })
  expect(RunStatus[(await second.ended(runId)).status]).toBe('CANCELED')
})

test('a controller that is killed loses nothing: the other still answers, and the run ends when the first is back', async () => {
  const { pipelineId } = await second.pipeline(
    'name: survivor\nsteps:\n  a: { run: "for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.3; done" }\n  b: { needs: [a], run: echo b }\n',
  )
  const runId = await second.start(pipelineId)
  await waitFor(async () => (await second.log(runId, 'a').catch(() => '')).includes('2'), { what: 'the step runs' })
  await first.killController()
  expect((await second.run(runId)).id).toBe(runId)
  await first.startController()
  const run = await second.ended(runId)
  expect(RunStatus[run.status]).toBe('SUCCEEDED')
  expect(run.steps.map((step) => step.attempts.length)).toEqual([1, 1])
  expect(await second.wholeLog(runId, 'a')).toBe('1\n2\n3\n4\n5\n6\n7\n8\n')
})
