// A failed call's JSON in the Connect protocol.
import type { ErrorInfo } from '@ansflow/proto/gen/ansflow/v1/errors_pb'
import { toBinary, toJson } from '@bufbuild/protobuf'
import { detailsOf } from './error-details.ts'
import type { ErrorAnswer } from './error-info.ts'

export interface WireError {
  code?: string
  message?: string
  details?: unknown[]
}

export function connectErrorJson(code: string, { message, info }: ErrorAnswer): WireError {
  return { code, message, details: wireDetails(info) }
}

export function wireDetails(info: ErrorInfo) {
  return detailsOf(info).map(({ desc, value }) => ({
    type: desc.typeName,
    value: Buffer.from(toBinary(desc, value)).toString('base64').replace(/=+$/, ''),
    debug: toJson(desc, value),
  }))
}
