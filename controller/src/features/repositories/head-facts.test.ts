import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { expect, test } from 'vitest'
import { ForgeWorld } from '../../../test/forge-world.ts'
import { waitFor } from '../../../test/wait-for.ts'

const steps = 'steps: { one: { run: "true" } }\n'

test('what a schedule starts is for the head of the branch that its file is of', async () => {
  const nightly = `name: nightly\non: { schedule: [{ cron: "0 3 * * *" }] }\n${steps}`
  await using world = await ForgeWorld.start({ files: { '.ansflow/nightly.yaml': nightly } })
  const { controller, owner, projectId } = world
  const pipelines = owner.client(PipelineService)
  const pipeline = await waitFor(async () =>
    (await pipelines.listPipelines({ projectId })).pipelines.find(({ name }) => name === 'nightly'),
  )
  const commit = world.head()
  const { db } = controller
  const schedules = db.kysely<{ schedule: { pipeline_id: string; next_at: unknown } }>()
  const isDue = schedules
    .updateTable('schedule')
    .set({ next_at: db.toColumn(new Date(Date.now() - 1000)) })
    .where('pipeline_id', '=', pipeline.id)
  await waitFor(async () => (await isDue.executeTakeFirst()).numUpdatedRows === 1n)
  const run = await waitFor(async () => (await world.runs()).find(({ pipelineName }) => pipelineName === 'nightly'))
  const { origin } = (await owner.client(RunService).getRun({ runId: run.id })).run!
  expect(origin!.cause.case).toBe('schedule')
  expect(origin!.git).toMatchObject({
    repositoryId: world.repositoryId,
    repositoryName: 'acme/shop',
    ref: 'refs/heads/main',
    branch: 'main',
    commit,
    event: '',
    author: 'T <t@localhost>',
  })
  expect(origin!.verified).toBe(true)
}, 60_000)
