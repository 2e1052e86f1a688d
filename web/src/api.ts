// The controller's API, typed from the contract: one client a service, and every error as an ApiError.
import { AppError, type ErrorCode, errorCodes } from '@ansflow/proto/errors'
import { AgentService } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { AuthService } from '@ansflow/proto/gen/ansflow/v1/auth_pb'
import { ErrorInfoSchema } from '@ansflow/proto/gen/ansflow/v1/errors_pb'
import { LogService } from '@ansflow/proto/gen/ansflow/v1/logs_pb'
import { OrganizationService } from '@ansflow/proto/gen/ansflow/v1/organizations_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { ProjectService } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import { RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { Code, ConnectError, createClient, type Interceptor } from '@connectrpc/connect'
import { createConnectTransport } from '@connectrpc/connect-web'

/** What a call failed with. `requestId` finds it in the controller's log. */
export class ApiError extends AppError {
  readonly requestId: string

  constructor(code: ErrorCode, message: string, details: ConstructorParameters<typeof AppError>[2], requestId = '') {
    super(code, message, details)
    this.name = 'ApiError'
    this.requestId = requestId
  }

  /** The message of a form's field, if the error is about it. */
  violation(field: string): string | undefined {
    return this.violations.find((violation) => violation.field === field)?.message
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

let signedOut: () => void = () => {}

/** Called when a call is refused because the session has ended. */
export function onSignedOut(callback: () => void): void {
  signedOut = callback
}

/** Failing to sign in is an answer, not the end of a session. */
const withoutSession = new Set(['Login', 'GetMe', 'CompleteSetup', 'AcceptInvitation', 'GetInvitation', 'GetSetup'])

const errorsAsOurs: Interceptor = (next) => async (request) => {
  try {
    return await next(request)
  } catch (error) {
    const ours = toApiError(error)
    if (ours.code === 'unauthenticated' && !withoutSession.has(request.method.name)) signedOut()
    throw ours
  }
}

const transport = createConnectTransport({
  baseUrl: '/api',
  useBinaryFormat: false,
  fetch: (input, init) => fetch(input, { ...init, credentials: 'same-origin' }),
  interceptors: [errorsAsOurs],
})

export const api = {
  auth: createClient(AuthService, transport),
  organizations: createClient(OrganizationService, transport),
  projects: createClient(ProjectService, transport),
  pipelines: createClient(PipelineService, transport),
  runs: createClient(RunService, transport),
  logs: createClient(LogService, transport),
  agents: createClient(AgentService, transport),
}
