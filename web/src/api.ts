// The controller's API, typed from the contract: one client a service, and every error as an ApiError.

import { AgentService } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { ApprovalService } from '@ansflow/proto/gen/ansflow/v1/approvals_pb'
import { AuthService } from '@ansflow/proto/gen/ansflow/v1/auth_pb'
import { BadgeService } from '@ansflow/proto/gen/ansflow/v1/badges_pb'
import { ChainService } from '@ansflow/proto/gen/ansflow/v1/chains_pb'
import { ConnectionService } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import { DeliveryService } from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import { DeploymentService } from '@ansflow/proto/gen/ansflow/v1/deployments_pb'
import { EnvironmentService } from '@ansflow/proto/gen/ansflow/v1/environments_pb'
import { ExplainService } from '@ansflow/proto/gen/ansflow/v1/explain_pb'
import { LogService } from '@ansflow/proto/gen/ansflow/v1/logs_pb'
import { MemberService } from '@ansflow/proto/gen/ansflow/v1/members_pb'
import { OrganizationService } from '@ansflow/proto/gen/ansflow/v1/organizations_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { ProjectService } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import { ProposalService } from '@ansflow/proto/gen/ansflow/v1/proposals_pb'
import { ReportService } from '@ansflow/proto/gen/ansflow/v1/reports_pb'
import { RepositoryService } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import { RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { ScheduleService } from '@ansflow/proto/gen/ansflow/v1/schedules_pb'
import { SecretService } from '@ansflow/proto/gen/ansflow/v1/secrets_pb'
import { VariableService } from '@ansflow/proto/gen/ansflow/v1/variables_pb'
import { WebhookService } from '@ansflow/proto/gen/ansflow/v1/webhooks_pb'
import type { DescMethod, DescService } from '@bufbuild/protobuf'
import { type CallOptions, type Client, Code, ConnectError, createClient } from '@connectrpc/connect'
import { createConnectTransport } from '@connectrpc/connect-web'
import { ApiError, toApiError } from './api-error.ts'

export { ApiError, toApiError }

let signedOut: () => void = () => {}

/** Called when a call is refused because the session has ended. */
export function onSignedOut(callback: () => void): void {
  signedOut = callback
}

/** The live connection hears of it without a call. */
export function sessionEnded(): void {
  signedOut()
}

/** Failing to sign in is an answer, not the end of a session. */
const withoutSession = new Set(['Login', 'GetMe', 'CompleteSetup', 'AcceptInvitation', 'GetInvitation', 'GetSetup'])

/** The browser says TypeError for "no connection"; the library would call that an error of the server. */
async function reach(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  try {
    return await fetch(input, { ...init, credentials: 'same-origin' })
  } catch (error) {
    if (init?.signal?.aborted) throw error
    throw new ConnectError('The server cannot be reached.', Code.Unavailable, undefined, undefined, error)
  }
}

const transport = createConnectTransport({
  baseUrl: '/api',
  useBinaryFormat: false,
  fetch: reach,
})

function refused(error: unknown, method: DescMethod): ApiError {
  const ours = toApiError(error)
  if (ours.code === 'unauthenticated' && !withoutSession.has(method.name)) signedOut()
  return ours
}

type Call = (request: unknown, options?: CallOptions) => Promise<unknown> | AsyncIterable<unknown>

/** The library's client, whose errors are ours. (Its interceptors cannot do that: what they throw is wrapped again.) */
function clientOf<S extends DescService>(service: S): Client<S> {
  const plain = createClient(service, transport) as unknown as Record<string, Call>
  const calls = service.methods.map((method): [string, Call] => {
    const call = plain[method.localName] as Call
    if (method.methodKind === 'unary') {
      return [method.localName, (request, options) => unary(call, method, request, options)]
    }
    return [method.localName, (request, options) => stream(call, method, request, options)]
  })
  return Object.fromEntries(calls) as unknown as Client<S>
}

async function unary(call: Call, method: DescMethod, request: unknown, options?: CallOptions): Promise<unknown> {
  try {
    return await call(request, options)
  } catch (error) {
    throw refused(error, method)
  }
}

async function* stream(call: Call, method: DescMethod, request: unknown, options?: CallOptions) {
  try {
    yield* call(request, options) as AsyncIterable<unknown>
  } catch (error) {
    throw refused(error, method)
  }
}

export const api = {
  auth: clientOf(AuthService),
  organizations: clientOf(OrganizationService),
  members: clientOf(MemberService),
  projects: clientOf(ProjectService),
  proposals: clientOf(ProposalService),
  secrets: clientOf(SecretService),
  pipelines: clientOf(PipelineService),
  schedules: clientOf(ScheduleService),
  chains: clientOf(ChainService),
  badges: clientOf(BadgeService),
  webhooks: clientOf(WebhookService),
  runs: clientOf(RunService),
  logs: clientOf(LogService),
  agents: clientOf(AgentService),
  approvals: clientOf(ApprovalService),
  reports: clientOf(ReportService),
  variables: clientOf(VariableService),
  deployments: clientOf(DeploymentService),
  environments: clientOf(EnvironmentService),
  explain: clientOf(ExplainService),
  connections: clientOf(ConnectionService),
  repositories: clientOf(RepositoryService),
  deliveries: clientOf(DeliveryService),
}
