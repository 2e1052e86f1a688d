import { ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { CommentPolicy, RepositoryService, StatusDetail } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import { expect, test } from 'vitest'
import { commit, StatusWorld } from '../../../test/status-world.ts'
import { waitFor } from '../../../test/wait-for.ts'
import { uuidv7 } from '../../platform/ids.ts'
import type { StatementTap } from '../../platform/statement-tap.ts'
import { fakeForges } from '../forges/test/fake-forges.ts'
import { createPullRequests } from '../repositories/pull-requests.ts'
import { RepositoryEntity } from '../repositories/repository.entity.ts'
import { CommitStatusEntity } from './commit-status.entity.ts'
import { tellWith } from './statuses.ts'

test.each([ForgeKind.GITHUB, ForgeKind.GITLAB, ForgeKind.GITEA, ForgeKind.BITBUCKET])(
  'a commit has a status while its run goes on, and another one when it has ended (kind %i)',
  async (kind) => {
    await using w = await StatusWorld.start(kind)
    const runId = await w.startRun()
    await waitFor(() => w.forge.statuses.length === 1)
    const [first] = w.forge.statuses
    expect(first).toMatchObject({ commit, description: '#1 has begun' })
    expect(first!.name).toContain('build')
    expect(first!.url).toBe(`${w.c.url}/runs/${runId}`)

    await w.runs.cancelRun({ runId })
    await waitFor(() => w.forge.statuses.at(-1)!.description.startsWith('#1 canceled'))
    expect(w.forge.statuses.at(-1)!.state).not.toBe(first!.state)
    expect(await w.repository()).toMatchObject({ tells: true, tellProblem: '' })
    expect((await w.repository()).toldAt).toBeDefined()
  },
)

test('what the forge does not take now is told later, as it is then', async () => {
  await using w = await StatusWorld.start(ForgeKind.GITEA)
  w.forge.fault = { status: 503 }
  const runId = await w.startRun()
  await waitFor(async () => (await w.repository()).tellProblem !== '')
  await w.runs.cancelRun({ runId })
  w.forge.fault = undefined
  await waitFor(() => w.forge.statuses.length > 0)
  expect(w.forge.statuses.at(-1)!.description).toMatch(/^#1 canceled/)
  await waitFor(async () => (await w.repository()).tellProblem === '')
})

test('a forge that does not answer holds up what is to be told to itself alone', async () => {
  const slow = await fakeForges.get(ForgeKind.GITEA)!('word')
  await using _ = { [Symbol.asyncDispose]: () => slow.close() }
  await using w = await StatusWorld.start(ForgeKind.GITEA)
  const slowId = await w.connect(ForgeKind.GITEA, slow, 'slow')
  await w.owner.client(RepositoryService).updateRepository({ repositoryId: slowId, statusDetail: StatusDetail.STEPS })
  const steps = Array.from({ length: 20 }, (_, i) => `  s${i}: { run: "true" }`).join('\n')
  const large = await w.keep(`name: large\nsteps:\n${steps}\n`)
  const runId = await w.startRun(large, slowId)
  await waitFor(() => slow.statuses.length === 1)
  slow.fault = 'hang'
  slow.asked.length = 0
  await w.runs.cancelRun({ runId })
  await waitFor(() => slow.asked.length >= 4)
  await w.startRun()
  await waitFor(() => w.forge.statuses.length === 1, 20_000)
  // It has not even been asked for all of its own.
  expect(slow.asked.length).toBeLessThan(20)
})

test('a draft that somebody tries says nothing of the commit that it is said to be for', async () => {
  await using w = await StatusWorld.start(ForgeKind.GITHUB)
  const git = { commit, repositoryId: w.repositoryId }
  const { run } = await w.runs.startRun({ pipelineId: w.pipelineId, draft: true, git })
  await w.runs.cancelRun({ runId: run!.id })
  const { run: again } = await w.runs.rerunRun({ runId: run!.id })
  await w.runs.cancelRun({ runId: again!.id })
  expect(await w.c.db.em().count(CommitStatusEntity)).toBe(0)
  await w.startRun()
  await waitFor(() => w.forge.statuses.length > 0)
})

test('a forge that asks to wait is asked nothing until then, whatever is to be told', async () => {
  await using w = await StatusWorld.start(ForgeKind.GITHUB)
  const told = () => w.forge.asked.filter(({ method }) => method === 'POST' && method).length
  w.forge.fault = { status: 403, headers: { 'retry-after': '3' } }
  const before = told()
  const runId = await w.startRun()
  await waitFor(async () => (await w.repository()).tellProblem !== '')
  expect(told()).toBe(before + 1)
  w.forge.fault = undefined
  await w.runs.cancelRun({ runId })
  await w.startRun(await w.keep('name: other\nsteps:\n  one: { run: "true" }\n'))
  await waitFor(async () => (await w.repository()).tellProblem.includes('asked to wait'))
  expect(told()).toBe(before + 1)
  await waitFor(() => w.forge.statuses.length === 2)
  const said = w.forge.statuses.map(({ description }) => description.replace(/ after .*/, ''))
  expect(said.sort()).toEqual(['#1 canceled', '#1 has begun'])
})

test('a run of another project cannot be for the repository, and so tells nothing of it', async () => {
  await using w = await StatusWorld.start(ForgeKind.GITHUB)
  const elsewhere = await w.c.addProject()
  const asked = { projectId: elsewhere, yaml: 'name: build\nsteps:\n  one: { run: "true" }\n', publish: true }
  const { pipeline } = await w.owner.client(PipelineService).applyPipeline(asked)
  const git = { commit, repositoryId: w.repositoryId }
  const theirs = w.runs.startRun({ pipelineId: pipeline!.id, git })
  await expect(theirs).rejects.toThrow('must be a repository of the project')
  await w.startRun()
  await waitFor(() => w.forge.statuses.length > 0)
  expect(w.forge.statuses).toHaveLength(1)
})

test('the first steps of a pipeline have statuses of their own where that is wanted, and it is said how many have none', async () => {
  await using w = await StatusWorld.start(ForgeKind.GITEA)
  const { repositoryId } = w
  await w.owner.client(RepositoryService).updateRepository({ repositoryId, statusDetail: StatusDetail.STEPS })
  const steps = Array.from(
    { length: 25 },
    (_, i) => `  s${i}: { name: ${i < 2 ? 'Twice' : `S${i}`}, run: "true" }`,
  ).join('\n')
  const runId = await w.startRun(await w.keep(`name: large\nsteps:\n${steps}\n`))
  await w.runs.cancelRun({ runId })
  await waitFor(() => w.forge.statuses.length === 21)
  await waitFor(() => w.forge.statuses.some(({ description }) => /; 5 steps have no status$/.test(description)))
  const ofSteps = w.forge.statuses.filter(({ name }) => name.includes(' / '))
  expect(ofSteps.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['Twice (s0)', 'Twice (s1)', 'S19'].map((step) => `ansflow/large / ${step}`)),
  )
  expect(ofSteps[0]!.url).toMatch(new RegExp(`/runs/${runId}\\?step=s\\d+$`))
})

// SQLite makes one transaction after the other.
test.runIf(process.env.ANSFLOW_TEST_DATABASE_URL)(
  'what two controllers say of one commit at one moment is what the newer run says, and neither is refused',
  async () => {
    let held: { at: RegExp; reached(): void; goOn: Promise<void> } | undefined
    const statementTap: StatementTap = async (sql, run) => {
      const now = held?.at.test(sql) ? held : undefined
      if (now) {
        held = undefined
        now.reached()
        await now.goOn
      }
      return run()
    }
    await using w = await StatusWorld.start(ForgeKind.GITHUB, { overrides: { statementTap } })
    const { projectId, repositoryId, pipelineId } = w
    await w.openPull(CommentPolicy.ALWAYS)
    const em = () => w.c.db.em()
    const said = { repositoryId, projectId, commit, name: 'build', report: null, now: new Date() }
    const pullRequests = createPullRequests(w.c)
    const repositories = { find: (_: unknown, id: string) => em().findOne(RepositoryEntity, { id }) }
    const tell = tellWith({ repositories, pullRequests } as unknown as Parameters<typeof tellWith>[0])
    /** Another controller says this when `begun` has read what there is, and is about to write. */
    const meanwhile = async (at: RegExp, begun: () => Promise<unknown>, description: string) => {
      const [reached, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      held = { at, reached: reached.resolve, goOn: goOn.promise }
      const late = begun()
      await reached.promise
      await w.c.db.transaction((to) => tell(to, { ...said, runId: uuidv7(), state: 'running', description }))
      goOn.resolve()
      await late
    }
    await meanwhile(/^insert into .commit_status/, () => w.startRun(), 'a later one has begun')
    const status = () => em().findOne(CommitStatusEntity, { name: 'build' })
    expect(await status()).toMatchObject({ description: 'a later one has begun' })

    const runId = await w.startRun(pipelineId)
    expect(await status()).toMatchObject({ runId })
    const cancel = () => w.runs.cancelRun({ runId })
    await meanwhile(/^update .commit_status. set .run_id/, cancel, 'the last one has begun')
    expect(await status()).toMatchObject({ description: 'the last one has begun' })
    expect(await em().count(CommitStatusEntity, { pullRequest: 7 })).toBe(1)
  },
)
