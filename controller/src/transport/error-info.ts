// An error as it travels: the taxonomy's words with their detail, never larger than an answer should be.
import type { AppError, FieldViolation } from '@ansflow/proto/errors'
import { type ErrorInfo, ErrorInfoSchema } from '@ansflow/proto/gen/ansflow/v1/errors_pb'
import { create } from '@bufbuild/protobuf'

export interface ErrorAnswer {
  message: string
  info: ErrorInfo
}

const longestMessage = 2000
const longestText = 500
const mostViolations = 200
/** Of what is only unavailable, unless somebody knows better. */
const retryAfterSeconds = '1'

/** What a request holds may stand in its error, so everything is cut. */
export function errorAnswer(error: AppError, requestId: string): ErrorAnswer {
  const params = error.code === 'unavailable' ? { retry_after: retryAfterSeconds, ...error.params } : error.params
  const info = create(ErrorInfoSchema, {
    code: error.code,
    reason: error.reason,
    violations: error.violations.slice(0, mostViolations).map(shortViolation),
    requestId,
    params: shortParams(params),
  })
  return { message: cut(error.message, longestMessage), info }
}

/** After how many seconds the same call is worth trying again. */
export function retryAfterOf({ params }: ErrorInfo): number | undefined {
  const text = params.retry_after ?? ''
  return /^\d{1,6}$/.test(text) ? Number(text) : undefined
}

function shortViolation({ field, message, code = '', params = {} }: FieldViolation): Required<FieldViolation> {
  return { field: cut(field, 200), message: cut(message, longestText), code, params: shortParams(params) }
}

function shortParams(params: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(params).map(([name, text]) => [name, cut(text, longestText)]))
}

export function cut(text: string, length: number): string {
  // Half a surrogate pair is no text.
  return text.length <= length ? text : `${text.slice(0, length).replace(/[\ud800-\udbff]$/, '')}…`
}
