// GetRun answers the same object until something of the run changes, and never what was.

import { Role } from '@ansflow/proto/access'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { ProjectService } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import { type GetRunResponse, RunSchema, RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { atOnce } from '@ansflow/proto/pieces'
import { toJson } from '@bufbuild/protobuf'
import { Code, ConnectError, createClient } from '@connectrpc/connect'
import { createConnectTransport } from '@connectrpc/connect-node'
import { expect, test } from 'vitest'
import { startController, type TestController } from '../../../../test/start-controller.ts'
import { waitFor } from '../../../../test/wait-for.ts'
import { moveJobLog } from '../jobs/job-logs.ts'
import { queuedJobs } from '../test/queued-jobs.ts'
import { openRuns, type RunsWorld } from '../test/runs-world.ts'
import { presentRun } from './present-run.ts'
import { createRunAnswers } from './run-answers.ts'

const json = (answer: GetRunResponse | undefined) => toJson(RunSchema, answer!.run!)

async function stored(world: RunsWorld, runId: string) {
  const { state, belongs, seq } = (await world.load(runId))!
  return toJson(RunSchema, atOnce(presentRun(state, belongs, seq)))
}

test('the same object while nothing changes, what the rows say after every change', async () => {
  await using world = await openRuns()
  const answers = createRunAnswers(world.db)
  const other = world.newDriver()
  const runId = await world.start([{ id: 'a' }, { id: 'b', needs: [{ stepId: 'a' }] }])
  const seen = new Set<GetRunResponse>()
  const look = async () => {
    const answer = await answers.read(runId)
    expect(json(answer)).toEqual(await stored(world, runId))
    expect(await answers.read(runId)).toBe(answer)
    expect(seen).not.toContain(answer)
    seen.add(answer!)
  }
  await look()
  const [{ jobId } = { jobId: '' }] = await queuedJobs(world.db, 1)
  const job = (await world.claim(jobId))!
  await look()
  await other.submit(runId, { type: 'jobStarted', jobId, epoch: job.epoch })
  await look()
  // A log grows, and is complete, without a change of its run.
  await world.db.transaction((em) => moveJobLog(em, jobId, 0, { size: 7, complete: false }))
  await look()
  await world.report(job)
  await look()
  await world.db.transaction((em) => moveJobLog(em, jobId, 7, { size: 9, complete: true }))
  await look()
  await world.finish(runId)
  await look()
  await world.db.kysely().deleteFrom('run').where('id', '=', runId).execute()
  expect(await answers.read(runId)).toBeUndefined()
})

test('whoever asks while the run goes on hears of everything that was committed before they asked', async () => {
  await using world = await openRuns()
  const answers = createRunAnswers(world.db)
  const runId = await world.start(Array.from({ length: 12 }, (_, n) => ({ id: `s${n}` })))
  let isOver = false
  const asking = Array.from({ length: 5 }, async () => {
    let count = 0
    for (; !isOver; count++) {
      const { seq } = (await world.load(runId))!
      expect((await answers.read(runId))!.run!.seq).toBeGreaterThanOrEqual(seq)
    }
    return count
  })
  await world.finish(runId).finally(() => {
    isOver = true
  })
  for (const count of await Promise.all(asking)) expect(count).toBeGreaterThan(3)
  expect(json(await answers.read(runId))).toEqual(await stored(world, runId))
})

test('what was used longest ago goes when there is too much, and what is too large is not kept at all', async () => {
  await using world = await openRuns()
  const small = [{ id: 'a' }]
  const ids = await Promise.all([world.start(small), world.start(small), world.start(small)])
  const [first = '', second = '', third = ''] = ids
  const large = await world.start(Array.from({ length: 20 }, (_, n) => ({ id: `s${n}` })))
  const answers = createRunAnswers(world.db, 30 * 1024)
  const [one, two] = [await answers.read(first), await answers.read(second)]
  expect(await answers.read(first)).toBe(one)
  await answers.read(third)
  expect(await answers.read(first)).toBe(one)
  expect(await answers.read(second)).not.toBe(two)
  const much = await answers.read(large)
  expect(json(much)).toEqual(await stored(world, large))
  expect(await answers.read(large)).not.toBe(much)
})

const fan = `name: fan\nsteps:\n${Array.from({ length: 30 }, (_, n) => `  s${n}: { run: "true" }\n`).join('')}`

async function startFan(c: TestController) {
  const projectId = await c.addProject()
  const { pipeline } = await c
    .as(c.owner)
    .client(PipelineService)
    .applyPipeline({ projectId, yaml: fan, publish: true })
  const { run } = await c.as(c.owner).client(RunService).startRun({ pipelineId: pipeline!.id })
  return { projectId, runId: run!.id }
}

test('it is the same through every door, again and again, and after a change', async () => {
  await using c = await startController()
  const { runId } = await startFan(c)
  const authorization = `Bearer ${c.owner.token}`
  const bytes = createConnectTransport({
    baseUrl: `${c.url}/api`,
    httpVersion: '1.1',
    useBinaryFormat: true,
    interceptors: [
      (next) => (request) => {
        request.header.set('authorization', authorization)
        return next(request)
      },
    ],
  })
  const plain = async () => {
    const headers = { authorization, 'content-type': 'application/json', 'accept-encoding': 'identity' }
    const url = `${c.url}/api/ansflow.v1.RunService/GetRun`
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ runId }) })
    return (await response.json()) as { run: unknown }
  }
  const runs = c.as(c.owner).client(RunService)
  const grpc = c.grpcClient(RunService, c.owner.token)
  const doors = [
    async () => json(await runs.getRun({ runId })),
    async () => json(await createClient(RunService, bytes).getRun({ runId })),
    async () => json((await grpc.getRun({ runId })) as GetRunResponse),
    async () => (await plain()).run,
  ]
  const answers = async () => Promise.all([...doors, ...doors].map((door) => door()))
  // Why they wait is found out right behind the start.
  const isSaid = async () =>
    (await runs.getRun({ runId })).run?.steps.every(({ reasonInfo }) => reasonInfo?.code === 'no_agent')
  await waitFor(isSaid)
  const before = await answers()
  for (const one of [...before, ...(await answers())]) expect(one).toEqual(before[0])
  expect(before[0]).toMatchObject({ status: 'RUN_STATUS_QUEUED' })
  await runs.cancelRun({ runId })
  const after = await answers()
  for (const one of after) expect(one).toEqual(after[0])
  expect(after[0]).toMatchObject({ status: 'RUN_STATUS_CANCELED' })
})

test('nobody sees it who may not, and it goes with its project', async () => {
  await using c = await startController()
  const { projectId, runId } = await startFan(c)
  const code = async (work: Promise<unknown>) => ConnectError.from(await work.catch((error: unknown) => error)).code
  const runs = c.as(c.owner).client(RunService)
  await runs.getRun({ runId })
  const stranger = await c.addUser({ role: Role.OWNER, organizationId: await c.addOrganization() })
  expect(await code(c.as(stranger).client(RunService).getRun({ runId }))).toBe(Code.NotFound)
  expect(await code(c.as(undefined).client(RunService).getRun({ runId }))).toBe(Code.Unauthenticated)
  await runs.cancelRun({ runId })
  await runs.getRun({ runId })
  await c.as(c.owner).client(ProjectService).deleteProject({ projectId })
  expect(await code(runs.getRun({ runId }))).toBe(Code.NotFound)
})
