// The details of an error: ours, and beside it those that clients of Google's error model read.
import { type ErrorInfo, ErrorInfoSchema } from '@ansflow/proto/gen/ansflow/v1/errors_pb'
import {
  BadRequestSchema,
  ErrorInfoSchema as GoogleErrorInfoSchema,
  RetryInfoSchema,
} from '@ansflow/proto/gen/google/rpc/error_details_pb'
import { create, type DescMessage, type Message, toBinary } from '@bufbuild/protobuf'
import { cut, type ErrorAnswer, retryAfterOf } from './error-info.ts'

export interface ErrorDetail {
  desc: DescMessage
  value: Message
}

const longestMetadata = 100

export function detailsOf(info: ErrorInfo): ErrorDetail[] {
  const { code, reason, params, violations } = info
  const details: ErrorDetail[] = [
    { desc: ErrorInfoSchema, value: info },
    {
      desc: GoogleErrorInfoSchema,
      value: create(GoogleErrorInfoSchema, {
        reason: (reason || code).toUpperCase(),
        domain: 'ansflow',
        metadata: Object.fromEntries(Object.entries(params).map(([name, text]) => [name, cut(text, longestMetadata)])),
      }),
    },
  ]
  if (violations.length > 0) {
    const fieldViolations = violations.map(({ field, message }) => ({ field, description: message }))
    details.push({ desc: BadRequestSchema, value: create(BadRequestSchema, { fieldViolations }) })
  }
  const seconds = retryAfterOf(info)
  if (seconds !== undefined) {
    const retryDelay = { seconds: BigInt(seconds) }
    details.push({ desc: RetryInfoSchema, value: create(RetryInfoSchema, { retryDelay }) })
  }
  return details
}

// Trailers share the 8 KiB that many gRPC clients allow for all headers of an answer, base64 and escapes included.
const longestTrailerMessage = 300
const longestTrailerDetails = 3600

export function trailerAnswer({ message, info }: ErrorAnswer): {
  message: string
  info: ErrorInfo
  details: ErrorDetail[]
} {
  const violations: ErrorInfo['violations'] = []
  const fitting = () => create(ErrorInfoSchema, { ...info, violations })
  for (const violation of info.violations) {
    violations.push(violation)
    if (sizeOf(detailsOf(fitting())) <= longestTrailerDetails) continue
    violations.pop()
    break
  }
  const answered = fitting()
  return { message: cut(message, longestTrailerMessage), info: answered, details: detailsOf(answered) }
}

function sizeOf(details: ErrorDetail[]): number {
  return details.reduce((total, { desc, value }) => total + toBinary(desc, value).length, 0)
}
