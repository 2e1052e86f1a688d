// The shell around the engine: loads runs, lets `advance` decide, commits the changes of all runs at once, then acts.
// Events that arrive while a commit is in flight join the next one. The rows are the truth; what is kept here is a copy whose
// revision every commit checks.
import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { advance } from '@ansflow/engine/advance'
import type { Changes, RunEvent, RunState } from '@ansflow/engine/state'
import { AppError, notFound, unavailable } from '@ansflow/proto/errors'
import type { JobSpec } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import type { Run } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { isTerminal, JobStatus } from '@ansflow/proto/status'
import type { Bus } from '../../../platform/bus.ts'
import type { Clock } from '../../../platform/clock.ts'
import type { Db } from '../../../platform/db.ts'
import { uuidv7 } from '../../../platform/ids.ts'
import type { Logger } from '../../../platform/log.ts'
import { statement } from '../../../platform/statement.ts'
import type { Act } from '../../../transport/call.ts'
import type { RunEvents } from '../events/run-events.ts'
import { offerClaims, type Placement, placeQueued, type Seat, specsOf } from '../jobs/place-jobs.ts'
import { findDue } from '../jobs/sweep.ts'
import { ClaimRefused, interests, type RunAct, type RunParticipant } from '../participant.ts'
import { type RunTables, timesOf } from '../run-tables.ts'
import { presentHead } from '../views/present-run.ts'
import { beginRuns, type IdentifiedStart, planAhead, type RunStart } from './insert-runs.ts'
import { type LoadedRun, loadRun } from './load-run.ts'
import { runCache } from './run-cache.ts'
import { addChanges, newWork, paced, type RunWork, sizeOf } from './run-work.ts'
import { runWakes } from './wakes.ts'
import { LostRace, makeRows, noteWritten, type Writing, writeRuns } from './write-runs.ts'

export interface RunDriverDeps {
  db: Db
  bus: Bus
  clock: Clock
  log: Logger
  /** Who else writes when a run changes; asked for at the first commit. */
  participants?: () => readonly RunParticipant[]
  /** Asked for seats for the jobs that a commit queues. Without it they all wait for a claim. */
  place?: Placement
  /** Told what was committed, before anybody is told to look. */
  committed?: RunEvents['committed']
}

export type Submitted = Changes['result']

export interface RunDriver {
  /** Resolves when the run and its first jobs are committed. */
  start(run: RunStart): Promise<Run>
  /** Resolves when what the event changed is committed. `stale`: it speaks of what is over. `told`: of who asked for it, in the audit. */
  submit(runId: string, event: RunEvent, told?: RunAct): Promise<Submitted>
  cancel(runId: string, by: { id: string; name: string }, act?: Act): Promise<Submitted>
  /** The job goes to the seat's agent, and is offered after the commit; `stale`: it is not queued any more, or not for this agent. */
  claim(runId: string, jobId: string, seat: Seat): Promise<Submitted>
  /** Finds what lost messages, timers and controllers left undone. */
  sweep(): Promise<void>
  /** Resolves when everything submitted so far is committed; takes nothing more. */
  stop(): Promise<void>
}

interface EventItem {
  kind: 'event'
  runId: string
  event: RunEvent
  /** Of a claim: given back when it is not made. */
  seat?: Seat
  /** Who asked for it. */
  told?: RunAct | undefined
  resolve: (result: Submitted) => void
  reject: (error: unknown) => void
}

type Item =
  | { kind: 'start'; start: IdentifiedStart; resolve: (run: Run) => void; reject: (error: unknown) => void }
  | EventItem

const mostInBatch = 500
/** Nobody waits for news of an accept, a start or a log: it may ride with the next commit, or make its own after this long. */
const patient: ReadonlySet<RunEvent['type']> = new Set(['jobAccepted', 'jobStarted', 'jobLogged'])
const patientMs = 25
const mostRaces = 12
/** Two controllers that work on one run lose to each other in turns, not again and again together. */
const mostPauseMs = 8

