// An error as a gRPC status: code, message, and our detail in the trailer that gRPC clients read.
import { errorCodes } from '@ansflow/proto/errors'
import { type ErrorInfo, ErrorInfoSchema } from '@ansflow/proto/gen/ansflow/v1/errors_pb'
import { toBinary } from '@bufbuild/protobuf'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { Metadata, type StatusObject } from '@grpc/grpc-js'
import type { Failure } from './call.ts'
import { trailerAnswer } from './error-info.ts'

export function grpcStatus(failure: Failure): StatusObject {
  const { message, info } = trailerAnswer(failure)
  const code = errorCodes[failure.error.code].grpc
  const metadata = new Metadata()
  metadata.set('grpc-status-details-bin', statusDetails(code, message, info))
  metadata.set('x-request-id', info.requestId)
  return { code, details: message, metadata }
}

/** google.rpc.Status with one detail, as gRPC clients expect it in the trailer. */
function statusDetails(code: number, message: string, info: ErrorInfo): Buffer {
  const detail = new BinaryWriter()
    .tag(1, WireType.LengthDelimited)
    .string(`type.googleapis.com/${ErrorInfoSchema.typeName}`)
    .tag(2, WireType.LengthDelimited)
    .bytes(toBinary(ErrorInfoSchema, info))
    .finish()
  const status = new BinaryWriter()
    .tag(1, WireType.Varint)
    .int32(code)
    .tag(2, WireType.LengthDelimited)
    .string(message)
    .tag(3, WireType.LengthDelimited)
    .bytes(detail)
    .finish()
  return Buffer.from(status)
}
