// What every gRPC server has for tools and load balancers: reflection, and the health of each service. Open to everybody.
import { setTimeout as delay } from 'node:timers/promises'
import { AppError, canceled } from '@ansflow/proto/errors'
import { file_ansflow_v1_errors } from '@ansflow/proto/gen/ansflow/v1/errors_pb'
import { file_google_rpc_error_details } from '@ansflow/proto/gen/google/rpc/error_details_pb'
import { file_google_rpc_status } from '@ansflow/proto/gen/google/rpc/status_pb'
import {
  Health,
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as Serving,
} from '@ansflow/proto/gen/grpc/health/v1/health_pb'
import {
  ServerReflection,
  ServerReflectionRequestSchema,
  ServerReflectionResponseSchema,
} from '@ansflow/proto/gen/grpc/reflection/v1/reflection_pb'
import { create, type Message } from '@bufbuild/protobuf'
import type { Server, StatusObject, sendUnaryData } from '@grpc/grpc-js'
import type { ServiceTable } from './call.ts'
import { type BidiCall, definitionOf, messagesOf, read, type StreamCall, type UnaryCall, write } from './grpc-method.ts'
import { createReflection } from './grpc-reflection.ts'

export interface GrpcToolsDeps {
  tables: ServiceTable[]
  ready: () => Promise<boolean>
  stopping: AbortSignal
  statusOf(thrown: unknown): StatusObject
}

/** Older tools know reflection by this name; its messages are the same. */
const olderReflection = '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo'
const lookEveryMs = 1000

export function addGrpcTools(server: Server, { tables, ready, stopping, statusOf }: GrpcToolsDeps): void {
  const names = new Set([
    '',
    Health.typeName,
    ServerReflection.typeName,
    ...tables.map(({ service }) => service.typeName),
  ])
  const reflect = createReflection([
    ...tables.map(({ service }) => service.file),
    // Nothing imports what errors carry.
    file_ansflow_v1_errors,
    file_google_rpc_error_details,
    file_google_rpc_status,
    Health.file,
    ServerReflection.file,
  ])
  const { serverReflectionInfo } = ServerReflection.method
  for (const path of [undefined, olderReflection]) {
    server.addService(
      { serverReflectionInfo: definitionOf(serverReflectionInfo, path) },
      { serverReflectionInfo: (call: BidiCall) => void whileOpen(call, (signal) => explain(call, signal)) },
    )
  }
  const { check, watch } = Health.method
  server.addService(
    { check: definitionOf(check), watch: definitionOf(watch) },
    {
      check: (call: UnaryCall, answer: sendUnaryData<Message>) => void answerCheck(call, answer),
      watch: (call: StreamCall) => void whileOpen(call, (signal) => watchHealth(call, signal)),
    },
  )

  async function explain(call: BidiCall, signal: AbortSignal): Promise<void> {
    const answerAll = async () => {
      for await (const request of messagesOf(ServerReflectionRequestSchema, call)) {
        const answer = { validHost: request.host, originalRequest: request, messageResponse: reflect(request) }
        await write(call, create(ServerReflectionResponseSchema, answer), signal)
      }
    }
    await Promise.race([answerAll(), ended(signal)])
  }

  async function healthOf(service: string): Promise<Serving> {
    if (!names.has(service)) return Serving.SERVICE_UNKNOWN
    return !stopping.aborted && (await ready()) ? Serving.SERVING : Serving.NOT_SERVING
  }

  async function answerCheck(call: UnaryCall, answer: sendUnaryData<Message>): Promise<void> {
    try {
      const { service } = read(HealthCheckRequestSchema, call.request)
      const health = await healthOf(service)
      if (health === Serving.SERVICE_UNKNOWN) throw new AppError('not_found', 'There is no such service.')
      answer(null, create(HealthCheckResponseSchema, { status: health }))
    } catch (error) {
      answer(statusOf(error))
    }
  }

  async function watchHealth(call: StreamCall, signal: AbortSignal): Promise<void> {
    const { service } = read(HealthCheckRequestSchema, call.request)
    let told: Serving | undefined
    for (;;) {
      const health = await healthOf(service)
      if (health !== told) call.write(create(HealthCheckResponseSchema, { status: health }))
      told = health
      // Also once more when the controller begins to stop.
      signal.throwIfAborted()
      await Promise.race([delay(lookEveryMs, undefined, { ref: false }), ended(signal).catch(() => undefined)])
    }
  }

  async function whileOpen(call: StreamCall | BidiCall, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const gone = new AbortController()
    call.on('error', () => undefined)
    call.once('cancelled', () => gone.abort(canceled()))
    try {
      await work(AbortSignal.any([gone.signal, stopping]))
      call.end()
    } catch (error) {
      call.emit('error', statusOf(error))
    }
  }
}

/** Rejects when it aborts. */
function ended(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason)
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