export function createRunDriver({
  db,
  bus,
  clock,
  log,
  place = async () => new Map(),
  participants = () => [],
  committed = () => undefined,
}: RunDriverDeps): RunDriver {
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

  function submit(runId: string, event: RunEvent, told?: RunAct): Promise<Submitted> {
    return new Promise((resolve, reject) => enqueue({ kind: 'event', runId, event, told, resolve, reject }))
  }

  function enqueue(item: Item): void {
    if (stopped) {
      reject(item, unavailable('The controller is stopping.'))
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
        // A store that takes nothing takes no part of it either, and what may have happened is not begun again.
        if (isOfStore(error)) return refuse(batch, error)
        if (error instanceof ClaimRefused && races < mostRaces) {
          batch = withoutClaims(batch)
          fresh.clear()
          continue
        }
        if (!(error instanceof LostRace) || races >= mostRaces) return commitApart(batch, error)
        if (races > 0) await delay(Math.random() * Math.min(2 ** races, mostPauseMs))
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

  function withoutClaims(batch: Item[]): Item[] {
    return batch.filter((item) => {
      if (item.kind === 'start' || item.seat === undefined) return true
      answer(item, 'stale')
      return false
    })
  }

  function refuse(items: Item[], error: unknown): false {
    const known = error instanceof LostRace ? unavailable('The run is changing too quickly. Try again.', error) : error
    if (!(known instanceof AppError)) log.error({ err: error }, 'a change of a run could not be committed')
    for (const item of items) reject(item, known)
    return false
  }

  function reject(item: Item, error: unknown): void {
    if (item.kind === 'event') item.seat?.giveBack()
    item.reject(error)
  }

  async function commitOnce(batch: Item[], fresh: Set<string>): Promise<void> {
    const now = clock.now()
    const works = new Map<string, RunWork>()
    const answers: (() => void)[] = []
    for (const item of batch) if (item.kind === 'event') answers.push(await apply(item, works, fresh, now))
    const starts = batch.filter((item) => item.kind === 'start')
    const planned = await planAhead(
      { db: db.kysely<RunTables>(), dialect: db.dialect, now },
      starts.map(({ start }) => start),
    )
    const changed = [...works.values()].filter((work) => work.changed)
    const toWrite = [...changed, ...planned]
    const placed = await placeQueued(toWrite, place, now)
    let specs = new Map<string, JobSpec>()
    let begun: (RunWork | string)[] = []
    try {
      specs = await specsOf(db.kysely<RunTables>(), toWrite)
      for (const work of toWrite) await makeRows({ times, now }, work)
      if (toWrite.length > 0) begun = await write(changed, starts, now)
    } catch (error) {
      for (const seat of placed) seat.giveBack()
      throw error
    }
    for (const work of [...works.values(), ...begun]) if (typeof work !== 'string') actOn(work, specs)
    // What was begun before, or under another number, has no use for them.
    for (const work of planned) if (!begun.includes(work)) for (const { seat } of work.claims) seat.giveBack()
    for (const answer of answers) answer()
    // After what the commit set off: the first job should be on its way before its number is told.
    for (const [index, item] of starts.entries()) {
      setImmediate(() => void answerStart(item, begun[index]!).catch(item.reject))
    }
  }

  /** Works the event into its run; what is answered is said after the commit. */
  async function apply(item: EventItem, works: Map<string, RunWork>, fresh: Set<string>, now: Date) {
    const { runId, event, seat } = item
    const work = works.get(runId) ?? (await load(runId, fresh))
    if (!work) return () => ('jobId' in event ? answer(item, 'stale') : reject(item, notFound('run', runId)))
    works.set(runId, work)
    const changes = await paced(sizeOf(work.run.state), advance(work.run.state, event, now))
    if (changes.result === 'stale' && !fresh.has(runId)) await checkCopy(work.run)
    addChanges(work, changes)
    if (item.told && changes.result === 'applied') work.acts.push(item.told)
    if (seat) for (const job of changes.jobs) work.claims.push({ job, epoch: job.epoch, seat })
    return () => answer(item, changes.result)
  }

  function answer({ seat, resolve }: EventItem, result: Submitted): void {
    if (result !== 'applied') seat?.giveBack()
    resolve(result)
  }

  /** A report is only stale if the rows say so too: another controller may have changed the run since it was loaded. */
  async function checkCopy({ state: { meta }, revision }: LoadedRun): Promise<void> {
    const row = await revisionOf.first(db.kysely<RunTables>(), meta)
    if (row?.revision !== revision) throw new LostRace(`run ${meta.runId} has another revision`)
  }

  async function write(
    changed: RunWork[],
    starts: { start: IdentifiedStart }[],
    now: Date,
  ): Promise<(RunWork | string)[]> {
    let wrote: RunParticipant[] = []
    const begun = await db.commit(async (transaction) => {
      wrote = []
      const to: Writing = { db: transaction.kysely(), dialect: db.dialect, times, now }
      const begin = await beginRuns(
        to,
        starts.map(({ start }) => start),
      )
      const started = begin.filter((work) => typeof work !== 'string')
      await writeRuns(to, changed, started)
      for (const { participant, changes } of interests(participants(), changed, started)) {
        await participant.write(transaction, changes, now)
        wrote.push(participant)
      }
      return begin
    })
    for (const participant of wrote) participant.committed?.()
    for (const work of changed) note(work)
    for (const work of begun) {
      if (typeof work === 'string') continue
      note(work)
      cache.put(work.run)
    }
    return begun
  }

  function note(work: RunWork): void {
    noteWritten(work)
    committed(work.run.state.meta.runId, work.rows!.told)
  }

  async function answerStart(item: Extract<Item, { kind: 'start' }>, begun: RunWork | string): Promise<void> {
    const run = typeof begun === 'string' ? await loadRun(db.kysely<RunTables>(), times, begun) : begun.run
    if (run) item.resolve(presentHead(run.state, run.belongs, run.seq))
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

  /** After the commit. Every message may be lost: the rows say it again to whoever looks. */
  function actOn(work: RunWork, specs: Map<string, JobSpec>): void {
    const { run, effects, changed } = work
    const { meta, jobs, status } = run.state
    const { organizationId } = run.belongs
    offerClaims(work, specs)
    const queued = effects.some(
      (effect) => effect.type === 'jobQueued' && jobs.get(effect.jobId)?.status === JobStatus.QUEUED,
    )
    if (queued) bus.publish('job.queued', { organizationId })
    if (effects.some(({ type }) => type === 'workQueued')) bus.publish('work.queued', {})
    for (const effect of effects) {
      if (effect.type === 'cancelJob') bus.publish('job.cancel', { jobId: effect.jobId, agentId: effect.agentId })
      else if (effect.type === 'logEnded') bus.publish('log.grew', { jobId: effect.jobId, size: 0, complete: true })
      else if (effect.type === 'workEnded') bus.publish('work.ended', { jobId: effect.jobId })
      else if (effect.type === 'wakeAt') wakes.at(meta.runId, effect.at)
      else if (effect.type === 'runFinished') wakes.forget(meta.runId)
    }
    // Nothing but repetitions will ask for it again.
    if (isTerminal(status) && !awaitsLogs(run.state)) cache.drop(meta.runId)
    for (const approvalId of new Set(work.approvals.map((change) => change.approvalId))) {
      bus.publish('approval.changed', { approvalId, organizationId })
    }
    if (changed)
      bus.publish('run.changed', { runId: meta.runId, seq: run.seq, projectId: meta.projectId, organizationId })
  }

  return {
    start(run) {
      const start = { ...run, runId: run.runId ?? uuidv7(), tried: run.runId !== undefined }
      return new Promise((resolve, reject) => enqueue({ kind: 'start', start, resolve, reject }))
    },
    submit,
    claim(runId, jobId, seat) {
      const { agentId, agentName } = seat
      const event = { type: 'jobOffered', jobId, agentId, agentName } as const
      return new Promise((resolve, reject) => enqueue({ kind: 'event', runId, event, seat, resolve, reject }))
    },
    cancel(runId, by, act) {
      const event = { type: 'cancelRequested', by: by.id, byName: by.name } as const
      return submit(runId, event, act && { act, after: { canceled: true } })
    },
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

function awaitsLogs({ jobs }: RunState): boolean {
  for (const { startedAt, status, logComplete } of jobs.values()) {
    if (startedAt && !logComplete && status !== JobStatus.LOST) return true
  }
  return false
}

function isOfStore(error: unknown): boolean {
  return error instanceof AppError && (error.code === 'unavailable' || error.reason === 'outcome_unknown')
}

const revisionOf = statement<RunTables, { runId: string }>()((db, { runId }) =>
  db.selectFrom('run').select('revision').where('id', '=', runId),
)
