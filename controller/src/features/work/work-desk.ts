// Takes the controller's work from its table, performs it, and answers once: any controller may, and takes over from one that is
// not heard of any more. What was begun may so be done twice on the outside; of the answers only the last taker's counts.
import type { RunEvent } from '@ansflow/engine/state'
import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { type Reason, reason } from '@ansflow/proto/reasons'
import { isTerminalJob } from '@ansflow/proto/status'
import { fillSecrets } from '@ansflow/proto/steps/secret-marks'
import type { JsonObject } from '@bufbuild/protobuf'
import pLimit from 'p-limit'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import type { Logger } from '../../platform/log.ts'
import type { Outbound } from '../../platform/outbound.ts'
import type { WorkLog } from '../logs/index.ts'
import {
  endWork,
  giveBackWork,
  jobById,
  keepWork,
  type Rooms,
  type RunDriver,
  type TakenWork,
  takeWork,
} from '../runs/index.ts'
import type { Secrets } from '../secrets/index.ts'
import type { Performed, Performer } from './performer.ts'

interface Deps {
  db: Db
  clock: Clock
  log: Logger
  driver: Pick<RunDriver, 'submit'>
  secrets: Pick<Secrets, 'read'>
  outbound: Outbound
  performers: Readonly<Record<string, Performer>>
  openLog(job: { jobId: string; epoch: number }, secrets: string[]): Promise<WorkLog>
}

export interface WorkDesk {
  /** Takes what there is, and does it beside. */
  take(): Promise<void>
  /** There is nothing to do for it any more. */
  drop(jobId: string): void
  /** What ends within a moment ends; the rest is given back. */
  stop(): Promise<void>
}

/** Performed at once by one controller. */
const mostAtOnce = 128
/** Whatever one project asks for does not keep others waiting. */
const mostOfAProject = mostAtOnce / 4
const keepEveryMs = 10_000
const retryMs = 1000
const stopGraceMs = 1500

interface Held {
  work: TakenWork
  abort: AbortController
  done: Promise<void>
}

