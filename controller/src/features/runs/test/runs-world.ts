// A run driver on a real database with agents that are a few lines of test.
import { inFileOrder } from '@ansflow/engine/plan'
import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { PipelineGraphSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { isTerminal, StepStatus } from '@ansflow/proto/status'
import { byPerson } from '@ansflow/proto/triggers/run-origin'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { testDatabase } from '../../../../test/start-controller.ts'
import { memoryBus } from '../../../platform/bus.ts'
import { manualClock } from '../../../platform/clock.ts'
import { type Db, type Entities, openDb } from '../../../platform/db.ts'
import { uuidv7 } from '../../../platform/ids.ts'
import { createLog } from '../../../platform/log.ts'
import { variablesFeature } from '../../variables/index.ts'
import { loadRun } from '../driver/load-run.ts'
import type { RunDriverDeps } from '../driver/run-driver.ts'
import * as runs from '../index.ts'
import { type RunTables, timesOf } from '../run-tables.ts'
import { claimJob } from './claim-job.ts'
import { queuedJobs } from './queued-jobs.ts'

type Steps = NonNullable<MessageInitShape<typeof PipelineGraphSchema>['steps']>

export interface RunsWorld extends AsyncDisposable {
  db: Db
  clock: ReturnType<typeof manualClock>
  driver: runs.RunDriver
  /** Another controller on the same database. */
  newDriver(over?: Partial<RunDriverDeps>): runs.RunDriver
  startOf(steps: Steps, over?: Partial<runs.RunStart>): runs.RunStart
  start(steps: Steps, over?: Partial<runs.RunStart>): Promise<string>
  claim(jobId: string, agentId?: string, driver?: runs.RunDriver): Promise<runs.OfferedJob | null>
  /** Claims and runs everything that can be, until the run has ended. */
  finish(runId: string, driver?: runs.RunDriver, outcome?: (stepId: string) => Outcome): Promise<void>
  report(job: runs.OfferedJob, outcome?: Outcome, driver?: runs.RunDriver): Promise<void>
  load(runId: string): ReturnType<typeof loadRun>
  /** "a:succeeded b:blocked" */
  statuses(runId: string): Promise<string>
}

export const agentA = '00000000-0000-7000-8000-00000000000a'
export const agentB = '00000000-0000-7000-8000-00000000000b'

/** `entities`: of those who write with the runs. */
export async function openRuns(
  level: Parameters<typeof createLog>[0] = 'error',
  entities: Entities = [],
): Promise<RunsWorld> {
  const log = createLog(level)
  const all = [...runs.runsFeature.entities, ...variablesFeature.entities, ...entities]
  const db = await openDb(testDatabase(), all)
  await db.orm.schema.ensureDatabase()
  await db.orm.schema.create()
  const clock = manualClock()
  const bus = memoryBus(log)
  const drivers: runs.RunDriver[] = []
  const newDriver = (over?: Partial<RunDriverDeps>) => {
    const driver = runs.createRunDriver({ db, bus, clock, log, ...over })
    drivers.push(driver)
    return driver
  }
  const first = newDriver()
  const pipelineId = uuidv7()
  const projectId = uuidv7()
  const world: RunsWorld = {
    db,
    clock,
    driver: first,
    newDriver,
    startOf: (steps, over) => ({
      organizationId: uuidv7(),
      projectId,
      projectSlug: 'project',
      pipelineId,
      pipelineName: 'test',
      version: 1,
      graph: create(PipelineGraphSchema, {
        name: 'test',
        steps: steps.map((step) => ({ uses: 'custom', with: { script: 'true' }, ...step })),
      }),
      inputs: {},
      origin: byPerson(uuidv7(), 'Ada'),
      ...over,
    }),
    start: async (steps, over) => (await first.start(world.startOf(steps, over))).id,
    claim: (jobId, agentId = agentA, driver = first) => claimJob({ db, driver }, jobId, agentId),
    async report(job, outcome = Outcome.SUCCEEDED, driver = first) {
      const id = { jobId: job.jobId, epoch: job.epoch }
      await driver.submit(job.runId, { type: 'jobAccepted', ...id })
      await driver.submit(job.runId, { type: 'jobStarted', ...id })
      const exitCode = outcome === Outcome.SUCCEEDED ? 0 : 1
      await driver.submit(job.runId, { type: 'jobFinished', ...id, outcome, exitCode, outputs: { v: job.spec.stepId } })
    },
    async finish(runId, driver = first, outcome = () => Outcome.SUCCEEDED) {
      for (;;) {
        const waiting = (await queuedJobs(db, 1000)).filter((job) => job.runId === runId)
        if (waiting.length === 0) break
        for (const { jobId } of waiting) {
          const job = await world.claim(jobId, agentA, driver)
          if (job) await world.report(job, outcome(job.spec.stepId), driver)
        }
      }
      const status = (await world.load(runId))?.state.status
      if (status === undefined || !isTerminal(status)) throw new Error('the run has not ended')
    },
    load: (runId) => loadRun(db.kysely<RunTables>(), timesOf(db), runId),
    async statuses(runId) {
      const run = await world.load(runId)
      return [...(run ? inFileOrder(run.state) : [])]
        .map((step) => `${step.id}:${StepStatus[step.status].toLowerCase()}`)
        .join(' ')
    },
    async [Symbol.asyncDispose]() {
      for (const driver of drivers) await driver.stop()
      await bus.close()
      if (db.dialect === 'mysql') await db.orm.schema.dropDatabase()
      await db.close()
    },
  }
  return world
}
