// Owns a controller for tests: a real gRPC server with the real contract, that stores logs as the real one must, obeys a
// script, and can be told to misbehave.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { zstdDecompressSync } from 'node:zlib'
import {
  type Accept,
  AgentLinkService,
  type ControlRequest,
  ControlResponseSchema,
  type Finished,
  type Hello,
  JobPhase,
  type JobRef,
  type JobSnapshot,
  type JobSpecSchema,
  type LogsRequest,
  LogsResponseSchema,
  Outcome,
  type RegisterRequest,
  RegisterResponseSchema,
  type SecretValueSchema,
  type Started,
} from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { logMessage } from '@ansflow/proto/limits'
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf'
import { timestampMs } from '@bufbuild/protobuf/wkt'
import { Server, ServerCredentials, type ServerDuplexStream, status } from '@grpc/grpc-js'

type Spec = MessageInitShape<typeof JobSpecSchema>
type Secret = MessageInitShape<typeof SecretValueSchema>
type ControlCall = ServerDuplexStream<ControlRequest, MessageShape<typeof ControlResponseSchema>>
type LogsCall = ServerDuplexStream<LogsRequest, MessageShape<typeof LogsResponseSchema>>

export interface FakeJob {
  ref: { jobId: string; epoch: number }
  spec: Spec
  secrets: Secret[]
  accepted: Accept[]
  rejected: string[]
  started: Started[]
  finished: Finished[]
  /** Its end is stored: when that is answered, at the latest. */
  hasEnded: boolean
  log: Buffer
  logComplete: boolean
  /** When each line of the log ended, in milliseconds since 1970. */
  lineTimes: number[]
  /** Messages about its log. */
  logMessages: number
  /** Those of them that were packed. */
  packedMessages: number
}

export interface Misbehavior {
  /** Offers are answered by silence instead of start. */
  noStart?: boolean
  /** Offers are their jobs' starts. */
  startsAtOnce?: boolean
  dropFinishedAcks?: number
  /** An empty log is not complete with the answer to its result. */
  wantsEmptyLogs?: boolean
  dropLogAcks?: number
  /** False: logs come as they are, as before there was another way. */
  takesPacked?: boolean
  duplicateOffers?: boolean
  heartbeatMs?: number
  lostAfterMs?: number
  silentHeartbeats?: boolean
  refuse?: boolean
  /** How the hello is answered instead of being welcomed. */
  helloError?: { code: status; details: string }
  /** Refuses identities that it has not given out itself. */
  knownSecretsOnly?: boolean
}

