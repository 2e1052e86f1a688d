// An error as a gRPC status: code, message, and the details in the trailer that gRPC clients read.
import { errorCodes } from '@ansflow/proto/errors'
import { StatusSchema } from '@ansflow/proto/gen/google/rpc/status_pb'
import { create, toBinary } from '@bufbuild/protobuf'
import { anyPack } from '@bufbuild/protobuf/wkt'
import { Metadata, type StatusObject } from '@grpc/grpc-js'
import type { Failure } from './call.ts'
import { trailerAnswer } from './error-details.ts'
import { retryAfterOf } from './error-info.ts'

export function grpcStatus(failure: Failure): StatusObject {
  const { message, info, details } = trailerAnswer(failure)
  const code = errorCodes[failure.error.code].grpc
  const packed = details.map(({ desc, value }) => anyPack(desc, value))
  const status = create(StatusSchema, { code, message, details: packed })
  const metadata = new Metadata()
  metadata.set('grpc-status-details-bin', Buffer.from(toBinary(StatusSchema, status)))
  metadata.set('x-request-id', info.requestId)
  const seconds = retryAfterOf(info)
  // What clients that try again by themselves wait for.
  if (seconds !== undefined) metadata.set('grpc-retry-pushback-ms', String(seconds * 1000))
  return { code, details: message, metadata }
}
