// Notes what runs ask of one another in the commits that say it: a run begins, and its end is known, exactly when the row says so.
import type { ChildChange } from '@ansflow/engine/child-run'
import { gitFacts } from '@ansflow/engine/git-facts'
import type { RunState } from '@ansflow/engine/state'
import type { RunAsk } from '@ansflow/proto/child-run'
import { AppError } from '@ansflow/proto/errors'
import { fitsBranch, resultsOf, runResult } from '@ansflow/proto/fields/run-triggers'
import { RunTriggerSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { RunStatus, statusWord } from '@ansflow/proto/status'
import { starterOf } from '@ansflow/proto/triggers/run-origin'
import type { TriggerEvent } from '@ansflow/proto/triggers/trigger-inputs'
import { fromJsonString } from '@bufbuild/protobuf'
import type { Kysely } from 'kysely'
import type { Bus } from '../../platform/bus.ts'
import { uuidv7 } from '../../platform/ids.ts'
import { statementOfList } from '../../platform/statement.ts'
import type { RunChange, RunParticipant } from '../runs/index.ts'
import type { ChainedRunRow, ChainTables, TriggeredAsk } from './chain-tables.ts'

/** Nobody waits for the run any more, so it is not begun. Nobody is told: nobody has called. */
export class Withdrawn extends AppError {
  constructor() {
    super('failed_precondition', 'The step that asked for the run does not wait for it.')
  }
}

export function chainParticipant(bus: Bus): RunParticipant {
  return {
    name: 'chains',
    wants: (change) => change.children.length > 0 || change.ended || (change.started && isChained(change)),
    async write(to, changes) {
      const tables = to.kysely<ChainTables>()
      for (const change of changes) {
        if (change.started && isChained(change)) await begun(tables, change)
        for (const child of change.children) await noted(tables, change, child)
        if (change.ended && isAskedFor(change)) await ended(tables, change)
      }
      await triggered(
        tables,
        changes.filter(({ ended: isOver }) => isOver),
      )
    },
    committed: () => bus.publish('chain.due', {}),
  }
}

function isChained({ run: { meta } }: RunChange): boolean {
  return meta.origin.cause.case === 'run'
}

/** By a step of another run. */
function isAskedFor({ run: { meta } }: RunChange): boolean {
  return meta.origin.cause.case === 'run' && meta.origin.cause.value.stepId !== ''
}

/** Whoever begins it: what nobody waits for any more does not begin. Nobody is told of what a trigger begins. */
async function begun(tables: Kysely<ChainTables>, change: RunChange): Promise<void> {
  const { meta } = change.run
  if (!isAskedFor(change)) {
    await tables.deleteFrom('chained_run').where('id', '=', meta.runId).execute()
    return
  }
  const { numUpdatedRows } = await tables
    .updateTable('chained_run')
    .set({ todo: 'tell', pipeline_name: meta.pipelineName, number: meta.number })
    .where('id', '=', meta.runId)
    .where('todo', '=', 'begin')
    .executeTakeFirst()
  if (numUpdatedRows !== 1n) throw new Withdrawn()
}

async function noted(tables: Kysely<ChainTables>, { run, belongs }: RunChange, child: ChildChange): Promise<void> {
  if (child.type === 'withdrawn') {
    await tables.updateTable('chained_run').set({ todo: 'cancel' }).where('id', '=', child.childId).execute()
    return
  }
  const row = newRow({ run, belongs }, { id: child.childId, stepId: child.step.id, ask: child.ask })
  await tables.insertInto('chained_run').values(row).execute()
}

function newRow(
  { run: { meta }, belongs }: Pick<RunChange, 'run' | 'belongs'>,
  { id, stepId, ask }: { id: string; stepId: string; ask: RunAsk | TriggeredAsk },
): ChainedRunRow {
  return {
    id,
    run_id: meta.runId,
    project_id: meta.projectId,
    organization_id: belongs.organizationId,
    run_name: `${meta.pipelineName} #${meta.number}`,
    step_id: stepId,
    ask: JSON.stringify(ask),
    todo: 'begin',
    pipeline_name: '',
    number: 0,
    status: RunStatus.UNSPECIFIED,
    outputs: null,
  }
}

/** Pipelines that start when a run of these has ended so. */
async function triggered(tables: Kysely<ChainTables>, changes: readonly RunChange[]): Promise<void> {
  if (changes.length === 0) return
  const pipelines = [...new Set(changes.map(({ run }) => run.meta.pipelineId))]
  const { rows: links } = await linksFrom(tables, pipelines)
  if (links.length === 0) return
  const rows = changes.flatMap((change) =>
    links
      .filter((link) => link.from_id === change.run.meta.pipelineId && fits(change.run, link.definition))
      .map(({ id: linkId }) => {
        return newRow(change, { id: uuidv7(), stepId: '', ask: { linkId, event: eventOf(change.run) } })
      }),
  )
  if (rows.length > 0) await tables.insertInto('chained_run').values(rows).execute()
}

/** In every commit with an end of a run in it. */
const linksFrom = statementOfList<ChainTables, string>()((db, pipelines) =>
  db
    .selectFrom('pipeline_link')
    .select(['id', 'from_id', 'definition'])
    .where('from_id', 'in', pipelines)
    .where('kind', '=', 'run'),
)

/** Drafts are tried out: nothing follows from them. */
function fits(run: RunState, definition: string | null): boolean {
  if (run.meta.version === 0) return false
  const trigger = fromJsonString(RunTriggerSchema, definition ?? '{}', { ignoreUnknownFields: true })
  return (
    resultsOf(trigger).some((result) => runResult.word(result) === statusWord(run.status)) &&
    fitsBranch(trigger.branches, gitFacts(run).branch ?? '')
  )
}

function eventOf(run: RunState): TriggerEvent {
  const { meta } = run
  const { runId: id, number, version } = meta
  const names = { pipeline: meta.pipelineName, project: meta.projectSlug, startedBy: starterOf(meta.origin).name }
  return {
    run: { id, number, version, ...names, status: statusWord(run.status) },
    inputs: run.inputs,
    outputs: run.outputs,
    git: { ...gitFacts(run) },
  }
}

async function ended(tables: Kysely<ChainTables>, { run: { meta, status, outputs } }: RunChange): Promise<void> {
  await tables
    .updateTable('chained_run')
    .set({ todo: 'end', status, outputs: JSON.stringify(outputs) })
    .where('id', '=', meta.runId)
    .where('todo', '<>', 'cancel')
    .execute()
}