export interface FakeController {
  address: string
  jobs: Map<string, FakeJob>
  hellos: Hello[]
  registrations: RegisterRequest[]
  drainings: number
  /** Of the last heartbeat. */
  running: JobRef[]
  behavior: Misbehavior
  /** Called after every message of an agent. */
  onHeard: () => void
  offer(jobId: string, spec: Spec, secrets?: Secret[], epoch?: number): FakeJob
  send(message: MessageInitShape<typeof ControlResponseSchema>): void
  cancel(jobId: string): void
  /** Cuts every connection, in the middle of whatever is on its way. */
  cut(): void
  connected(): boolean
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const SECRET = 'agent-secret-0123456789'

/** Starts on a free port of this host. */
export async function startFakeController(
  port = 0,
  credentials = ServerCredentials.createInsecure(),
): Promise<FakeController> {
  const jobs = new Map<string, FakeJob>()
  const server = new Server({ 'grpc.max_receive_message_length': 64 * 1024 * 1024 })
  const proxy = createServer()
  const sockets: Socket[] = []
  const controls = new Set<ControlCall>()

  const fake: FakeController = {
    address: '',
    jobs,
    hellos: [],
    registrations: [],
    drainings: 0,
    running: [],
    behavior: {},
    onHeard: () => {},
    offer(jobId, spec, secrets = [], epoch = 1) {
      const job: FakeJob = {
        ref: { jobId, epoch },
        spec: { runId: 'run-1', stepId: 'step', attempt: 1, workspace: 'shared', ...spec },
        secrets,
        accepted: [],
        rejected: [],
        started: [],
        finished: [],
        hasEnded: false,
        log: Buffer.alloc(0),
        logComplete: false,
        lineTimes: [],
        logMessages: 0,
        packedMessages: 0,
      }
      jobs.set(jobId, job)
      const start = fake.behavior.startsAtOnce ? { start: true, secrets } : {}
      const offer = { kind: { case: 'offer' as const, value: { job: job.ref, spec: job.spec, ...start } } }
      fake.send(offer)
      if (fake.behavior.duplicateOffers) fake.send(offer)
      return job
    },
    send(message) {
      for (const call of controls) call.write(create(ControlResponseSchema, message))
    },
    cancel(jobId) {
      fake.send({ kind: { case: 'cancel', value: { job: jobs.get(jobId)!.ref } } })
    },
    cut() {
      for (const socket of sockets.splice(0)) socket.destroy()
    },
    connected: () => [...controls].some((call) => !call.cancelled),
    async close() {
      proxy.close()
      fake.cut()
      server.forceShutdown()
    },
    [Symbol.asyncDispose]: () => fake.close(),
  }

  function start(job: FakeJob): void {
    if (fake.behavior.noStart) return
    fake.send({ kind: { case: 'start', value: { job: job.ref, secrets: job.secrets } } })
  }
  const current = (ref: JobRef | undefined): FakeJob | undefined => {
    const job = ref && jobs.get(ref.jobId)
    return job?.ref.epoch === ref?.epoch ? job : undefined
  }
  /** Not its own to run, or an agent before it has told the end and sent the whole log. */
  const isNoMatter = ({ job: ref, phase }: JobSnapshot): boolean => {
    const job = current(ref)
    return !job || (phase !== JobPhase.FINISHED && job.hasEnded && job.logComplete)
  }

  function onControl(call: ControlCall): void {
    const stranger = !String(call.metadata.get('authorization')[0]).endsWith(SECRET)
    if (fake.behavior.refuse || (fake.behavior.knownSecretsOnly && stranger)) {
      call.emit(
        'error',
        Object.assign(new Error('unknown agent'), { code: status.UNAUTHENTICATED, details: 'unknown agent' }),
      )
      return
    }
    controls.add(call)
    const gone = () => controls.delete(call)
    call.on('close', gone).on('error', gone).on('cancelled', gone)
    const reply = (message: MessageInitShape<typeof ControlResponseSchema>) =>
      call.write(create(ControlResponseSchema, message))
    const finish = (finished: Finished) => {
      const job = current(finished.job)
      if (!job) return reply({ kind: { case: 'stale', value: { job: finished.job! } } })
      job.finished.push(finished)
      if ((fake.behavior.dropFinishedAcks ?? 0) > 0) {
        fake.behavior.dropFinishedAcks!--
        return
      }
      job.hasEnded = true
      const logComplete = finished.logSize === 0n && !fake.behavior.wantsEmptyLogs
      job.logComplete ||= logComplete
      return reply({ kind: { case: 'finishedAck', value: { job: finished.job!, logComplete } } })
    }
    call.on('data', ({ kind }: ControlRequest) => {
      if (kind.case === 'hello') {
        fake.hellos.push(kind.value)
        if (fake.behavior.helloError) {
          call.emit('error', Object.assign(new Error('refused'), fake.behavior.helloError))
          return
        }
        const forget = kind.value.jobs.filter((snapshot) => isNoMatter(snapshot)).map((snapshot) => snapshot.job!)
        reply({
          kind: {
            case: 'welcome',
            value: {
              agentId: 'agent-1',
              heartbeatMs: fake.behavior.heartbeatMs ?? 200,
              lostAfterMs: fake.behavior.lostAfterMs ?? 30_000,
              forget,
            },
          },
        })
        for (const snapshot of kind.value.jobs) {
          const job = current(snapshot.job)
          if (!job || isNoMatter(snapshot)) continue
          if (snapshot.finished) finish(snapshot.finished)
          else if (job.hasEnded) reply({ kind: { case: 'finishedAck', value: { job: job.ref } } })
          else start(job)
        }
      } else if (kind.case === 'heartbeat') {
        fake.running = kind.value.running
        if (!fake.behavior.silentHeartbeats) reply({ kind: { case: 'heartbeatAck', value: {} } })
      } else if (kind.case === 'accept') {
        const job = current(kind.value.job)
        if (!job) return reply({ kind: { case: 'stale', value: { job: kind.value.job! } } })
        job.accepted.push(kind.value)
        if (!kind.value.starts) start(job)
      } else if (kind.case === 'reject') jobs.get(kind.value.job!.jobId)?.rejected.push(kind.value.reason)
      else if (kind.case === 'started') current(kind.value.job)?.started.push(kind.value)
      else if (kind.case === 'finished') finish(kind.value)
      else if (kind.case === 'draining') fake.drainings++
    })
    call.on('data', () => fake.onHeard())
  }

  function onLogs(call: LogsCall): void {
    call.on('error', () => {})
    if (fake.behavior.takesPacked ?? true) call.write(create(LogsResponseSchema, { takesPacked: true }))
    call.on('data', (request: LogsRequest) => {
      const job = current(request.job)
      const reply = (message: MessageInitShape<typeof LogsResponseSchema>) =>
        call.write(create(LogsResponseSchema, { job: request.job!, ...message }))
      if (!job) return reply({ stale: true })
      job.logMessages++
      if (request.unpackedSize > 0) job.packedMessages++
      if (request.data.length > logMessage.dataBytes) throw new Error('a chunk is larger than the contract allows')
      unpack(request)
      const offset = Number(request.offset)
      const stored = job.log.length
      if (offset <= stored && offset + request.data.length > stored) {
        if (offset === stored) job.lineTimes.push(...timesOf(request))
        // Grows in place: a chunk must not cost a copy of all before it.
        job.log = appended(job.log, Buffer.from(request.data).subarray(stored - offset))
      }
      if (request.finalSize !== undefined && Number(request.finalSize) === job.log.length) {
        const sum = createHash('sha256').update(job.log).digest()
        if (!sum.equals(request.finalSha256)) throw new Error(`the log of ${job.ref.jobId} has another checksum`)
        job.logComplete = true
      }
      if ((fake.behavior.dropLogAcks ?? 0) > 0) {
        fake.behavior.dropLogAcks!--
        return
      }
      return reply({ stored: BigInt(job.log.length), complete: job.logComplete })
    })
    call.on('data', () => fake.onHeard())
  }

  const method = <I extends DescMessage, O extends DescMessage>(
    m: { name: string; input: I; output: O },
    stream: boolean,
  ) => ({
    path: `/${AgentLinkService.typeName}/${m.name}`,
    requestStream: stream,
    responseStream: stream,
    requestSerialize: (message: MessageShape<I>) => Buffer.from(toBinary(m.input, message)),
    requestDeserialize: (bytes: Buffer) => fromBinary(m.input, bytes),
    responseSerialize: (message: MessageShape<O>) => Buffer.from(toBinary(m.output, message)),
    responseDeserialize: (bytes: Buffer) => fromBinary(m.output, bytes),
  })
  server.addService(
    {
      register: method(AgentLinkService.method.register, false),
      control: method(AgentLinkService.method.control, true),
      logs: method(AgentLinkService.method.logs, true),
    },
    {
      register: (call: { request: RegisterRequest }, callback: (error: object | null, value?: object) => void) => {
        if (call.request.token !== 'good-token') {
          callback({ code: status.PERMISSION_DENIED, details: 'The registration token is unknown, used or expired.' })
          return
        }
        fake.registrations.push(call.request)
        callback(null, create(RegisterResponseSchema, { agentId: 'agent-1', agentSecret: SECRET }))
      },
      control: onControl,
      logs: onLogs,
    },
  )
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, value) => (error ? reject(error) : resolve(value)))
  })
  // Agents reach it through a relay, so that a connection can be cut like a cable.
  proxy.on('connection', (near) => {
    const far = connect(bound, '127.0.0.1')
    for (const [from, to] of [[near, far] as const, [far, near] as const]) {
      // Without it the relay would hold small frames back for the other side's acknowledgement: 40 ms a message.
      from.setNoDelay(true)
      from.pipe(to)
      from.on('error', () => to.destroy()).on('close', () => to.destroy())
    }
    sockets.push(near)
  })
  proxy.listen(port, '127.0.0.1')
  await once(proxy, 'listening')
  fake.address = `127.0.0.1:${(proxy.address() as AddressInfo).port}`
  return fake
}

