// The largest that the controller is asked to say: a run of 10,000 steps and its pipeline, and lists of runs, through every door.
import { once } from 'node:events'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { type Client, createClient, type Interceptor, type Transport } from '@connectrpc/connect'
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node'
import { WebSocket } from 'ws'
import type { Target } from './measured-controller.ts'

type Send = (target: Target) => Promise<unknown>

const doors: Record<string, (target: Target, interceptors: Interceptor[]) => Transport> = {
  'HTTP in JSON': ({ url }, interceptors) =>
    createConnectTransport({ baseUrl: `${url}/api`, httpVersion: '1.1', useBinaryFormat: false, interceptors }),
  'HTTP in bytes': ({ url }, interceptors) =>
    createConnectTransport({ baseUrl: `${url}/api`, httpVersion: '1.1', useBinaryFormat: true, interceptors }),
  'gRPC-Web': ({ url }, interceptors) =>
    createGrpcWebTransport({ baseUrl: `${url}/api`, httpVersion: '1.1', interceptors }),
  gRPC: ({ grpcAddress }, interceptors) => createGrpcTransport({ baseUrl: `http://${grpcAddress}`, interceptors }),
}

const answers: Record<string, (t: Target, runs: Client<typeof RunService>, transport: Transport) => Promise<unknown>> =
  {
    'a run of 10,000 steps': async ({ largest }, runs) => {
      const { run, graph } = await runs.getRun({ runId: largest.runId })
      if (run?.steps.length !== 10_000 || graph?.steps.length !== 10_000) throw new Error('It is not all there.')
    },
    'the events of a run of 10,000 steps': async ({ largest }, runs) => {
      const ids = new Set<string>()
      for await (const event of runs.watchRun({ runId: largest.runId })) for (const { id } of event.steps) ids.add(id)
      if (ids.size !== 10_000) throw new Error('It is not all there.')
    },
    'what has happened to a run of 10,000 steps': async ({ largest }, runs) => {
      const ids = new Set<string>()
      for (let pageToken = ''; ; ) {
        const { events, nextPageToken } = await runs.listRunEvents({ runId: largest.runId, pageToken, pageSize: 200 })
        for (const { id } of events) ids.add(id)
        if (nextPageToken === '') break
        pageToken = nextPageToken
      }
      if (!ids.has('started')) throw new Error('It is not all there.')
    },
    'a version of 10,000 steps': async ({ largest }, _runs, transport) => {
      const pipelines = createClient(PipelineService, transport)
      const { graph } = await pipelines.getPipeline({ pipelineId: largest.pipelineId, version: 1 })
      if (graph?.steps.length !== 10_000) throw new Error('It is not all there.')
    },
    'a draft of 10,000 steps': async ({ largest }, _runs, transport) => {
      const pipelines = createClient(PipelineService, transport)
      const { graph } = await pipelines.getPipeline({ pipelineId: largest.pipelineId })
      if (graph?.steps.length !== 10_000) throw new Error('It is not all there.')
    },
    'a page of runs with large inputs': async ({ largest }, runs) => {
      const { runs: page } = await runs.listRuns({ pipelineId: largest.inputsPipelineId, pageSize: 200 })
      if (page.length !== largest.inputsRuns) throw new Error('It is not all there.')
    },
  }

async function follow({ url, attacker, largest }: Target): Promise<void> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/live`, {
    headers: { authorization: `Bearer ${attacker.token}` },
    localAddress: '127.0.0.2',
  })
  await once(socket, 'open')
  socket.send(JSON.stringify({ subscribe: { topic: `run/${largest.runId}` } }))
  await new Promise<void>((resolve, reject) => {
    socket.on('close', () => reject(new Error('The socket was closed.')))
    socket.on('message', (data: Buffer) => {
      const { seq = 0 } = JSON.parse(data.toString()) as { seq?: number }
      if (seq >= largest.seq) resolve()
    })
  })
  socket.terminate()
}

export const answerInputs: Record<string, Send> = {
  ...Object.fromEntries(
    Object.entries(doors).flatMap(([door, transportTo]) =>
      Object.entries(answers).map(([what, ask]) => [
        `${what} by ${door}`,
        (t: Target) => {
          const transport = transportTo(t, [
            (next) => (request) => {
              request.header.set('authorization', `Bearer ${t.attacker.token}`)
              return next(request)
            },
          ])
          return ask(t, createClient(RunService, transport), transport)
        },
      ]),
    ),
  ),
  'the events of a run of 10,000 steps on /live': follow,
}
