// An error as it travels: the taxonomy's words with their detail, never larger than an answer should be.
import type { AppError, FieldViolation } from '@ansflow/proto/errors'
import { type ErrorInfo, ErrorInfoSchema } from '@ansflow/proto/gen/ansflow/v1/errors_pb'
import { create, toBinary } from '@bufbuild/protobuf'

export interface ErrorAnswer {
  message: string
  info: ErrorInfo
}

const longestMessage = 2000
const longestText = 500
const mostViolations = 200

/** What a request holds may stand in its error, so everything is cut. */
export function errorAnswer(error: AppError, requestId: string): ErrorAnswer {
  const info = create(ErrorInfoSchema, {
    code: error.code,
    reason: error.reason,
    violations: error.violations.slice(0, mostViolations).map(shortViolation),
    requestId,
    params: Object.fromEntries(Object.entries(error.params).map(([name, text]) => [name, cut(text, longestText)])),
  })
  return { message: cut(error.message, longestMessage), info }
}

// Trailers share the 8 KiB that many gRPC clients allow for all headers of an answer, base64 and escapes included.
const longestTrailerMessage = 300
const longestTrailerInfo = 3000

export function trailerAnswer({ message, info }: ErrorAnswer): ErrorAnswer {
  const violations: ErrorInfo['violations'] = []
  const fitting = () => create(ErrorInfoSchema, { ...info, violations })
  for (const violation of info.violations) {
    violations.push(violation)
    if (toBinary(ErrorInfoSchema, fitting()).length <= longestTrailerInfo) continue
    violations.pop()
    break
  }
  return { message: cut(message, longestTrailerMessage), info: fitting() }
}

function shortViolation({ field, message }: FieldViolation): FieldViolation {
  return { field: cut(field, 200), message: cut(message, longestText) }
}

function cut(text: string, length: number): string {
  // Half a surrogate pair is no text.
  return text.length <= length ? text : `${text.slice(0, length).replace(/[\ud800-\udbff]$/, '')}…`
}
