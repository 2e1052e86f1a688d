// Who else writes when a run changes: their rows are there exactly when the run's change is, whatever fails.
import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { AgentService } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { isTerminal } from '@ansflow/proto/status'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startController, type TestController, testDatabase } from '../../../test/start-controller.ts'
import { waitFor } from '../../../test/wait-for.ts'
import { feature } from '../../feature.ts'
import { createLog } from '../../platform/log.ts'
import type { StatementTap } from '../../platform/statement-tap.ts'
import { registerFakeAgent } from '../agents/test/fake-agent.ts'
import type { RunChange } from './participant.ts'

/** Fails the statement that many from now, before or after it was carried out. */
let armed: { left: number; after: boolean } | undefined
let seen = 0
const fault = testDatabase().kind === 'sqlite' ? { code: 'ERR_SQLITE_ERROR', errcode: 13 } : { code: 'ECONNRESET' }
const tap: StatementTap = async (_sql, run, cut) => {
  seen++
  if (!armed || --armed.left !== 0) return run()
  const { after } = armed
  armed = undefined
  if (testDatabase().kind === 'mysql') {
    if (after) await run()
    cut()
  }
  throw Object.assign(new Error('injected'), fault)
}

const wanted: RunChange[] = []
const witness = feature({
  name: 'witness',
  entities: [],
  async open({ db }) {
    await db.em().execute('create table witness (run_id varchar(36), what varchar(16), steps int)')
    return {
      participants: [
        {
          name: 'witness',
          wants: (change) => change.started || change.ended || change.steps.size > 0,
          async write(to, changes) {
            wanted.push(...changes)
            if (changes.some(({ run }) => run.meta.pipelineName === 'refused')) throw new Error('The witness refuses.')
            await to
              .kysely<{ witness: { run_id: string; what: string; steps: number } }>()
              .insertInto('witness')
              .values(
                changes.map(({ run, started, ended, steps }) => ({
                  run_id: run.meta.runId,
                  what: started ? 'started' : ended ? 'ended' : 'changed',
                  steps: steps.size,
                })),
              )
              .execute()
          },
        },
      ],
    }
  },
})

let c: TestController
beforeEach(async () => {
  c = await startController({ overrides: { features: [witness], statementTap: tap, log: createLog('silent') } })
})
afterEach(() => c[Symbol.asyncDispose]())

async function pipeline(name: string): Promise<string> {
  const yaml = `name: ${name}\nsteps:\n  one: { run: "true" }\n`
  const projectId = await c.addProject()
  const { pipeline } = await c.as(c.owner).client(PipelineService).applyPipeline({ projectId, yaml, publish: true })
  return pipeline?.id ?? ''
}

/** What the witness has of each run, and what the run's own rows say. */
async function compare(): Promise<void> {
  const runs = await c.db.em().execute<{ id: string; status: number }[]>('select id, status from run')
  const told = await c.db.em().execute<{ run_id: string; what: string }[]>('select run_id, what from witness')
  const count = (id: string, what: string) => told.filter((row) => row.run_id === id && row.what === what).length
  for (const { id, status } of runs) {
    const ended = isTerminal(status)
    expect({ id, started: count(id, 'started'), ended: count(id, 'ended') }).toEqual({
      id,
      started: 1,
      ended: ended ? 1 : 0,
    })
  }
  expect(told.filter(({ run_id }) => !runs.some(({ id }) => id === run_id))).toEqual([])
}

test.each([false, true])(
  'a statement fails (after it was carried out: %s)',
  async (after) => {
    const pipelineId = await pipeline('p')
    const runs = c.as(c.owner).client(RunService)
    const go = async (at: number) => {
      armed = { left: at, after }
      const from = seen
      const started = await runs.startRun({ pipelineId }).catch(() => undefined)
      const runId = started?.run?.id
      if (runId) await runs.cancelRun({ runId }).catch(() => undefined)
      armed = undefined
      return seen - from
    }
    const whole = await go(0)
    await compare()
    for (let at = 1; at <= whole; at++) await go(at)
    await compare()
    expect(await c.db.em().execute('select * from witness')).not.toEqual([])
  },
  60_000,
)

test('a run whose participant throws is refused; the others of the same commit go on', async () => {
  const [good, bad] = [await pipeline('p'), await pipeline('refused')]
  const runs = c.as(c.owner).client(RunService)
  const started = await Promise.allSettled([good, bad, good].map((pipelineId) => runs.startRun({ pipelineId })))
  expect(started.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  const names = await c.db.em().execute<{ pipeline_name: string }[]>('select pipeline_name from run')
  expect(names.map((row) => row.pipeline_name)).toEqual(['p', 'p'])
  await compare()
})

test('it gets what changed: the steps and jobs of each commit, and the end', async () => {
  const { token } = await c.as(c.owner).client(AgentService).createRegistrationToken({})
  const agent = await registerFakeAgent(c.grpcAddress, token)
  try {
    const control = agent.control()
    await control.hello()
    wanted.length = 0
    const { run } = await c
      .as(c.owner)
      .client(RunService)
      .startRun({ pipelineId: await pipeline('p') })
    const { job } = await control.take()
    control.say({ case: 'started', value: { job } })
    control.say({ case: 'finished', value: { job, outcome: Outcome.SUCCEEDED, exitCode: 0 } })
    await control.hear('finishedAck')
    await waitFor(() => wanted.some(({ ended }) => ended))
    const of = wanted.filter(({ run: { meta } }) => meta.runId === run?.id)
    expect(of[0]).toMatchObject({ started: true, ended: false })
    expect([...of[0]!.jobs].map(({ step }) => step.definition.id)).toEqual(['one'])
    expect(of.at(-1)).toMatchObject({ started: false, ended: true })
    expect([...of.at(-1)!.steps].map(({ definition }) => definition.id)).toEqual(['one'])
    await compare()
  } finally {
    agent.close()
  }
})