/** As the contract says. */
function unpack(request: LogsRequest): void {
  const { unpackedSize } = request
  if (unpackedSize === 0) return
  request.data = zstdDecompressSync(request.data, { maxOutputLength: logMessage.unpackedBytes })
  if (request.data.length !== unpackedSize) throw new Error('a chunk stands for more or less than it says')
}

/** As the contract says. */
function timesOf({ data, lineMs, baseAt }: LogsRequest): number[] {
  const base = baseAt ? timestampMs(baseAt) : Number.NaN
  const ends = data.reduce((count, byte) => count + (byte === 10 ? 1 : 0), 0)
  return Array.from({ length: ends }, (_, line) => base + (lineMs[line] ?? lineMs.at(-1) ?? 0))
}

/** Buffers with room to spare, found again by their memory. */
function appended(log: Buffer, data: Buffer): Buffer {
  const end = log.byteOffset + log.length
  if (log.length > 0 && log.buffer.byteLength - end >= data.length) {
    Buffer.from(log.buffer).set(data, end)
    return Buffer.from(log.buffer, log.byteOffset, log.length + data.length)
  }
  const room = new ArrayBuffer(Math.max(64 * 1024, (log.length + data.length) * 2))
  const grown = Buffer.from(room)
  grown.set(log, 0)
  grown.set(data, log.length)
  return Buffer.from(room, 0, log.length + data.length)
}

export { Outcome }