export function createWorkDesk(deps: Deps): WorkDesk {
  const { db, clock, log, driver } = deps
  const held = new Map<string, Held>()
  let stopping = false
  /** Two at once would take what there is room for twice. */
  const inOrder = pLimit(1)

  function begin(work: TakenWork): void {
    const abort = new AbortController()
    const { jobId } = work
    const entry: Held = { work, abort, done: Promise.resolve() }
    held.set(jobId, entry)
    const endKeeping = keep(entry)
    let failed = false
    entry.done = attend(entry)
      .catch(async (error: unknown) => {
        failed = true
        log.error({ err: error, jobId }, 'work of the controller will be taken up again')
        await giveBackWork(db, work)
      })
      .catch((error: unknown) =>
        log.error({ err: error, jobId }, 'work of the controller waits for the end of its lease'),
      )
      .finally(() => {
        endKeeping()
        held.delete(jobId)
        // What waited for a place; what failed waits for the next look, or it would be tried without end.
        if (!stopping && !failed)
          inOrder(take).catch((error: unknown) => log.warn({ err: error }, 'work could not be taken'))
      })
  }

  /** Says again and again that it is under way. */
  function keep({ work, abort }: Held): () => void {
    let cancel = () => {}
    const later = () => {
      cancel = clock.setTimer(keepEveryMs, () => {
        keepWork(db, work)
          .then((kept) => (kept ? later() : abort.abort()))
          .catch((error: unknown) => {
            log.warn({ err: error, jobId: work.jobId }, 'the lease of work could not be renewed')
            later()
          })
      })
    }
    later()
    return () => cancel()
  }

  async function attend({ work, abort }: Held): Promise<void> {
    const { jobId, runId, epoch } = work
    if ((await driver.submit(runId, { type: 'workTaken', jobId, epoch })) === 'stale') return close(work)
    const performed = await perform(work, abort.signal)
    if (performed === undefined) {
      await (stopping ? giveBackWork(db, work) : endWork(db, work))
      return
    }
    const result =
      'outputs' in performed
        ? { outcome: Outcome.SUCCEEDED, outputs: performed.outputs }
        : { outcome: Outcome.FAILED, why: performed.why }
    await answer(runId, { type: 'workDone', jobId, epoch, ...result }, abort.signal)
  }

  /** Of what was taken back while nobody had it: whoever begun it went down and left its log open. */
  async function close(work: TakenWork): Promise<void> {
    const job = await jobById(db, work.jobId)
    if (job && !isTerminalJob(job.status)) return
    if (job) {
      const lines = await deps.openLog(job, [])
      await lines.end()
    }
    await endWork(db, work)
  }

  /** Undefined: it was ended. */
  async function perform(work: TakenWork, signal: AbortSignal): Promise<Performed | undefined> {
    const { jobId, kind, request, secretMark } = work
    const { values, missing, key } = await secretsOf(jobId)
    const lines = await deps.openLog(work, [...values.values()])
    const say = (why: Reason): Performed => ({ why })
    try {
      const performer = deps.performers[kind]
      if (!performer) return say(reason('work_failed', { message: `This controller cannot do ${kind}.` }))
      if (missing !== undefined) return say(reason('secret_missing', { name: missing }))
      const filled = fillSecrets(request, values, secretMark) as JsonObject
      return await performer({
        request,
        filled,
        secrets: [...values.values()],
        key,
        outbound: deps.outbound,
        signal,
        line: lines.line,
      })
    } catch (error) {
      if (signal.aborted) return undefined
      log.error({ err: error, jobId }, 'work of the controller failed')
      return say(reason('work_failed', { message: error instanceof Error ? error.message : String(error) }))
    } finally {
      if (signal.aborted) lines.line(stopping ? 'The controller stops; another goes on.' : 'Ended.')
      if (!stopping) await lines.end()
    }
  }

  /** Read when it begins, as agents' are; only those that the step names. */
  async function secretsOf(jobId: string) {
    const job = await jobById(db, jobId)
    const names = job?.secrets.map(({ name }) => name) ?? []
    const of = { projectId: job?.projectId ?? '', environmentId: job?.secrets[0]?.environment ?? '' }
    // Of an untrusted run none is there.
    const values = job && names.length > 0 && !job.untrusted ? await deps.secrets.read(db.em(), of, names) : new Map()
    const missing = names.find((name) => !values.has(name))
    return { values: values as Map<string, string>, missing, key: `${job?.runId}-${job?.stepId}-${job?.attempt}` }
  }

  /** What the database refuses for now is tried until it is taken, or another has the work. */
  async function answer(runId: string, event: RunEvent, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await driver.submit(runId, event)
        return
      } catch (error) {
        log.warn({ err: error, runId }, 'an answer of the controller’s work could not be stored yet')
        await new Promise<void>((resolve) => clock.setTimer(retryMs, resolve))
      }
    }
  }

  function rooms(): Rooms {
    const ofProject = new Map<string, number>()
    for (const { work } of held.values()) ofProject.set(work.projectId, (ofProject.get(work.projectId) ?? 0) + 1)
    return {
      full: [...ofProject].filter(([, count]) => count >= mostOfAProject).map(([id]) => id),
      of: (id) => mostOfAProject - (ofProject.get(id) ?? 0),
    }
  }

  async function take(): Promise<void> {
    while (!stopping && held.size < mostAtOnce) {
      const taken = await takeWork(db, mostAtOnce - held.size, rooms())
      for (const work of taken) begin(work)
      if (taken.length === 0) return
    }
  }

  return {
    take: () => inOrder(take),
    drop: (jobId) => held.get(jobId)?.abort.abort(),
    async stop() {
      stopping = true
      const all = Promise.all([...held.values()].map(({ done }) => done))
      let timer: NodeJS.Timeout | undefined
      await Promise.race([all, new Promise((resolve) => (timer = setTimeout(resolve, stopGraceMs)))])
      clearTimeout(timer)
      for (const { abort } of held.values()) abort.abort()
      await all
    },
  }
}
