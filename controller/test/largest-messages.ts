// The gRPC door's part of the largest inputs: what an agent may say on its streams, and bytes that are many values.
import {
  AgentLinkService,
  HelloSchema,
  JobRefSchema,
  LogsRequestSchema,
} from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { ProjectService } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import { RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { limits } from '@ansflow/proto/limits'
import { create, type DescMethod, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { Client, credentials, Metadata } from '@grpc/grpc-js'
import type { Target } from './measured-controller.ts'

type Send = (target: Target) => Promise<unknown>

const mebibyte = 1024 * 1024
const asItIs = (bytes: Buffer) => bytes

async function onLink(
  { grpcAddress }: Target,
  token: string,
  use: (client: Client, metadata: Metadata) => Promise<void>,
): Promise<void> {
  const client = new Client(grpcAddress, credentials.createInsecure())
  const metadata = new Metadata()
  metadata.set('authorization', `Bearer ${token}`)
  try {
    await use(client, metadata)
  } finally {
    client.close()
  }
}

const pathOf = (method: DescMethod) => `/${method.parent.typeName}/${method.name}`

/** Sends all of it on one stream; until the other side has answered the last or ended it. */
function say(t: Target, method: DescMethod, messages: Uint8Array[], answers = 1): Promise<void> {
  return onLink(t, t.agentSecret, async (client, metadata) => {
    const call = client.makeBidiStreamRequest(pathOf(method), asItIs, asItIs, metadata)
    call.on('error', () => undefined)
    const ended = new Promise<void>((resolve) => call.on('status', () => resolve()))
    const heard = new Promise<void>((resolve) => {
      let left = answers
      call.on('data', () => --left === 0 && resolve())
    })
    for (const message of messages) call.write(Buffer.from(message))
    await Promise.race([heard, ended])
    call.cancel()
  })
}

function call(t: Target, method: DescMethod, message: Uint8Array): Promise<void> {
  return onLink(t, t.attacker.token, async (client, metadata) => {
    const wait = { deadline: Date.now() + 60_000 }
    await new Promise<void>((resolve) =>
      client.makeUnaryRequest(pathOf(method), asItIs, asItIs, Buffer.from(message), metadata, wait, () => resolve()),
    )
  })
}

/** A field of bytes, as many times as go into `size`. */
function repeated(no: number, value: Uint8Array, size: number): Uint8Array {
  const one = new BinaryWriter().tag(no, WireType.LengthDelimited).bytes(value).finish()
  return Buffer.concat(Array(Math.floor(size / one.length)).fill(one))
}

/** A message of one kind inside a control request. */
const control = (no: number, value: Uint8Array) =>
  new BinaryWriter().tag(no, WireType.LengthDelimited).bytes(value).finish()

const nothing = new Uint8Array()
const { control: controlMethod, logs } = AgentLinkService.method
const { hello, heartbeat, finished } = { hello: 1, heartbeat: 2, finished: 6 }
const full = 4 * mebibyte - 64
const helloOf = (value: MessageInitShape<typeof HelloSchema>) =>
  control(hello, toBinary(HelloSchema, create(HelloSchema, { slots: 2, version: '0.1.0', ...value })))
const refs = (count: number) => Array.from({ length: count }, (_, n) => ({ jobId: `job-${n}`, epoch: 1 }))
const ref = toBinary(JobRefSchema, create(JobRefSchema, { jobId: 'of nobody', epoch: 1 }))
const manyOutputs = Array.from({ length: 9_900 }, (_, n) =>
  control(6, Buffer.concat([control(1, Buffer.from(`o${n}`)), control(2, Buffer.from('v'))])),
)

export const agentInputs: Record<string, Send> = {
  'a hello of tiny jobs': (t) => say(t, controlMethod, [control(hello, repeated(6, nothing, full))]),
  'a hello of as many jobs as it may have': (t) =>
    say(t, controlMethod, [helloOf({ jobs: refs(limits.jobsOfAnAgent).map((job) => ({ job, phase: 2 })) })]),
  'a hello of finished jobs with outputs': (t) => {
    const outputs = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`output_${n}`, 'x'.repeat(240)]))
    const jobs = refs(90).map((job) => ({ job, phase: 3, finished: { job, outcome: 1, outputs } }))
    return say(t, controlMethod, [helloOf({ jobs })])
  },
  'a hello of tiny labels': (t) => say(t, controlMethod, [control(hello, repeated(3, nothing, full))]),
  'a heartbeat of tiny jobs': (t) =>
    say(t, controlMethod, [helloOf({}), control(heartbeat, repeated(2, nothing, full))], 2),
  'a heartbeat of as many jobs as it may have': (t) => {
    const jobs = Buffer.concat(
      refs(limits.jobsOfAnAgent).map(({ jobId }) => control(2, control(1, Buffer.from(jobId)))),
    )
    return say(t, controlMethod, [helloOf({}), control(heartbeat, jobs)], 2)
  },
  'an end with the largest outputs': (t) =>
    say(
      t,
      controlMethod,
      [
        helloOf({}),
        control(finished, Buffer.concat([control(1, ref), control(6, control(2, Buffer.alloc(full - 100, 'x')))])),
      ],
      2,
    ),
  'ends with very many outputs': (t) =>
    say(
      t,
      controlMethod,
      [helloOf({}), ...Array(4).fill(control(finished, Buffer.concat([control(1, ref), ...manyOutputs])))],
      5,
    ),
  'log of nothing but line ends': (t) =>
    say(
      t,
      logs,
      Array.from({ length: 20 }, () =>
        toBinary(
          LogsRequestSchema,
          create(LogsRequestSchema, {
            job: { jobId: t.jobId, epoch: 1 },
            data: Buffer.alloc(64 * 1024, '\n'),
            lineLengths: Array(65_536).fill(1),
            lineMs: Array(65_536).fill(100),
          }),
        ),
      ),
    ),
  'log of nothing but line times': (t) =>
    say(t, logs, [repeated(5, Buffer.alloc(mebibyte - 64, 1), mebibyte), repeated(4, nothing, mebibyte)]),
}

const { applyPipeline, validatePipeline } = PipelineService.method

export const grpcInputs: Record<string, Send> = {
  'a file of tiny texts': async (t) => {
    await call(t, validatePipeline, repeated(validatePipeline.input.field.yaml.number, nothing, 1.5 * mebibyte))
    await call(t, applyPipeline, repeated(applyPipeline.input.field.yaml.number, nothing, 1.5 * mebibyte))
  },
  'inputs of a run that are tiny': (t) =>
    call(
      t,
      RunService.method.startRun,
      repeated(RunService.method.startRun.input.field.inputs.number, nothing, 131_000),
    ),
  'a name as long as a request': (t) =>
    call(t, ProjectService.method.createProject, control(2, Buffer.alloc(64_000, 'x'))),
}
