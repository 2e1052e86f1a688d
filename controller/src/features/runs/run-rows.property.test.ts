// What is stored is all there is: random runs through the driver and the database, which other drivers take up again and again, are
// what the engine alone makes of the same events.
import type { StoredRun } from '@ansflow/engine/plan'
import type { PipelineGraph } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { atOnce } from '@ansflow/proto/pieces'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { choices, graphArbitrary } from '../../../../engine/test/graph-arbitrary.ts'
import * as engine from '../../../../engine/test/world.ts'
import { manualClock } from '../../platform/clock.ts'
import { uuidv7 } from '../../platform/ids.ts'
import { openRuns, type RunsWorld } from './test/runs-world.ts'
import { presentRun } from './views/present-run.ts'

type Entry = { event: engine.World['log'][number]['event']; result: string; at: Date; by: [string, number] | undefined }

/** A random run of the engine alone; `undefined` where another process takes it up. */
function alone(graph: Parameters<typeof engine.newWorld>[0], order: number[]) {
  const history: (Entry | undefined)[] = []
  const world = engine.newWorld(graph, ({ result }, event) => {
    const job = 'jobId' in event ? world.state.jobs.get(event.jobId) : undefined
    const by: Entry['by'] = job && [job.step.id, job.attempt]
    history.push({ event, result, at: world.now, by })
  })
  world.restart = (state) => {
    history.push(undefined)
    return state
  }
  engine.apply(world, { type: 'started' })
  for (const choice of order) engine.tick(world, choice)
  return { world, history }
}

/** The same events through the database. Jobs, approvals and other runs have ids of their own there. */
async function stored(on: RunsWorld, graph: Parameters<typeof engine.newWorld>[0], history: (Entry | undefined)[]) {
  const meta = engine.testMeta()
  const pipelineId = uuidv7()
  await on.db
    .kysely()
    .insertInto('run_counter')
    .values({ pipeline_id: pipelineId, last: meta.number - 1 })
    .execute()
  const clock = manualClock(engine.epochStart)
  let driver = on.newDriver({ clock })
  const { id: runId } = await driver.start(on.startOf([], { graph, pipelineId, version: meta.version }))
  for (const entry of history.slice(1)) {
    if (!entry) {
      await driver.stop()
      driver = on.newDriver({ clock })
      continue
    }
    clock.advance(entry.at.getTime() - clock.now().getTime())
    const event = { ...entry.event }
    if ('jobId' in event && entry.by) event.jobId = await jobIdOf(on, runId, ...entry.by)
    const awaits = 'stepId' in event ? (await on.load(runId))!.state.steps.get(event.stepId)?.awaits : null
    if ('approvalId' in event && event.approvalId !== 'another' && awaits?.kind === 'approval') {
      event.approvalId = awaits.id
    }
    if ('childId' in event && event.childId !== 'another' && awaits?.kind === 'run') event.childId = awaits.id
    const result = await driver.submit(runId, event)
    // The driver's own timer may have been first.
    if (event.type !== 'timer') expect([event, result]).toEqual([event, entry.result])
  }
  await driver.stop()
  return (await on.load(runId))!
}

async function jobIdOf(on: RunsWorld, runId: string, stepId: string, attempt: number): Promise<string> {
  const row = await on.db
    .kysely<{ job: { id: string; run_id: string; step_id: string; attempt: number } }>()
    .selectFrom('job')
    .select('id')
    .where('run_id', '=', runId)
    .where('step_id', '=', stepId)
    .where('attempt', '=', attempt)
    .executeTakeFirstOrThrow()
  return row.id
}

/** Without the ids of jobs, approvals and runs, and when offers were made, which the database's clock says. */
function comparable({ head, steps, jobs, pins }: StoredRun) {
  const place = ({ stepId, attempt }: (typeof jobs)[number]) => `${stepId} ${attempt}`
  return {
    head,
    steps: steps
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .map(({ awaits, outputs, ...step }) => ({
        ...step,
        awaits: awaits && 'id' in awaits ? { ...awaits, id: '' } : awaits,
        outputs: outputs?.runId ? { ...outputs, runId: '' } : outputs,
      })),
    jobs: jobs
      .toSorted((a, b) => (place(a) < place(b) ? -1 : 1))
      .map(({ id, offeredAt, ...job }) => ({
        ...job,
        wasOffered: offeredAt !== null && job.epoch > 0 && job.agentId !== '',
      })),
    pins: [...pins].sort(),
  }
}

/** Chance comes from the ids of jobs, which are others here and there. */
function withoutJitter(graph: PipelineGraph): PipelineGraph {
  return {
    ...graph,
    steps: graph.steps.map((step) => (step.retry ? { ...step, retry: { ...step.retry, jitter: 0 } } : step)),
  }
}

test('a run that is stored and taken up at any moment is what the engine makes of the same events', {
  timeout: 300_000,
}, async () => {
  await using on = await openRuns()
  await fc.assert(
    fc.asyncProperty(graphArbitrary, choices, async (drawn, order) => {
      const graph = withoutJitter(drawn)
      const { world, history } = alone(graph, order)
      const run = await stored(on, graph, history)
      expect(comparable(engine.storedOf(run.state))).toEqual(comparable(engine.storedOf(world.state)))
      expect(atOnce(presentRun(run.state, run.belongs, run.seq)).steps).toHaveLength(world.state.steps.size)
    }),
    { numRuns: on.db.dialect === 'sqlite' ? 150 : 40 },
  )
})
