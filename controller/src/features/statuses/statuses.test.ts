import { ConnectionService, ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { RepositoryService } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import { RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { expect, test } from 'vitest'
import { startController } from '../../../test/start-controller.ts'
import { waitFor } from '../../../test/wait-for.ts'
import { readAllowed } from '../../platform/outbound-rules.ts'
import { fakeForges } from '../forges/test/fake-forges.ts'

const commit = 'ab12'.repeat(10)
const yaml = 'name: build\nsteps:\n  one: { run: "true" }\n'

async function world(kind: ForgeKind) {
  const forge = await fakeForges.get(kind)!('word')
  const c = await startController({ config: { outboundAllowed: readAllowed('127.0.0.1') } })
  const owner = c.as(c.owner)
  const projectId = await c.addProject()
  const credentials = { kind: { case: 'token' as const, value: { user: '', token: 'word' } } }
  const asked = { projectId, name: 'forge', kind, url: forge.url, credentials }
  const { connection } = await owner.client(ConnectionService).createConnection(asked)
  const connect = { projectId, connectionId: connection!.id, fullName: 'acme/shop' }
  const { repository } = await owner.client(RepositoryService).connectRepository(connect)
  const { pipeline } = await owner.client(PipelineService).applyPipeline({ projectId, yaml, publish: true })
  return {
    c,
    forge,
    owner,
    repositoryId: repository!.id,
    pipelineId: pipeline!.id,
    async [Symbol.asyncDispose]() {
      await c[Symbol.asyncDispose]()
      await forge.close()
    },
  }
}

test.each([ForgeKind.GITHUB, ForgeKind.GITLAB, ForgeKind.GITEA, ForgeKind.BITBUCKET])(
  'a commit has a status while its run goes on, and another one when it has ended (kind %i)',
  async (kind) => {
    await using w = await world(kind)
    const runs = w.owner.client(RunService)
    const git = { commit, repositoryId: w.repositoryId }
    const { run } = await runs.startRun({ pipelineId: w.pipelineId, git })
    await waitFor(() => w.forge.statuses.length === 1)
    const [first] = w.forge.statuses
    expect(first).toMatchObject({ commit, description: '#1 has begun' })
    expect(first!.name).toContain('build')
    expect(first!.url).toBe(`${w.c.url}/runs/${run!.id}`)

    await runs.cancelRun({ runId: run!.id })
    await waitFor(() => w.forge.statuses.at(-1)!.description.startsWith('#1 canceled'))
    expect(w.forge.statuses.at(-1)!.state).not.toBe(first!.state)
    const { repository } = await w.owner.client(RepositoryService).getRepository({ repositoryId: w.repositoryId })
    expect(repository).toMatchObject({ tells: true, tellProblem: '' })
    expect(repository!.toldAt).toBeDefined()
  },
)

test('what the forge does not take now is told later, as it is then', async () => {
  await using w = await world(ForgeKind.GITEA)
  const runs = w.owner.client(RunService)
  w.forge.fault = { status: 503 }
  const { run } = await runs.startRun({ pipelineId: w.pipelineId, git: { commit, repositoryId: w.repositoryId } })
  const shown = async () =>
    (await w.owner.client(RepositoryService).getRepository({ repositoryId: w.repositoryId })).repository!
  await waitFor(async () => (await shown()).tellProblem !== '')
  await runs.cancelRun({ runId: run!.id })
  w.forge.fault = undefined
  await waitFor(() => w.forge.statuses.length > 0)
  expect(w.forge.statuses.at(-1)!.description).toMatch(/^#1 canceled/)
  await waitFor(async () => (await shown()).tellProblem === '')
})

test('a run of another project cannot be for the repository, and so tells nothing of it', async () => {
  await using w = await world(ForgeKind.GITHUB)
  const elsewhere = await w.c.addProject()
  const asked = { projectId: elsewhere, yaml, publish: true }
  const { pipeline } = await w.owner.client(PipelineService).applyPipeline(asked)
  const runs = w.owner.client(RunService)
  const git = { commit, repositoryId: w.repositoryId }
  await expect(runs.startRun({ pipelineId: pipeline!.id, git })).rejects.toThrow('must be a repository of the project')
  await runs.startRun({ pipelineId: w.pipelineId, git })
  await waitFor(() => w.forge.statuses.length > 0)
  expect(w.forge.statuses).toHaveLength(1)
})
