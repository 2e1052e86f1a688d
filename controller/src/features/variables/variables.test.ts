// Plain variables by their API on a started controller: who keeps them, who sees them, and what a run gets of them.
import { Role } from '@ansflow/proto/access'
import { JobSpecSchema } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { AuditService } from '@ansflow/proto/gen/ansflow/v1/audit_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { ProjectService } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import { RunService, StepStatus, VariableOrigin } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { VariableService } from '@ansflow/proto/gen/ansflow/v1/variables_pb'
import { fromBinary } from '@bufbuild/protobuf'
import { Code } from '@connectrpc/connect'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { startController, type TestController } from '../../../test/start-controller.ts'
import { VariableEntity } from './variable.entity.ts'

let c: TestController
let projectId: string
let organizationId: string
beforeAll(async () => {
  c = await startController()
})
afterAll(() => c[Symbol.asyncDispose]())
beforeEach(async () => {
  organizationId = c.owner.organizationId
  projectId = await c.addProject()
})
afterEach(async () => {
  await c.db.em().nativeDelete(VariableEntity, {})
})

const variables = () => c.as(c.owner).client(VariableService)
const names = (list: { name: string; value: string }[]) => list.map(({ name, value }) => `${name}=${value}`)

async function started(yaml: string, more: { inputs?: Record<string, string> } = {}): Promise<string> {
  const { pipeline, problems } = await c
    .as(c.owner)
    .client(PipelineService)
    .applyPipeline({ projectId, yaml, publish: true })
  expect(problems).toEqual([])
  const { run } = await c
    .as(c.owner)
    .client(RunService)
    .startRun({ pipelineId: pipeline!.id, ...more })
  return run!.id
}

/** What the queued job of a step is told. */
async function envOf(runId: string, stepId: string): Promise<Record<string, string>> {
  const [row] = await c.db
    .em()
    .execute<{ spec: Uint8Array }[]>('select spec from job where run_id = ? and step_id = ?', [runId, stepId])
  return Object.fromEntries(fromBinary(JobSpecSchema, row!.spec).env.map(({ name, value }) => [name, value]))
}

test('they are made, replaced and removed, by project and by organization, and audited', async () => {
  await variables().putVariable({ projectId, name: 'B', value: 'project' })
  await variables().putVariable({ projectId, name: 'A', value: 'one\ntwo' })
  const { variable } = await variables().putVariable({ projectId, name: 'B', value: '' })
  expect(variable).toMatchObject({ name: 'B', value: '', updatedBy: expect.stringMatching(/./) })
  await variables().putOrganizationVariable({ organizationId, name: 'B', value: 'organization' })
  const listed = await variables().listVariables({ projectId })
  expect([names(listed.variables), names(listed.inherited)]).toEqual([['A=one\ntwo', 'B='], ['B=organization']])
  expect(names((await variables().listOrganizationVariables({ organizationId })).variables)).toEqual(['B=organization'])
  await variables().deleteVariable({ projectId, name: 'B' })
  expect(names((await variables().listVariables({ projectId })).variables)).toEqual(['A=one\ntwo'])
  await expect(variables().deleteVariable({ projectId, name: 'B' })).rejects.toMatchObject({ code: Code.NotFound })
  const { events } = await c.as(c.owner).client(AuditService).listAuditEvents({ organizationId, pageSize: 2 })
  expect(events.map(({ action, before, after }) => [action, before, after])).toEqual([
    ['VariableService/DeleteVariable', '{"name":"B","value":""}', '{}'],
    ['VariableService/PutOrganizationVariable', '{}', '{"name":"B","value":"organization"}'],
  ])
})

test.each([
  ['a b', 'v', 'variable_name'],
  ['1A', 'v', 'variable_name'],
  ['CI_OUTPUT', 'v', 'variable_reserved'],
  ['PATH', 'v', 'variable_reserved'],
  ['UID', 'v', 'variable_reserved'],
  ['BIG', 'x'.repeat(16 * 1024 + 1), 'variable_size'],
])('%s is refused', async (name, value, reason) => {
  const refused = { code: Code.InvalidArgument }
  await expect(variables().putVariable({ projectId, name, value })).rejects.toMatchObject(refused)
  const error = await variables()
    .putOrganizationVariable({ organizationId, name, value })
    .catch((thrown: unknown) => thrown)
  expect(JSON.stringify((error as { details: unknown }).details)).toContain(reason)
})

