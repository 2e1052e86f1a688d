// The shell around the engine: loads runs, lets `advance` decide, commits the changes of all runs at once, then acts.
// Events that arrive while a commit is in flight join the next one. The rows are the truth; what is kept here is a copy whose
// revision every commit checks.
import { AsyncLocalStorage } from 'node:async_hooks'
import { advance } from '@ansflow/engine/advance'
import type { Changes, RunEvent } from '@ansflow/engine/state'
import { AppError, notFound, unavailable } from '@ansflow/proto/errors'
import type { Run } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { atOnce } from '@ansflow/proto/pieces'
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import type { Logger } from '../../platform/log.ts'
import { beginRuns, type IdentifiedStart, planAhead, type RunStart } from './insert-runs.ts'
import { type LoadedRun, loadRun } from './load-run.ts'
import { presentHead } from './present-run.ts'
import { runCache } from './run-cache.ts'
import { type RunTables, timesOf } from './run-tables.ts'
import { addChanges, newWork, paced, type RunWork } from './run-work.ts'
import { findDue } from './sweep.ts'
import { runWakes } from './wakes.ts'
import { LostRace, noteWritten, rowsOf, type Writing, writeRuns } from './write-runs.ts'

export interface RunDriverDeps {
  db: Db
  bus: Bus
  clock: Clock
  log: Logger
}

export type Submitted = Changes['result']

export interface RunDriver {
  /** Resolves when the run and its first jobs are committed. */
  start(run: RunStart): Promise<Run>
  /** Resolves when what the event changed is committed. `stale`: it speaks of an epoch that is over. */
  submit(runId: string, event: RunEvent): Promise<Submitted>
  cancel(runId: string, by: { id: string; name: string }): Promise<Submitted>
  /** Finds what lost messages, timers and controllers left undone. */
  sweep(): Promise<void>
  /** Resolves when everything submitted so far is committed; takes nothing more. */
  stop(): Promise<void>
}

type Item =
  | { kind: 'start'; start: IdentifiedStart; resolve: (run: Run) => void; reject: (error: unknown) => void }
  | {
      kind: 'event'
      runId: string
      event: RunEvent
      resolve: (result: Submitted) => void
      reject: (e: unknown) => void
    }

const mostInBatch = 500
/** Nobody waits for news of an offer or a start: they may ride with the next commit, or make their own after this long. */
const patient: ReadonlySet<RunEvent['type']> = new Set(['jobOffered', 'jobStarted'])
const patientMs = 20
const mostRaces = 8

