import { Role } from '@ansflow/proto/access'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { CompiledQuery } from 'kysely'
import { expect, test } from 'vitest'
import { startController, type TestController, type TestUser } from '../../../test/start-controller.ts'
import { personQueries } from './person-runs.ts'
import type { RunTables } from './run-tables.ts'

const yaml = 'name: p\nsteps:\n  a: { run: "true" }\n'

async function withPipeline(c: TestController, owner: TestUser = c.owner) {
  const projectId = await c.addProject(undefined, owner.organizationId)
  const pipelines = c.as(owner).client(PipelineService)
  const { pipeline } = await pipelines.applyPipeline({ projectId, yaml, publish: true })
  return { projectId, pipelineId: pipeline!.id }
}

/** Whoever starts it; the id of the run. */
async function startedBy(c: TestController, user: TestUser, pipelineId: string, author = ''): Promise<string> {
  const git = { commit: 'a'.repeat(40), author }
  const { run } = await c
    .as(user)
    .client(RunService)
    .startRun({ pipelineId, ...(author && { git }) })
  return run!.id
}

test('the runs of a person are those they started and those for their commits, once each, page by page', async () => {
  await using c = await startController()
  const { projectId, pipelineId } = await withPipeline(c)
  const other = await withPipeline(c)
  const anna = await c.addUser({ role: Role.DEVELOPER })
  const by = (email: string) => `Anna B. <${email}>`
  const mine = [
    await startedBy(c, anna, pipelineId),
    await startedBy(c, c.owner, pipelineId, by(anna.email.toUpperCase())),
    await startedBy(c, anna, pipelineId, by(anna.email)),
    await startedBy(c, anna, other.pipelineId, by('else@example.org')),
    await startedBy(c, c.owner, pipelineId, by(anna.email)),
  ]
  await startedBy(c, c.owner, pipelineId)
  await startedBy(c, c.owner, pipelineId, `${anna.email} <else@example.org>`)
  await startedBy(c, c.owner, pipelineId, by(`x${anna.email}`))
  for (const reader of [anna, c.owner]) {
    const runs = c.as(reader).client(RunService)
    const pages: string[][] = []
    for (let pageToken = ''; ; ) {
      const page = await runs.listRuns({ personId: anna.userId, pageSize: 2, pageToken })
      pages.push(page.runs.map(({ id }) => id))
      pageToken = page.nextPageToken
      if (!pageToken) break
    }
    expect(pages.map(({ length }) => length)).toEqual([2, 2, 1])
    expect(pages.flat()).toEqual(mine.toReversed())
    const here = await runs.listRuns({ personId: anna.userId, projectId: other.projectId })
    expect(here.runs.map(({ id }) => id)).toEqual([mine[3]])
    const byOwner = await runs.listRuns({ personId: anna.userId, projectId, startedBy: c.owner.userId })
    expect(byOwner.runs.map(({ id }) => id)).toEqual([mine[4], mine[1]])
  }
  // More than are read at a time.
  const many: string[] = []
  for (let i = 0; i < 30; i++) many.push(await startedBy(c, anna, other.pipelineId))
  const all = await c.as(anna).client(RunService).listRuns({ personId: anna.userId, projectId: other.projectId })
  expect(all.runs.map(({ id }) => id)).toEqual([mine[3]!, ...many].toReversed())
})

test('a person is one whom the caller may see, and shows no run that they may not', async () => {
  await using c = await startController()
  const here = await withPipeline(c)
  const there = await withPipeline(c)
  const anna = await c.addUser({ role: Role.DEVELOPER })
  const guest = await c.addUser({ role: Role.VIEWER, projectId: here.projectId })
  const neighbour = await c.addUser({ role: Role.DEVELOPER, projectId: there.projectId })
  const abroad = await c.addUser({ role: Role.OWNER, organizationId: await c.addOrganization() })
  const blind = await c.addUser({ role: Role.VIEWER, scopes: ['run.read'] })
  const seen = await startedBy(c, anna, here.pipelineId)
  await startedBy(c, anna, there.pipelineId)
  const idsOf = async (reader: TestUser, personId: string) =>
    (await c.as(reader).client(RunService).listRuns({ personId })).runs.map(({ id }) => id)
  expect(await idsOf(guest, anna.userId)).toEqual([seen])
  expect(await idsOf(guest, guest.userId)).toEqual([])
  expect(await idsOf(blind, blind.userId)).toEqual([])
  expect(await idsOf(c.owner, neighbour.userId)).toEqual([])
  // The same whether there is nobody, or nobody whom they may see.
  const refused: [TestUser, string][] = [
    [guest, neighbour.userId],
    [c.owner, abroad.userId],
    [abroad, anna.userId],
    [blind, anna.userId],
    [c.owner, here.projectId],
    [c.owner, 'me'],
    [c.owner, '%'],
    [c.owner, 'x'.repeat(5000)],
  ]
  for (const [reader, personId] of refused) {
    await expect(idsOf(reader, personId)).rejects.toThrow(
      '[invalid_argument] person_id: must be your own id, or that of a member whom you may see',
    )
  }
})

test('each half of the runs of a person is read from its own index, in order', async () => {
  await using c = await startController()
  const { projectId, pipelineId } = await withPipeline(c)
  for (let i = 0; i < 3; i++) await startedBy(c, c.owner, pipelineId)
  const kysely = c.db.kysely<RunTables>()
  const { userId, email } = c.owner
  const queries = personQueries(
    c.db.dialect,
    kysely,
    { userId, email },
    {
      fits: (eb) => eb.and([eb('organization_id', 'in', [c.owner.organizationId]), eb('project_id', '=', projectId)]),
      before: 'f'.repeat(36),
      size: 50,
    },
  )
  const plans: string[] = []
  for (const query of queries) {
    const { sql, parameters } = query.compile()
    const explain = c.db.dialect === 'sqlite' ? 'explain query plan' : 'explain'
    const { rows } = await kysely.executeQuery<object>(CompiledQuery.raw(`${explain} ${sql}`, [...parameters]))
    expect(rows).toHaveLength(1)
    plans.push(JSON.stringify(rows[0]))
  }
  for (const [at, column] of ['started_by', 'author_mail'].entries()) {
    expect(plans[at]).toContain(`run_${column}_id_index`)
    expect(plans[at]).not.toMatch(/filesort|temp b-tree|\bSCAN\b/i)
    if (c.db.dialect === 'sqlite') expect(plans[at]).toContain(`(${column}=? AND id<?)`)
  }
})
