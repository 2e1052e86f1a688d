// What a call failed with, as every part of the console sees it.
import { AppError, type ErrorCode, errorCodes, type FieldViolation } from '@ansflow/proto/errors'
import { ErrorInfoSchema } from '@ansflow/proto/gen/ansflow/v1/errors_pb'
import { Code, ConnectError } from '@connectrpc/connect'

/** What a call failed with. `requestId` finds it in the controller's log. */
export class ApiError extends AppError {
  readonly requestId: string

  constructor(code: ErrorCode, message: string, details: ConstructorParameters<typeof AppError>[2], requestId = '') {
    super(code, message, details)
    this.name = 'ApiError'
    this.requestId = requestId
  }

  /** What is wrong with a form's field, if the error is about it. */
  violation(field: string): FieldViolation | undefined {
    return this.violations.find((violation) => violation.field === field)
  }
}

const codeNames = new Map<number, ErrorCode>(
  Object.entries(errorCodes).map(([name, { grpc }]) => [grpc, name as ErrorCode]),
)

/** Anything a call threw. A connection that cannot be made is `unavailable`. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  const connect = ConnectError.from(error, Code.Unavailable)
  const info = connect.findDetails(ErrorInfoSchema)[0]
  const code = codeNames.get(connect.code) ?? 'internal'
  return new ApiError(
    code,
    connect.rawMessage,
    { reason: info?.reason ?? '', violations: info?.violations ?? [], params: info?.params ?? {}, cause: error },
    info?.requestId || connect.metadata.get('x-request-id') || '',
  )
}