export function createRunDriver({ db, bus, clock, log }: RunDriverDeps): RunDriver {
  const times = timesOf(db)
  const cache = runCache()
  const wakes = runWakes(clock, (runId) => {
    submit(runId, { type: 'timer' }).catch((error: unknown) => log.error({ err: error, runId }, 'a run was not woken'))
  })
  // Commits must not run inside the transaction or request of whoever happened to submit first.
  const outside = AsyncLocalStorage.snapshot()
  let waiting: Item[] = []
  let committing: Promise<void> | undefined
  let lingering: NodeJS.Timeout | undefined
  let stopped = false

  function submit(runId: string, event: RunEvent): Promise<Submitted> {
    return new Promise((resolve, reject) => enqueue({ kind: 'event', runId, event, resolve, reject }))
  }

  function enqueue(item: Item): void {
    if (stopped) {
      item.reject(unavailable('The controller is stopping.'))
      return
    }
    waiting.push(item)
    if (!isPatient(item)) commitNow()
    else if (!committing) lingering ??= setTimeout(commitNow, patientMs)
  }

  function commitNow(): void {
    clearTimeout(lingering)
    lingering = undefined
    committing ??= outside(drain)
  }

  async function drain(): Promise<void> {
    // Everything of this turn of the event loop goes into the first commit.
    await Promise.resolve()
    let first = true
    while (waiting.length > 0) {
      if (!first && !stopped && waiting.every(isPatient)) {
        lingering ??= setTimeout(commitNow, patientMs)
        break
      }
      first = false
      const batch = waiting.slice(0, mostInBatch)
      waiting = waiting.slice(mostInBatch)
      await commit(batch)
    }
    committing = undefined
  }

  /** False: it could not be made, and everybody in it has been told. */
  async function commit(batch: Item[]): Promise<boolean> {
    const fresh = new Set<string>()
    for (let races = 0; ; races++) {
      try {
        await commitOnce(batch, fresh)
        return true
      } catch (error) {
        for (const item of batch) {
          if (item.kind === 'event') cache.drop(item.runId)
          else item.start.tried = true
        }
        if (error instanceof StaleCopy) continue
        // A store that takes nothing takes no part of it either, and what may have happened is not begun again.
        if (isOfStore(error)) return refuse(batch, error)
        if (!(error instanceof LostRace) || races >= mostRaces) return commitApart(batch, error)
        fresh.clear()
      }
    }
  }

  /** One run that cannot be committed must not hold up the others; when several fail it is the database. */
  async function commitApart(batch: Item[], error: unknown): Promise<boolean> {
    const groups = [...Map.groupBy(batch, (item) => (item.kind === 'event' ? item.runId : item)).values()]
    if (groups.length === 1) return refuse(batch, error)
    let failures = 0
    for (const [index, group] of groups.entries()) {
      if (!(await commit(group)) && ++failures === 2) return refuse(groups.slice(index + 1).flat(), error)
    }
    return failures === 0
  }

  function refuse(items: Item[], error: unknown): false {
    const known = error instanceof LostRace ? unavailable('The run is changing too quickly. Try again.', error) : error
    if (!(known instanceof AppError)) log.error({ err: error }, 'a change of a run could not be committed')
    for (const item of items) item.reject(known)
    return false
  }

  async function commitOnce(batch: Item[], fresh: Set<string>): Promise<void> {
    const now = clock.now()
    const works = new Map<string, RunWork>()
    const answers: (() => void)[] = []
    for (const item of batch) {
      if (item.kind !== 'event') continue
      const work = works.get(item.runId) ?? (await load(item.runId, fresh))
      if (!work) {
        answers.push(() => ('jobId' in item.event ? item.resolve('stale') : item.reject(notFound('run', item.runId))))
        continue
      }
      works.set(item.runId, work)
      await takeClaim(work, item.event, now)
      const changes = await paced(work.run.state.steps.size, advance(work.run.state, item.event, now))
      if (changes.result === 'stale' && !fresh.has(item.runId) && (await isOutdated(work, item.event))) {
        throw new StaleCopy()
      }
      addChanges(work, changes, item.event)
      answers.push(() => item.resolve(changes.result))
    }
    const starts = batch.flatMap((item) => (item.kind === 'start' ? item : []))
    const changed = [...works.values()].filter((work) => work.changed)
    for (const work of changed) work.rows = await paced(work.steps.size, rowsOf({ times, now }, work))
    await planAhead(
      { db: db.kysely<RunTables>(), times, now },
      starts.map(({ start }) => start),
    )
    const begun = changed.length + starts.length > 0 ? await write(changed, starts, now) : []
    for (const work of works.values()) actOn(work)
    for (const answer of answers) answer()
    // After what the commit set off: the first job should be on its way before its number is told.
    for (const [index, item] of starts.entries()) {
      setImmediate(() => void answerStart(item, begun[index]!).catch(item.reject))
    }
  }

  async function write(
    changed: RunWork[],
    starts: { start: IdentifiedStart }[],
    now: Date,
  ): Promise<(RunWork | string)[]> {
    const begun = await db.transaction(async (em) => {
      const to: Writing = { db: db.kysely<RunTables>(em), dialect: db.dialect, times, now }
      const begin = await beginRuns(
        to,
        starts.map(({ start }) => start),
      )
      const started = begin.filter((work) => typeof work !== 'string')
      await writeRuns(to, changed, started)
      return begin
    })
    for (const work of changed) noteWritten(work)
    for (const work of begun) {
      if (typeof work === 'string') continue
      noteWritten(work)
      cache.put(work.run)
      actOn(work)
    }
    return begun
  }

  async function answerStart(item: Extract<Item, { kind: 'start' }>, begun: RunWork | string): Promise<void> {
    const run = typeof begun === 'string' ? await loadRun(db.kysely<RunTables>(), times, begun) : begun.run
    if (run) item.resolve(presentHead(run.state, run.origin, run.seq))
    else item.reject(unavailable('The run could not be read. Try again.'))
  }

  async function load(runId: string, fresh: Set<string>): Promise<RunWork | undefined> {
    let run: LoadedRun | undefined = cache.get(runId)
    if (!run) {
      run = await loadRun(db.kysely<RunTables>(), times, runId)
      if (!run) return undefined
      fresh.add(runId)
      cache.put(run)
    }
    return newWork(run)
  }

  /** A report about a claim that this copy has not heard of: the job's row says whether there was one. */
  async function takeClaim(work: RunWork, event: RunEvent, now: Date): Promise<void> {
    if (!('epoch' in event) || event.type === 'jobOffered') return
    const job = work.run.state.jobs.get(event.jobId)
    if (!job || event.epoch <= job.epoch) return
    const row = await db
      .kysely<RunTables>()
      .selectFrom('job')
      .select(['epoch', 'agent_id', 'agent_name'])
      .where('id', '=', job.id)
      .executeTakeFirst()
    if (row?.epoch !== event.epoch || !row.agent_id) return
    const offered = { type: 'jobOffered', jobId: job.id, epoch: row.epoch, agentId: row.agent_id } as const
    const claim: RunEvent = row.agent_name ? { ...offered, agentName: row.agent_name } : offered
    addChanges(work, atOnce(advance(work.run.state, claim, now)), claim)
  }

  /** Whether this copy, not the report it calls stale, is behind: another controller may have made a claim or a job. */
  async function isOutdated(work: RunWork, event: RunEvent): Promise<boolean> {
    if (!('jobId' in event)) return false
    const row = await db
      .kysely<RunTables>()
      .selectFrom('job')
      .select(['epoch', 'status'])
      .where('id', '=', event.jobId)
      .where('run_id', '=', work.run.state.meta.runId)
      .executeTakeFirst()
    if (!row) return false
    const known = work.run.jobRows.get(event.jobId)
    return known?.epoch !== row.epoch || known.status !== row.status
  }

  /** After the commit. Every message may be lost: the rows say it again to whoever looks. */
  function actOn({ run, effects, changed }: RunWork): void {
    const { meta } = run.state
    const { organizationId } = run.origin
    if (effects.some(({ type }) => type === 'jobQueued')) bus.publish('job.queued', { organizationId })
    for (const effect of effects) {
      if (effect.type === 'cancelJob') bus.publish('job.cancel', { jobId: effect.jobId, agentId: effect.agentId })
      else if (effect.type === 'wakeAt') wakes.at(meta.runId, effect.at)
      else if (effect.type === 'runFinished') {
        wakes.forget(meta.runId)
        // Nothing but repetitions will ask for it again.
        cache.drop(meta.runId)
      }
    }
    if (changed)
      bus.publish('run.changed', { runId: meta.runId, seq: run.seq, projectId: meta.projectId, organizationId })
  }

  return {
    start(run) {
      const start = { ...run, runId: uuidv7(), tried: false }
      return new Promise((resolve, reject) => enqueue({ kind: 'start', start, resolve, reject }))
    },
    submit,
    cancel: (runId, by) => submit(runId, { type: 'cancelRequested', by: by.id, byName: by.name }),
    async sweep() {
      const { events, organizations, stuck } = await findDue(db, clock.now())
      for (const runId of stuck) log.error({ runId }, 'a run has nothing to wait for; it is begun again')
      for (const organizationId of organizations) bus.publish('job.queued', { organizationId })
      await Promise.all(events.map(({ runId, event }) => submit(runId, event)))
    },
    async stop() {
      stopped = true
      wakes.stop()
      if (waiting.length > 0) commitNow()
      await committing
    },
  }
}

function isPatient(item: Item): boolean {
  return item.kind === 'event' && patient.has(item.event.type)
}

function isOfStore(error: unknown): boolean {
  return error instanceof AppError && (error.code === 'unavailable' || error.reason === 'outcome_unknown')
}

/** The copy of a run did not know a job or epoch that an event names. */
class StaleCopy extends Error {}
