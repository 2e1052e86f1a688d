// What a run's page tells of who did what, and of what waited for what.
import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { AgentService } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { type RunEvent, RunEventKind, RunService, RunStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { starterOf } from '@ansflow/proto/triggers/run-origin'
import { timestampMs } from '@bufbuild/protobuf/wkt'
import { Code } from '@connectrpc/connect'
import { expect, test } from 'vitest'
import { startController, type TestController } from '../../../../test/start-controller.ts'
import { waitFor } from '../../../../test/wait-for.ts'
import { manualClock } from '../../../platform/clock.ts'
import { registerFakeAgent } from '../../agents/test/fake-agent.ts'

async function start(c: TestController, projectId: string, yaml: string): Promise<string> {
  const pipelines = c.as(c.owner).client(PipelineService)
  const { pipeline } = await pipelines.applyPipeline({ projectId, yaml, publish: true })
  return (await c.as(c.owner).client(RunService).startRun({ pipelineId: pipeline!.id })).run!.id
}

/** As a console reads it: page by page, the later of two with one id counts. */
async function eventsOf(c: TestController, runId: string, over: { pageSize?: number; withoutWaits?: boolean } = {}) {
  const found = new Map<string, RunEvent>()
  for (let pageToken = ''; ; ) {
    const answer = await c
      .as(c.owner)
      .client(RunService)
      .listRunEvents({ runId, pageToken, ...over })
    for (const event of answer.events) {
      found.set(event.id, event.reason === '' ? { ...event, reason: found.get(event.id)?.reason ?? '' } : event)
    }
    if (answer.nextPageToken === '') return { events: [...found.values()], resumeToken: answer.resumeToken }
    pageToken = answer.nextPageToken
  }
}

test('a run tells who started, canceled and repeated it, what it waited for and what was tried again', async () => {
  const clock = manualClock()
  await using c = await startController({ overrides: { clock } })
  const runs = c.as(c.owner).client(RunService)
  const projectId = await c.addProject()
  const { token } = await c.as(c.owner).client(AgentService).createRegistrationToken({})
  const agent = await registerFakeAgent(c.grpcAddress, token)
  const control = agent.control()
  await control.hello({ slots: 4 })

  await start(c, projectId, 'name: first\nsteps: { a: { run: "true", locks: [db] } }\n')
  const holder = await control.take()
  const runId = await start(c, projectId, 'name: second\nsteps: { b: { run: "true", locks: [db], retry: 1 } }\n')
  const why = 'Waits for lock db: held by step a of run #1 of first.'
  await waitFor(async () => (await runs.getRun({ runId })).run?.steps[0]?.reason === why)
  const before = await eventsOf(c, runId)
  expect(before.events.map(({ kind, until }) => [kind, until])).toEqual([
    [RunEventKind.STARTED, undefined],
    [RunEventKind.WAITED, undefined],
  ])
  await clock.advance(5000)
  await control.succeed(holder.job)
  const first = await control.take()
  control.say({ case: 'started', value: { job: first.job } })
  control.say({ case: 'finished', value: { job: first.job, outcome: Outcome.FAILED, exitCode: 1 } })
  const second = await control.take()
  control.say({ case: 'started', value: { job: second.job } })
  await runs.cancelRun({ runId })
  control.say({ case: 'finished', value: { job: second.job, outcome: Outcome.CANCELED } })
  await waitFor(async () => (await runs.getRun({ runId })).run?.status === RunStatus.CANCELED)
  const { run: again } = await runs.rerunRun({ runId })

  const { events } = await eventsOf(c, runId)
  const { name } = starterOf((await runs.getRun({ runId })).run?.origin)
  expect(name).not.toBe('')
  expect(events.map(({ kind, stepId, attempt, by, reason }) => [kind, stepId, attempt, by, reason])).toEqual([
    [RunEventKind.STARTED, '', 0, name, ''],
    [RunEventKind.WAITED, 'b', 0, '', why],
    [RunEventKind.RETRIED, 'b', 2, '', ''],
    [RunEventKind.CANCELED, '', 0, name, ''],
    [RunEventKind.ENDED, '', 0, '', ''],
    [RunEventKind.RERUN, '', 0, name, ''],
  ])
  const waited = events[1]!
  expect(timestampMs(waited.until!) - timestampMs(waited.at!)).toBeGreaterThanOrEqual(5000)
  expect(events.at(-2)?.status).toBe(RunStatus.CANCELED)
  expect(events.at(-1)).toMatchObject({ otherRunId: again!.id, otherRunNumber: 2 })
  const ids = (all: RunEvent[]) => all.map(({ id }) => id).sort()
  const singly = await eventsOf(c, runId, { pageSize: 1 })
  expect(ids(singly.events)).toEqual(ids(events))
  expect(singly.events.find(({ id }) => id === waited.id)).toMatchObject({ until: waited.until, reason: why })
  const plain = await eventsOf(c, runId, { withoutWaits: true })
  expect(ids(plain.events)).toEqual(ids(events.filter(({ id }) => id !== waited.id)))
  // Whoever read it while it went on reads on from there.
  const { events: since } = await runs.listRunEvents({ runId, pageToken: before.resumeToken })
  expect(ids(since)).toEqual(ids(events.slice(1)))

  const { events: repeated } = await eventsOf(c, again!.id)
  expect(repeated[0]).toMatchObject({ kind: RunEventKind.STARTED, otherRunId: runId, otherRunNumber: 1 })
  await expect(runs.listRunEvents({ runId, pageToken: 'x' })).rejects.toMatchObject({ code: Code.InvalidArgument })
  const open = Buffer.from(JSON.stringify(['1', '', '', '[1]'])).toString('base64url')
  await expect(runs.listRunEvents({ runId, pageToken: open })).rejects.toMatchObject({ code: Code.InvalidArgument })
  control.cut()
  agent.close()
})