test('all of a project have room for 32 KiB together; replacing one counts once', async () => {
  const value = 'x'.repeat(15 * 1024)
  await variables().putVariable({ projectId, name: 'ONE', value })
  await variables().putVariable({ projectId, name: 'TWO', value })
  await variables().putVariable({ projectId, name: 'TWO', value: value.replaceAll('x', 'y') })
  await expect(variables().putVariable({ projectId, name: 'THREE', value })).rejects.toMatchObject({
    code: Code.InvalidArgument,
  })
})

test('one made by many calls at once is one', async () => {
  await Promise.all(
    Array.from({ length: 8 }, (_, n) => variables().putVariable({ projectId, name: 'V', value: `${n}` })),
  )
  expect((await variables().listVariables({ projectId })).variables).toHaveLength(1)
})

test('the nearest value wins, the step says which and over what, and a run keeps what it began with', async () => {
  await variables().putOrganizationVariable({ organizationId, name: 'LEVEL', value: 'organization' })
  await variables().putOrganizationVariable({ organizationId, name: 'ONLY', value: '${{ inputs.x }}' })
  await variables().putVariable({ projectId, name: 'LEVEL', value: 'project' })
  const runId = await started(`name: vars
defaults: { env: { SHARED: both, KEPT: usual } }
env: { LEVEL: "pipeline over \${{ vars.LEVEL }}", MISSING: "[\${{ vars.NOT_THERE }}]" }
steps:
  a: { run: "echo \${{ vars.ONLY }}", when: "\${{ vars.LEVEL == 'project' }}", outputs: [v] }
  b: { needs: [a], run: x, env: { LEVEL: "step over \${{ env.LEVEL }}", LATE: "\${{ steps.a.outputs.v }}", KEPT: own } }`)
  await variables().putVariable({ projectId, name: 'LEVEL', value: 'later' })
  expect(await envOf(runId, 'a')).toMatchObject({
    LEVEL: 'pipeline over project',
    ONLY: '${{ inputs.x }}',
    MISSING: '[]',
  })
  const { variables: found } = await c.as(c.owner).client(RunService).getStepVariables({ runId, stepId: 'b' })
  const shown = found.map(({ name, values }) => [name, ...values.map(({ value, origin }) => [value, origin])])
  expect(shown).toEqual([
    ['KEPT', ['own', VariableOrigin.STEP]],
    ['LATE', ['${{ steps.a.outputs.v }}', VariableOrigin.STEP]],
    [
      'LEVEL',
      ['step over pipeline over project', VariableOrigin.STEP],
      ['pipeline over project', VariableOrigin.PIPELINE],
      ['project', VariableOrigin.PROJECT],
      ['organization', VariableOrigin.ORGANIZATION],
    ],
    ['MISSING', ['[]', VariableOrigin.PIPELINE]],
    ['ONLY', ['${{ inputs.x }}', VariableOrigin.ORGANIZATION]],
    ['SHARED', ['both', VariableOrigin.DEFAULTS]],
  ])
  expect(found.find(({ name }) => name === 'LATE')!.values[0]!.unresolved).toBe(true)
  // A new run has what counts now.
  const again = await c.as(c.owner).client(RunService).rerunRun({ runId })
  const { run } = await c.as(c.owner).client(RunService).getRun({ runId: again.run!.id })
  expect(run!.steps[0]!.status).toBe(StepStatus.SKIPPED)
  // Another project has its own.
  projectId = await c.addProject()
  const other = await started('name: other\nsteps: { a: { run: x } }')
  expect(await envOf(other, 'a')).toMatchObject({ LEVEL: 'organization' })
})

test('viewers see them and change none; who belongs elsewhere sees nothing; they go with their project', async () => {
  await variables().putVariable({ projectId, name: 'A', value: '1' })
  const viewer = c.as(await c.addUser({ role: Role.VIEWER, projectId })).client(VariableService)
  expect(names((await viewer.listVariables({ projectId })).variables)).toEqual(['A=1'])
  await expect(viewer.putVariable({ projectId, name: 'A', value: '2' })).rejects.toMatchObject({
    code: Code.PermissionDenied,
  })
  await expect(viewer.putOrganizationVariable({ organizationId, name: 'A', value: '2' })).rejects.toMatchObject({
    code: Code.PermissionDenied,
  })
  const maintainer = c.as(await c.addUser({ role: Role.MAINTAINER, projectId })).client(VariableService)
  await maintainer.putVariable({ projectId, name: 'A', value: '3' })
  await expect(maintainer.putOrganizationVariable({ organizationId, name: 'A', value: '2' })).rejects.toMatchObject({
    code: Code.PermissionDenied,
  })
  await c.as(c.owner).client(ProjectService).deleteProject({ projectId })
  expect(await c.db.em().count(VariableEntity, { projectId })).toBe(0)
})
