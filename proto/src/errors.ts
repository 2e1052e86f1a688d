// The one taxonomy of errors: what features throw, and how each travels on gRPC and HTTP.
import { saidText } from './texts/said-text.ts'
import type { Said } from './texts/say.ts'

export type ErrorCode =
  | 'invalid_argument'
  | 'unauthenticated'
  | 'permission_denied'
  | 'not_found'
  | 'already_exists'
  | 'failed_precondition'
  | 'aborted'
  | 'resource_exhausted'
  | 'unimplemented'
  | 'unavailable'
  | 'deadline_exceeded'
  | 'canceled'
  | 'internal'

/** Numeric gRPC status (Connect uses the same numbers) and HTTP status. */
export const errorCodes: Record<ErrorCode, { grpc: number; http: number }> = {
  canceled: { grpc: 1, http: 499 },
  invalid_argument: { grpc: 3, http: 400 },
  deadline_exceeded: { grpc: 4, http: 504 },
  not_found: { grpc: 5, http: 404 },
  already_exists: { grpc: 6, http: 409 },
  permission_denied: { grpc: 7, http: 403 },
  resource_exhausted: { grpc: 8, http: 429 },
  failed_precondition: { grpc: 9, http: 400 },
  aborted: { grpc: 10, http: 409 },
  unimplemented: { grpc: 12, http: 404 },
  internal: { grpc: 13, http: 500 },
  unavailable: { grpc: 14, http: 503 },
  unauthenticated: { grpc: 16, http: 401 },
}

export interface FieldViolation {
  /** Path in the request, proto names: "inputs.version", "steps[2].needs". */
  field: string
  message: string
  /** What the message says, where it is one of the sentences about pipelines: consoles translate by it. */
  code?: string
  params?: Record<string, string>
}

export function violation(field: string, said: Said): FieldViolation {
  return { field, message: saidText(said), code: said.code, params: { ...said.params } }
}

interface AppErrorDetails {
  /** Stable word for consoles to translate by, e.g. "slug_taken". */
  reason?: string
  violations?: FieldViolation[]
  /** Values for the translated text. */
  params?: Record<string, string>
  cause?: unknown
}

/** An error with a place in the taxonomy. Its message is for people and safe to send. */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly reason: string
  readonly violations: FieldViolation[]
  readonly params: Record<string, string>

  constructor(code: ErrorCode, message: string, details: AppErrorDetails = {}) {
    super(message, { cause: details.cause })
    this.name = 'AppError'
    this.code = code
    this.reason = details.reason ?? ''
    this.violations = details.violations ?? []
    this.params = details.params ?? {}
  }
}

/** The request is wrong at these fields. */
export function invalid(violations: FieldViolation[], reason?: string): AppError {
  const message = violations.map((v) => (v.field ? `${v.field}: ${v.message}` : v.message)).join('; ')
  return new AppError('invalid_argument', message, reason === undefined ? { violations } : { violations, reason })
}

export function invalidField(field: string, message: string, reason?: string): AppError {
  return invalid([{ field, message }], reason)
}

/** `noun` is a word of the design ("project"); the answer is the same whether it does not exist or may not be seen. */
export function notFound(noun: string, id: string): AppError {
  return new AppError('not_found', `There is no ${noun} ${JSON.stringify(id)} that you may see.`, {
    reason: `${noun}_not_found`,
    params: { id },
  })
}

export function forbidden(permission: string): AppError {
  return new AppError('permission_denied', `This needs the permission ${permission}. An owner can grant it.`, {
    reason: 'permission_missing',
    params: { permission },
  })
}

export function unauthenticated(message = 'Sign in, or send a valid API token.'): AppError {
  return new AppError('unauthenticated', message)
}

export function conflict(reason: string, message: string, params: Record<string, string> = {}): AppError {
  return new AppError('already_exists', message, { reason, params })
}

export function precondition(reason: string, message: string, params: Record<string, string> = {}): AppError {
  return new AppError('failed_precondition', message, { reason, params })
}

/** Worth trying again, after this many seconds. */
export function unavailable(message: string, cause?: unknown, retryAfterSeconds = 1): AppError {
  return new AppError('unavailable', message, { cause, params: { retry_after: String(retryAfterSeconds) } })
}

/** What calls end with when the controller stops under them. */
export function stops(): AppError {
  return unavailable('The controller stops.')
}

export function deadlineExceeded(): AppError {
  return new AppError('deadline_exceeded', 'The deadline of the call has passed.')
}

export function canceled(): AppError {
  return new AppError('canceled', 'The caller has gone.')
}

/** Anything caught becomes an AppError; what is not one becomes `internal`, whose text says nothing of the inside. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error
  return new AppError('internal', 'Something went wrong on the server.', { cause: error })
}
