// Nothing of a deleted project is left in any table but the audit trail.
import { createHash } from 'node:crypto'
import { Role } from '@ansflow/proto/access'
import { ApprovalDecision, ApprovalService } from '@ansflow/proto/gen/ansflow/v1/approvals_pb'
import { BadgeService } from '@ansflow/proto/gen/ansflow/v1/badges_pb'
import { ConnectionService } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import { EnvironmentService } from '@ansflow/proto/gen/ansflow/v1/environments_pb'
import { MemberService } from '@ansflow/proto/gen/ansflow/v1/members_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { ProjectService } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import { SecretService } from '@ansflow/proto/gen/ansflow/v1/secrets_pb'
import { VariableService } from '@ansflow/proto/gen/ansflow/v1/variables_pb'
import { WebhookService } from '@ansflow/proto/gen/ansflow/v1/webhooks_pb'
import { isTerminal } from '@ansflow/proto/status'
import { expect, test } from 'vitest'
import { features } from '../src/app.ts'
import { AgentWorld } from '../src/features/agents/test/agent-world.ts'
import { ProposalEntity } from '../src/features/proposals/proposal.entity.ts'
import { uuidv7 } from '../src/platform/ids.ts'
import { changeRequests, connectedRepository } from './change-requests.ts'
import { waitFor } from './wait-for.ts'

const tables = features.flatMap(({ entities }) =>
  entities.map((entity) => (entity as { meta: { tableName: string } }).meta.tableName),
)
const yaml = `name: p
on: { schedule: "@yearly", webhook: { filter: "false" }, push: true }
steps:
  a: { run: "true", environment: production }
  ask: { needs: [a], uses: approval, with: { approvers: ["role:owner"], selfApproval: true } }
`

test('a deleted project leaves nothing behind', async () => {
  await using world = await AgentWorld.start()
  const c = world.controller
  const owner = c.as(c.owner)
  const agent = await world.register()
  const control = agent.control()
  await control.hello()
  const logs = agent.logs()

  const projectId = await c.addProject()
  await c.addUser({ role: Role.DEVELOPER, projectId })
  await owner.client(MemberService).inviteProjectMember({ projectId, email: 'x@example.org', role: Role.VIEWER })
  await owner.client(SecretService).putSecret({ projectId, name: 'TOKEN', value: 'v' })
  const { environment } = await owner.client(EnvironmentService).createEnvironment({ projectId, name: 'production' })
  await owner.client(VariableService).putVariable({ projectId, environmentId: environment!.id, name: 'A', value: '1' })
  const pipelines = owner.client(PipelineService)
  const { pipeline } = await pipelines.applyPipeline({ projectId, yaml, publish: true })
  await pipelines.applyPipeline({ projectId, yaml: `${yaml}  b: { run: "true" }\n` })
  const other = 'name: q\nsteps: { call: { uses: pipeline, with: { pipeline: p } } }\n'
  await pipelines.applyPipeline({ projectId, yaml: other, publish: true })
  const { path } = await owner.client(WebhookService).rotateWebhookSecret({ pipelineId: pipeline!.id })
  await owner.client(BadgeService).renewBadge({ pipelineId: pipeline!.id })
  await fetch(c.url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })
  const { connectionId, repositoryId } = await connectedRepository(c, projectId)
  const token = { kind: { case: 'token' as const, value: { user: 'robot', token: 'word' } } }
  await owner.client(ConnectionService).updateConnection({ connectionId, credentials: token })
  await changeRequests.TrustCommit!({ c, projectId } as never)
  await c.db.em().insert(ProposalEntity, {
    ...{ id: uuidv7(), projectId, pipelineId: pipeline!.id, openOf: pipeline!.id, repositoryId, path: 'ansflow.yaml' },
    ...{ way: 2, state: 2, title: 't', branch: 'b', commit: '', number: 0, url: '', problem: '', proposedByName: 'x' },
    ...{ createdAt: new Date(), updatedAt: new Date() },
  })
  await c.db.em().execute(`update repository set default_branch = 'main'`)
  const { run } = await world.runs.startRun({ pipelineId: pipeline!.id, git: { branch: 'main' } })
  const { job } = await control.take()
  const data = Buffer.from('one\n')
  logs.send({ job, offset: 0n, data, lineLengths: [4], lineMs: [1] })
  const finalSha256 = createHash('sha256').update(data).digest()
  logs.send({ job, offset: 4n, finalSize: 4n, finalSha256 })
  await logs.answer((answer) => answer.complete)
  await control.succeed(job)
  const approvals = owner.client(ApprovalService)
  const asked = async () => (await approvals.listApprovals({ runId: run!.id })).approvals[0]?.id ?? ''
  await waitFor(async () => (await asked()) !== '')
  await approvals.decide({ approvalId: await asked(), decision: ApprovalDecision.APPROVE })
  // No copy says of the commit that a branch leads to it: no agent takes this one.
  const past = 'name: r\nsteps: { it: { uses: wait, with: { until: "2020-01-01T00:00:00Z" } } }\n'
  const { pipeline: waiting } = await pipelines.applyPipeline({ projectId, yaml: past, publish: true })
  const git = { commit: '3'.repeat(40), repositoryId, branch: 'main' }
  const { run: untrusted } = await world.runs.startRun({ pipelineId: waiting!.id, git })
  for (const runId of [run!.id, untrusted!.id]) {
    await waitFor(async () => isTerminal((await world.runs.getRun({ runId })).run!.status))
  }

  const ids = [projectId, pipeline!.id, run!.id, job.jobId, connectionId, repositoryId]
  const holding = async () => {
    const found = []
    for (const table of tables) {
      const rows = JSON.stringify(await c.db.em().execute(`select * from ${table === 'user' ? '`user`' : table}`))
      if (ids.some((id) => rows.includes(id))) found.push(table)
    }
    return found.sort()
  }
  expect(await holding()).toEqual([
    'access_grant',
    'approval',
    'approval_decision',
    'audit_event',
    'badge',
    'branch_health',
    'collab_snapshot',
    'collab_update',
    'commit_status',
    'connection',
    'deployed',
    'deployment',
    'environment',
    'environment_use',
    'invitation',
    'job',
    'log_chunk',
    'pipeline',
    'pipeline_link',
    'pipeline_version',
    'project',
    'proposal',
    'pull_request',
    'repository',
    'repository_delivery',
    'repository_trigger',
    'run',
    'run_counter',
    'run_event',
    'run_source',
    'run_step',
    'schedule',
    'sealed_value',
    'secret',
    'variable',
    'webhook',
    'webhook_delivery',
  ])
  // Graphs of runs are kept by their content: another project may have the same.
  const graphs = async () => (await c.db.em().execute('select hash from run_graph')).length
  const otherId = await c.addProject()
  const [ours, theirs] = [await world.startRun([{ id: 'x' }], projectId), await world.startRun([{ id: 'x' }], otherId)]
  for (const runId of [ours, theirs]) {
    await control.succeed((await control.take()).job)
    await waitFor(async () => isTerminal((await world.runs.getRun({ runId })).run!.status))
  }
  expect(await graphs()).toBe(3)
  await owner.client(ProjectService).deleteProject({ projectId })
  expect(await holding()).toEqual(['audit_event'])
  expect((await world.runs.getRun({ runId: theirs })).graph?.steps).toHaveLength(1)
  await owner.client(ProjectService).deleteProject({ projectId: otherId })
  expect(await graphs()).toBe(0)
})
