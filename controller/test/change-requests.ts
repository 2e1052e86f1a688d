// What every method that changes something is called with: one of each thing it may be about, made anew.
import { randomBytes } from 'node:crypto'
import { Role } from '@ansflow/proto/access'
import { AgentLinkService } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { AgentService } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { ApprovalService } from '@ansflow/proto/gen/ansflow/v1/approvals_pb'
import { AuthService } from '@ansflow/proto/gen/ansflow/v1/auth_pb'
import { ConnectionService, ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import { DeliveryService } from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import { EnvironmentService } from '@ansflow/proto/gen/ansflow/v1/environments_pb'
import { MemberService } from '@ansflow/proto/gen/ansflow/v1/members_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { RepositoryService } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import { RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { SecretService } from '@ansflow/proto/gen/ansflow/v1/secrets_pb'
import { VariableService } from '@ansflow/proto/gen/ansflow/v1/variables_pb'
import type { DescMethod, JsonObject } from '@bufbuild/protobuf'
import { PipelineEntity } from '../src/features/pipelines/index.ts'
import { PullRequestEntity } from '../src/features/repositories/repository.entity.ts'
import { uuidv7 } from '../src/platform/ids.ts'
import { everyService } from './every-service.ts'
import type { TestController } from './start-controller.ts'

const reads = /^(Get|List|Read|Search|Watch|Follow|Validate|Explain)/

export const changingMethods = (await everyService())
  .flatMap((service): DescMethod[] => service.methods)
  .filter((method) => method.methodKind === 'unary' && !reads.test(method.name))

/** Those that need a password, a browser's session, an empty database, or a git server that takes what is pushed. */
export const methodsApart = new Set([
  ...['CompleteSetup', 'Login', 'Logout', 'ChangePassword', 'RevokeSession', 'AcceptInvitation', 'ProposePipeline'],
])

/** One of each thing that a method may be about, made anew. */
export async function things(c: TestController) {
  const owner = c.as(c.owner)
  const projectId = await c.addProject()
  const yaml = `name: p\nsteps:\n  one: { run: "true" }\n`
  const { pipeline } = await owner.client(PipelineService).applyPipeline({ projectId, yaml, publish: true })
  const pipelineId = pipeline?.id ?? ''
  const { token: registration } = await owner.client(AgentService).createRegistrationToken({})
  return { c, projectId, pipelineId, registration, yaml }
}
export type Things = Awaited<ReturnType<typeof things>>

async function madeEnvironment(c: TestController, projectId: string): Promise<string> {
  const { environment } = await c
    .as(c.owner)
    .client(EnvironmentService)
    .createEnvironment({ projectId, name: 'staging' })
  return environment!.id
}

const email = () => `${randomBytes(4).toString('hex')}@example.org`

/** What each method is called with. One that is made later has to stand here too. */
export const changeRequests: Record<string, (things: Things) => Promise<JsonObject> | JsonObject> = {
  CreateProject: () => ({ name: `P ${randomBytes(4).toString('hex')}` }),
  UpdateProject: ({ projectId }) => ({ projectId, name: 'Other' }),
  DeleteProject: ({ projectId }) => ({ projectId }),
  PutSecret: ({ projectId }) => ({ projectId, name: 'TOKEN', value: 'value' }),
  async DeleteSecret({ c, projectId }) {
    await c.as(c.owner).client(SecretService).putSecret({ projectId, name: 'TOKEN', value: 'value' })
    return { projectId, name: 'TOKEN' }
  },
  CreateEnvironment: ({ projectId }) => ({ projectId, name: `e-${randomBytes(4).toString('hex')}` }),
  async UpdateEnvironment({ c, projectId }) {
    return { projectId, environmentId: await madeEnvironment(c, projectId), name: 'production', branches: ['main'] }
  },
  async OrderEnvironments({ c, projectId }) {
    return { projectId, environmentIds: [await madeEnvironment(c, projectId)] }
  },
  DeleteEnvironment: async ({ c, projectId }) => ({ projectId, environmentId: await madeEnvironment(c, projectId) }),
  PutVariable: ({ projectId }) => ({ projectId, name: 'LEVEL', value: 'debug' }),
  async DeleteVariable({ c, projectId }) {
    await c.as(c.owner).client(VariableService).putVariable({ projectId, name: 'LEVEL', value: 'debug' })
    return { projectId, name: 'LEVEL' }
  },
  PutOrganizationVariable: ({ c }) => ({
    organizationId: c.owner.organizationId,
    name: `V_${randomBytes(4).toString('hex')}`,
    value: 'v',
  }),
  async DeleteOrganizationVariable({ c }) {
    const { organizationId } = c.owner
    await c.as(c.owner).client(VariableService).putOrganizationVariable({ organizationId, name: 'LEVEL', value: 'v' })
    return { organizationId, name: 'LEVEL' }
  },
  InviteProjectMember: ({ projectId }) => ({ projectId, email: email(), role: 'ROLE_VIEWER' }),
  async SetProjectMemberRole({ c, projectId }) {
    const { userId } = await c.addUser({ role: Role.VIEWER, projectId })
    return { projectId, userId, role: 'ROLE_DEVELOPER' }
  },
  async RemoveProjectMember({ c, projectId }) {
    const { userId } = await c.addUser({ role: Role.VIEWER, projectId })
    return { projectId, userId }
  },
  UpdateOrganization: ({ c }) => ({ organizationId: c.owner.organizationId, name: 'Works' }),
  InviteMember: ({ c }) => ({ organizationId: c.owner.organizationId, email: email(), role: 'ROLE_VIEWER' }),
  async RevokeInvitation({ c }) {
    const { organizationId } = c.owner
    const invited = { organizationId, email: email(), role: Role.VIEWER }
    const { invitation } = await c.as(c.owner).client(MemberService).inviteMember(invited)
    return { organizationId, invitationId: invitation?.id ?? '' }
  },
  async SetMemberRole({ c }) {
    const { userId } = await c.addUser({ role: Role.VIEWER })
    return { organizationId: c.owner.organizationId, userId, role: 'ROLE_DEVELOPER' }
  },
  async RemoveMember({ c }) {
    const { userId } = await c.addUser({ role: Role.VIEWER })
    return { organizationId: c.owner.organizationId, userId }
  },
  CreatePipeline: ({ projectId }) => ({ projectId, name: 'q' }),
  ApplyPipeline: ({ projectId, yaml }) => ({ projectId, yaml: yaml.replace('true', 'false'), publish: true }),
  async PublishPipeline({ c, projectId, pipelineId, yaml }) {
    const changed = yaml.replace('true', 'false')
    await c.as(c.owner).client(PipelineService).applyPipeline({ projectId, yaml: changed, publish: false })
    return { pipelineId }
  },
  DeletePipeline: ({ pipelineId }) => ({ pipelineId }),
  StartRun: ({ pipelineId }) => ({ pipelineId }),
  async CancelRun({ c, pipelineId }) {
    const { run } = await c.as(c.owner).client(RunService).startRun({ pipelineId })
    return { runId: run?.id ?? '' }
  },
  async RerunRun({ c, pipelineId }) {
    const { run } = await c.as(c.owner).client(RunService).startRun({ pipelineId })
    await c
      .as(c.owner)
      .client(RunService)
      .cancelRun({ runId: run?.id ?? '' })
    return { runId: run?.id ?? '' }
  },
  async Decide({ c, projectId }) {
    const owner = c.as(c.owner)
    const given = '{ approvers: ["role:owner"], selfApproval: true, fields: [{ name: why }] }'
    const yaml = `name: asks\nsteps:\n  ask: { uses: approval, with: ${given} }\n  then: { needs: [ask], run: "true" }\n`
    const { pipeline } = await owner.client(PipelineService).applyPipeline({ projectId, yaml, publish: true })
    const { run } = await owner.client(RunService).startRun({ pipelineId: pipeline?.id ?? '' })
    const { approvals } = await owner.client(ApprovalService).listApprovals({ runId: run?.id ?? '' })
    const approvalId = approvals[0]?.id ?? ''
    return { approvalId, decision: 'APPROVAL_DECISION_APPROVE', comment: 'go', fields: { why: 'x' } }
  },
  async PauseSchedule({ c, projectId }) {
    const yaml = `name: s\non: { schedule: "@yearly" }\nsteps:\n  one: { run: "true" }\n`
    const { pipeline } = await c.as(c.owner).client(PipelineService).applyPipeline({ projectId, yaml, publish: true })
    return { pipelineId: pipeline?.id ?? '', name: '@yearly', paused: true }
  },
  CreateConnection: ({ projectId }) => ({ projectId, name: 'git', kind: 'FORGE_KIND_GIT', url: nowhere }),
  CreateOrganizationConnection: ({ c }) => ({
    organizationId: c.owner.organizationId,
    name: `git ${randomBytes(4).toString('hex')}`,
    kind: 'FORGE_KIND_GIT',
    url: nowhere,
  }),
  async UpdateConnection({ c, projectId }) {
    return { connectionId: await connection(c, projectId), name: 'other' }
  },
  async DeleteConnection({ c, projectId }) {
    return { connectionId: await connection(c, projectId) }
  },
  async TestConnection({ c, projectId }) {
    return { connectionId: await connection(c, projectId) }
  },
  async ConnectRepository({ c, projectId }) {
    return { projectId, connectionId: await connection(c, projectId), fullName: 'shop.git' }
  },
  DisconnectRepository: withRepository,
  async UpdateRepository(things) {
    return {
      ...(await withRepository(things)),
      forks: 'FORK_POLICY_NONE',
      pollSeconds: 300,
      tells: true,
      comments: 'COMMENT_POLICY_ALWAYS',
    }
  },
  async KeepPipeline(things) {
    const { repositoryId } = await withRepository(things)
    const file = { repositoryId, filePath: '.ansflow/p.yaml' }
    await things.c.db.em().nativeUpdate(PipelineEntity, { id: things.pipelineId }, file)
    return { pipelineId: things.pipelineId }
  },
  RotateRepositoryHook: withRepository,
  RefreshRepository: withRepository,
  DeliverAgain: withDelivery,
  async TrustCommit(things) {
    const { repositoryId } = await withRepository(things)
    const commit = '5'.repeat(40)
    await things.c.db.em().insert(PullRequestEntity, {
      ...{ id: uuidv7(), repositoryId, projectId: things.projectId, number: 7, title: 't', url: '', author: 'a' },
      ...{ state: 1, draft: false, labels: '[]', headBranch: 'b', headCommit: commit, headRepository: 'x/shop' },
      ...{ baseBranch: 'main', fork: true, updatedAt: new Date(), waitingDeliveryId: null },
      ...{ trustedCommit: '', trustedByName: '' },
    })
    return { repositoryId, pullRequest: 7, commit }
  },
  RenewBadge: withWebhook,
  RotateWebhookSecret: withWebhook,
  RevokeWebhookSecret: withWebhook,
  CreateRegistrationToken: () => ({}),
  Register: ({ registration }) => ({ token: registration, name: 'agent', slots: 1, version: '0.1.0' }),
  async DrainAgent({ c, registration }) {
    return { agentId: await registered(c, registration), drain: true }
  },
  async DeleteAgent({ c, registration }) {
    return { agentId: await registered(c, registration) }
  },
  async SetAgentLabels({ c, registration }) {
    return { agentId: await registered(c, registration), labels: [`given-${randomBytes(4).toString('hex')}`] }
  },
  async SetAgentTrust({ c, registration }) {
    return { agentId: await registered(c, registration), takesUntrusted: true }
  },
  async ReleaseLabel({ c, registration }) {
    const { organizationId } = c.owner
    const agentId = await registered(c, registration)
    const label = `free-${randomBytes(4).toString('hex')}`
    const { setAgentLabels } = c.as(c.owner).client(AgentService)
    for (const labels of [[label], []]) await setAgentLabels({ agentId, labels })
    return { organizationId, label }
  },
  async RenewAgent({ c, registration }) {
    return { agentId: await registered(c, registration) }
  },
  UpdateMe: () => ({ name: 'Somebody' }),
  CreateApiToken: () => ({ name: 'token', scopes: ['*'] }),
  async RevokeApiToken({ c }) {
    const made = await c
      .as(c.owner)
      .client(AuthService)
      .createApiToken({ name: 'token', scopes: ['*'] })
    return { tokenId: made.token?.id ?? '' }
  },
}

/** Nobody listens there, and it is not allowed either. */
const nowhere = 'http://127.0.0.1:1'

async function connection(c: TestController, projectId: string): Promise<string> {
  const asked = { projectId, name: `git ${randomBytes(4).toString('hex')}`, kind: ForgeKind.GIT, url: nowhere }
  const made = await c.as(c.owner).client(ConnectionService).createConnection(asked)
  return made.connection?.id ?? ''
}

export async function connectedRepository(c: TestController, projectId: string) {
  const connectionId = await connection(c, projectId)
  const asked = { projectId, connectionId, fullName: 'shop.git' }
  const { repository, hookSecret } = await c.as(c.owner).client(RepositoryService).connectRepository(asked)
  const repositoryId = repository?.id ?? ''
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${hookSecret}` }
  const body = JSON.stringify({ ref: 'refs/heads/main', before: '1'.repeat(40), after: '2'.repeat(40) })
  await fetch(`${c.url}/hooks/repositories/${repositoryId}`, { method: 'POST', headers, body })
  return { connectionId, repositoryId }
}

async function withRepository({ c, projectId }: Things) {
  const { repositoryId } = await connectedRepository(c, projectId)
  return { repositoryId }
}

async function withDelivery({ c, projectId }: Things): Promise<JsonObject> {
  const { repositoryId } = await connectedRepository(c, projectId)
  const { deliveries } = await c.as(c.owner).client(DeliveryService).listRepositoryDeliveries({ repositoryId })
  return { repositoryId, deliveryId: deliveries[0]?.id ?? '' }
}

async function withWebhook({ c, projectId }: Things): Promise<JsonObject> {
  const yaml = `name: h\non: { webhook: true }\nsteps:\n  one: { run: "true" }\n`
  const { pipeline } = await c.as(c.owner).client(PipelineService).applyPipeline({ projectId, yaml, publish: true })
  return { pipelineId: pipeline?.id ?? '' }
}

async function registered(c: TestController, token: string): Promise<string> {
  const request = { token, name: 'agent', slots: 1, version: '0.1.0' }
  return (await c.as(undefined).client(AgentLinkService).register(request)).agentId
}
