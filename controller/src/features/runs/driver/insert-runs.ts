// Begins runs inside a transaction: their numbers, their frozen graphs, their first jobs.
import { createHash } from 'node:crypto'
import { advance } from '@ansflow/engine/advance'
import { planRun, type Reuse } from '@ansflow/engine/plan'
import type { RunEnvironment } from '@ansflow/engine/state'
import type { InheritedVariable } from '@ansflow/engine/variables-of'
import { type PipelineGraph, PipelineGraphSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { RunOrigin } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { type JsonObject, toBinary } from '@bufbuild/protobuf'
import { sql } from 'kysely'
import type { Db } from '../../../platform/db.ts'
import { uuidv7 } from '../../../platform/ids.ts'
import { prepared } from '../../../platform/message-pieces.ts'
import { statement } from '../../../platform/statement.ts'
import type { Act } from '../../../transport/call.ts'
import { inheritedIn, inheritedJson } from '../../variables/index.ts'
import type { RunTables } from '../run-tables.ts'
import { environmentsFor } from './run-environments.ts'
import { addChanges, isLargeRun, newWork, paced, type RunWork, sizeOf } from './run-work.ts'
import { makeRows, type Writing } from './write-runs.ts'

export interface RunStart {
  organizationId: string
  projectId: string
  projectSlug: string
  pipelineId: string
  pipelineName: string
  /** 0: the frozen draft. */
  version: number
  graph: PipelineGraph
  /** Checked, with defaults. */
  inputs: JsonObject
  origin: RunOrigin
  /** Of the run, where whoever starts it knows it beforehand: it is begun once, however often it is asked for. */
  runId?: string
  rerunOf?: string
  /** What it takes over of that one. */
  reuse?: Reuse
  /** Instead of the pipeline's. */
  priority?: number | undefined
  /** Who asked for it. */
  act?: Act
}

/** A run as it begins. */
export interface PlannedRun {
  number: number
  work: RunWork
  graph: { hash: string; data: Uint8Array }
  /** What the pipeline's counter said. */
  lastNumber: number | undefined
}

export interface IdentifiedStart extends RunStart {
  /** Made before the first COMMIT, so that a run whose COMMIT was not answered can be found. */
  runId: string
  /** It may have been begun before: its id was given, or a transaction with it has failed, and what became of that is not known. */
  tried: boolean
  /** Made before the transaction, with the number that it is going to get if no other controller begins a run just then. */
  planned?: PlannedRun | undefined
  /** Read with the number. */
  variables?: InheritedVariable[]
  environments?: RunEnvironment[]
}

/** For each start a run to be written, or its id where it has been begun before. */
export async function beginRuns(to: Writing, starts: IdentifiedStart[]): Promise<(RunWork | string)[]> {
  const byPipeline = Map.groupBy(starts.keys(), (index) => starts[index]!.pipelineId)
  const begun: (RunWork | string)[] = []
  // In order of their ids, so that two controllers never wait for each other.
  for (const pipelineId of [...byPipeline.keys()].sort()) {
    const own = new Set<string>()
    const fresh: number[] = []
    for (const index of byPipeline.get(pipelineId)!) {
      const start = starts[index]!
      if (await isBegun(to, start)) begun[index] = start.runId
      else fresh.push(index)
    }
    if (fresh.length === 0) continue
    const last = starts[fresh[0]!]!.planned?.lastNumber
    let number = (await takeNumbers(to, pipelineId, fresh.length, last)) - fresh.length
    for (const index of fresh) {
      const start = starts[index]!
      // Looked for again under the counter's lock: another controller may have been first.
      if (own.has(start.runId) || (await isBegun(to, start))) {
        begun[index] = start.runId
        continue
      }
      const work = await beginRun(to, start, ++number)
      own.add(start.runId)
      begun[index] = work
    }
  }
  return begun
}

async function isBegun({ db }: Writing, { runId, tried }: IdentifiedStart): Promise<boolean> {
  if (!tried) return false
  return (await db.selectFrom('run').select('id').where('id', '=', runId).executeTakeFirst()) !== undefined
}

/** Answers the last of `count` numbers that are now ours. The row stays locked until the commit. `before`: what it probably is. */
async function takeNumbers(
  { db, dialect }: Writing,
  pipelineId: string,
  count: number,
  before: number | undefined,
): Promise<number> {
  if (before !== undefined) {
    const last = before + count
    if ((await raiseCounter.changed(db, { pipelineId, before, last })) === 1n) return last
  }
  const insert = db.insertInto('run_counter').values({ pipeline_id: pipelineId, last: count })
  const raised = sql<number>`${sql.ref('run_counter.last')} + ${count}`
  await (dialect === 'sqlite'
    ? insert.onConflict((conflict) => conflict.column('pipeline_id').doUpdateSet({ last: raised }))
    : insert.onDuplicateKeyUpdate({ last: raised })
  ).execute()
  const row = await db
    .selectFrom('run_counter')
    .select('last')
    .where('pipeline_id', '=', pipelineId)
    .executeTakeFirstOrThrow()
  return row.last
}

const raiseCounter = statement<RunTables, { pipelineId: string; before: number; last: number }>()(
  (db, { pipelineId, before, last }) =>
    db.updateTable('run_counter').set({ last }).where('pipeline_id', '=', pipelineId).where('last', '=', before),
)

async function beginRun(to: Writing, start: IdentifiedStart, number: number): Promise<RunWork> {
  let { planned } = start
  if (planned?.number !== number) {
    start.variables ??= (await lookAhead(to, start)).variables
    start.environments ??= await environmentsFor(to.db, start)
    planned = await planStart(to.now, start, number, undefined)
    await makeRows(to, planned.work)
  }
  await storeGraph(to, planned.graph)
  return planned.work
}

/**
 * Before the transaction, in which others would wait for it, and so that the first jobs can be placed. Without rows. What is
 * planned with a number that another controller takes meanwhile is planned again.
 */
export async function planAhead(
  to: Pick<Writing, 'db' | 'dialect' | 'now'>,
  starts: IdentifiedStart[],
): Promise<RunWork[]> {
  const counters = new Map<string, { last: number | undefined; next: number; variables: InheritedVariable[] }>()
  const works: RunWork[] = []
  for (const start of starts) {
    const { pipelineId } = start
    const counter = counters.get(pipelineId) ?? (await lookAhead(to, start))
    counters.set(pipelineId, counter)
    start.variables = counter.variables
    start.environments = await environmentsFor(to.db, start)
    start.planned = await planStart(to.now, start, counter.next++, counter.last)
    works.push(start.planned.work)
  }
  return works
}

/** What a run of the pipeline would have which began now. */
export async function nextStart(
  db: Db,
  start: Pick<RunStart, 'pipelineId' | 'organizationId' | 'projectId' | 'graph'>,
): Promise<{ number: number; variables: InheritedVariable[]; environments: RunEnvironment[] }> {
  const { next, variables } = await lookAhead({ db: db.kysely(), dialect: db.dialect }, start)
  return { number: next, variables, environments: await environmentsFor(db.kysely(), start) }
}

/** The pipeline's last number, and what its runs inherit, in one statement. */
async function lookAhead(
  { db, dialect }: Pick<Writing, 'db' | 'dialect'>,
  start: Pick<RunStart, 'pipelineId' | 'organizationId' | 'projectId'>,
) {
  const { pipelineId, organizationId, projectId } = start
  const row = await lastNumber[dialect].first(db, { pipelineId, organizationId, projectId })
  const last = row?.last ?? undefined
  return { last, next: (last ?? 0) + 1, variables: inheritedIn(row?.variables) }
}

const lastNumber = { sqlite: lastNumberOn('sqlite'), mysql: lastNumberOn('mysql') }

function lastNumberOn(dialect: Writing['dialect']) {
  return statement<RunTables, { pipelineId: string; organizationId: string; projectId: string }>()(
    (db, { pipelineId, organizationId, projectId }) =>
      db.selectNoFrom((query) => [
        query.selectFrom('run_counter').select('last').where('pipeline_id', '=', pipelineId).as('last'),
        inheritedJson(dialect, { organizationId, projectId }).as('variables'),
      ]),
  )
}

async function planStart(
  now: Date,
  start: IdentifiedStart,
  number: number,
  lastNumber: number | undefined,
): Promise<PlannedRun> {
  const graph = await encodeGraph(start.graph)
  const meta = {
    runId: start.runId,
    number,
    pipelineId: start.pipelineId,
    pipelineName: start.pipelineName,
    projectId: start.projectId,
    projectSlug: start.projectSlug,
    version: start.version,
    origin: start.origin,
    variables: start.variables ?? [],
    environments: start.environments ?? [],
    priority: priorityOf(start),
    newId: uuidv7,
  }
  const size = start.graph.steps.length
  const state = await paced(size, planRun(start.graph, start.inputs, meta, now, start.reuse))
  const belongs = {
    organizationId: start.organizationId,
    rerunOf: start.rerunOf ?? '',
    graphHash: graph.hash,
  }
  const work = newWork({ state, belongs, revision: 0, seq: 0, jobRows: new Map() })
  addChanges(work, await paced(sizeOf(state), advance(state, { type: 'started' }, now)))
  for (const workspace of state.inherited.keys()) work.pins.add(workspace)
  const { act, version } = start
  if (act) work.acts.push({ act, after: { version, ...(start.rerunOf && { rerunOf: start.rerunOf }) } })
  // The first event tells of every step, so that those who watch from the start know the whole plan.
  for (const step of state.steps.values()) work.steps.add(step)
  return { number, work, graph, lastNumber }
}

/** What strangers have written goes before nobody. */
function priorityOf({ priority, graph, origin }: RunStart): number {
  const wanted = priority ?? graph.priority
  return origin.untrusted ? Math.min(wanted, 0) : wanted
}

async function encodeGraph(graph: PipelineGraph): Promise<PlannedRun['graph']> {
  const message = isLargeRun(graph.steps.length) ? await prepared(PipelineGraphSchema, graph) : graph
  const data = toBinary(PipelineGraphSchema, message as PipelineGraph)
  return { hash: createHash('sha256').update(data).digest('hex'), data }
}

async function storeGraph({ db, dialect }: Writing, { hash, data }: PlannedRun['graph']): Promise<void> {
  const known = db.selectFrom('run_graph').select('hash').where('hash', '=', hash)
  // Locked, so that a deletion of the last run that had it is over, or waits for ours; not where it is missing, which would lock a gap.
  const isThere = async () =>
    (await known.executeTakeFirst()) &&
    (dialect === 'sqlite' || (await known.modifyEnd(sql`lock in share mode`).executeTakeFirst()))
  if (await isThere()) return
  const insert = db.insertInto('run_graph').values({ hash, data })
  await (dialect === 'sqlite' ? insert.onConflict((conflict) => conflict.doNothing()) : insert.ignore()).execute()
}
