// What GetRun answers, kept by run: as long as nothing of it has changed, everybody gets the same object, which the doors write
// down once. Whether it has changed, the rows say each time: the run's revision, and logs that may have grown without it.
import { type GetRunResponse, GetRunResponseSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { create } from '@bufbuild/protobuf'
import type { Db } from '../../../platform/db.ts'
import { statement, statementOfList } from '../../../platform/statement.ts'
import { inTurns } from '../../../platform/turns.ts'
import { type LoadedRun, loadRun } from '../driver/load-run.ts'
import { type RunTables, timesOf } from '../run-tables.ts'
import { presentRun } from './present-run.ts'

export interface RunAnswers {
  /** Undefined: there is no such run. Whether the caller may see it has been asked before. */
  read(runId: string): Promise<GetRunResponse | undefined>
}

interface Kept {
  revision: number
  answer: GetRunResponse
  /** Logs that are not complete, of jobs that agents have or had. */
  open: { id: string; size: number }[]
  bytes: number
}

/** Of memory, about: as messages, and written down as JSON and compressed. */
const mostBytes = 32 * 1024 * 1024
const bytesOfStep = 6 * 1024
/** To look for more logs than this costs as much as the run. */
const mostOpen = 100

export function createRunAnswers(db: Db, most: number = mostBytes): RunAnswers {
  const times = timesOf(db)
  // A Map keeps the order of insertion: the first is the one that was used longest ago.
  const kept = new Map<string, Kept>()
  const loading = new Map<string, Promise<GetRunResponse | undefined>>()
  let bytes = 0

  function drop(runId: string): void {
    bytes -= kept.get(runId)?.bytes ?? 0
    kept.delete(runId)
  }

  function keep(runId: string, one: Kept): void {
    drop(runId)
    if (one.bytes > most || one.open.length > mostOpen) return
    kept.set(runId, one)
    bytes += one.bytes
    while (bytes > most) drop(kept.keys().next().value!)
  }

  async function current(runId: string): Promise<GetRunResponse | undefined> {
    const known = kept.get(runId)
    if (!known || !(await isAsKept(runId, known))) return undefined
    if (kept.get(runId) === known) {
      kept.delete(runId)
      kept.set(runId, known)
    }
    return known.answer
  }

  async function isAsKept(runId: string, { revision, open }: Kept): Promise<boolean> {
    if ((await revisionOf.first(db.kysely(), { runId }))?.revision !== revision) return false
    if (open.length === 0) return true
    const { rows } = await logsOf(
      db.kysely(),
      open.map(({ id }) => id),
    )
    const sizes = new Map(rows.map((row) => [row.id, row.log_complete ? undefined : Number(row.log_size)]))
    return open.every(({ id, size }) => sizes.get(id) === size)
  }

  function load(runId: string): Promise<GetRunResponse | undefined> {
    const answer = loadNow(runId).finally(() => loading.delete(runId))
    loading.set(runId, answer)
    return answer
  }

  async function loadNow(runId: string): Promise<GetRunResponse | undefined> {
    const run = await loadRun(db.kysely<RunTables>(), times, runId)
    if (!run) {
      drop(runId)
      return undefined
    }
    const { state, belongs, seq, revision } = run
    const shown = await inTurns(presentRun(state, belongs, seq))
    const answer = create(GetRunResponseSchema, { run: shown, graph: state.graph })
    keep(runId, { revision, answer, open: openLogs(run), bytes: weightOf(run) })
    return answer
  }

  return {
    async read(runId) {
      const answer = await current(runId)
      if (answer) return answer
      const before = loading.get(runId)
      if (!before) return load(runId)
      // It may have passed what has changed since. One that begins after it has begun after this call.
      await before.catch(() => undefined)
      return (await current(runId)) ?? loading.get(runId) ?? load(runId)
    },
  }
}

const revisionOf = statement<RunTables, { runId: string }>()((db, { runId }) =>
  db.selectFrom('run').select('revision').where('id', '=', runId),
)
const logsOf = statementOfList<RunTables, string>()((db, ids) =>
  db.selectFrom('job').select(['id', 'log_size', 'log_complete']).where('id', 'in', ids),
)

function openLogs({ state }: LoadedRun): Kept['open'] {
  const open: Kept['open'] = []
  for (const { id, agentId, startedAt, logComplete, logSize } of state.jobs.values()) {
    if (!logComplete && (agentId !== '' || startedAt)) open.push({ id, size: logSize })
  }
  return open
}

function weightOf({ state }: LoadedRun): number {
  let text = JSON.stringify(state.inputs).length
  for (const step of state.steps.values()) {
    for (const [name, value] of Object.entries(step.outputs)) text += name.length + value.length
    for (const value of Object.values(step.definition.with ?? {})) if (typeof value === 'string') text += value.length
  }
  return 4 * text + bytesOfStep * (state.steps.size + state.jobs.size)
}
