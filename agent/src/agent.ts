// Owns the agent: the jobs on this host, its slots, and its life: starting → online → draining → stopped.
import { statfsSync } from 'node:fs'
import type { JobRef, Offer, SecretValue } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { type Config, VERSION } from './config.ts'
import { type Attempt, keepConnected } from './connect.ts'
import type { DataFolder, Identity } from './data-folder.ts'
import { ExitError } from './exit.ts'
import { createLoadMeter, findTools, hostFacts } from './host.ts'
import { type JobHost, JobRunner } from './job-runner.ts'
import { isJobId, JobFolder, refOf } from './journal.ts'
import { type Log, textOf } from './log.ts'
import { createLogShipper } from './log-shipper.ts'
import { createLauncher } from './process.ts'
import { createSweeper } from './process-tree.ts'
import { type ControlMessage, createLinkClient, type LinkError, type Pipe, parseTarget } from './rpc-client.ts'
import { type Session, type SessionHost, startSession } from './session.ts'
import { canRun, capabilities } from './steps/index.ts'
import { createWorkspaces } from './workspace.ts'

const DEFAULT_LOST_AFTER_MS = 120_000
const TICK_MS = 500
const REPEAT_MS = 10_000
const SWEEP_MS = 600_000
/** The journal and the results of running jobs must still fit. */
const RESERVE_BYTES = 64 * 1024 * 1024

export interface Agent {
  /** Resolves when the agent has stopped: drained, or refused by the controller (then it throws). */
  run(): Promise<void>
  /** No new jobs; ends when those that run are finished. */
  drain(): void
  /** Cancels what runs; ends when that is reported. */
  cancelAll(): void
}

export function createAgent(config: Config, folder: DataFolder, identity: Identity, log: Log): Agent {
  const target = parseTarget(identity.url)
  const jobs = new Map<string, JobRunner>()
  const launcher = createLauncher(folder.path, folder.jobs, config.base.PATH, log)
  const workspaces = createWorkspaces(folder.workspaces)
  const sweeper = createSweeper()
  const shipper = createLogShipper()
  const load = createLoadMeter(folder.path)
  const stop = new AbortController()
  let tools: Record<string, string> = {}
  let state: 'starting' | 'online' | 'draining' | 'stopped' = 'starting'
  let drainedByController = false
  let session: Session | undefined
  let control: Pipe<ControlMessage> | undefined
  let lostAfterMs = DEFAULT_LOST_AFTER_MS
  /** Monotonic time of the last message of ours that the controller has answered; 0 before the first. */
  let contactAt = 0
  const startedAt = performance.now()
  let refused: LinkError | undefined

  const send = (message: ControlMessage) => {
    if (session?.ready) control?.send(message)
  }
  const shipped = new WeakMap<JobRunner, Parameters<typeof shipper.grew>[0]>()

  const jobHost: JobHost = {
    config,
    log,
    launcher,
    workspaces,
    sweep: (tree) => sweeper.add(tree),
    send,
    logGrew(job) {
      let view = shipped.get(job)
      if (!view) {
        view = {
          ref: job.ref,
          get spool() {
            return job.spool
          },
          logComplete: () => job.logComplete(),
          logStale: () => forget(job.ref),
        }
        shipped.set(job, view)
      }
      shipper.grew(view)
    },
    ended: () => stopWhenDrained(),
    gone(job) {
      shipper.forget(job.ref.jobId)
      if (jobs.get(job.ref.jobId) === job) jobs.delete(job.ref.jobId)
      stopWhenDrained()
    },
    lastContact: () => (session?.ready ? contactAt : 0),
  }

  const known = (ref: JobRef): JobRunner | undefined => {
    const job = jobs.get(ref.jobId)
    return job?.ref.epoch === ref.epoch ? job : undefined
  }
  function forget(ref: JobRef): void {
    const job = known(ref)
    if (job) void job.abandon()
  }

  async function offer({ job: ref, spec }: Offer): Promise<void> {
    if (!ref || !spec) return
    const reject = (reason: string) => send({ kind: { case: 'reject', value: { job: ref, reason } } })
    const existing = jobs.get(ref.jobId)
    if (existing && existing.ref.epoch > ref.epoch) return reject('a newer epoch of this job is here')
    if (existing && existing.ref.epoch < ref.epoch) await existing.abandon()
    else if (existing) {
      if (existing.phase === 'accepted') send({ kind: { case: 'accept', value: { job: ref } } })
      return
    }
    if (!isJobId(ref.jobId)) return reject('the job id is not usable')
    if (state === 'draining' || drainedByController) return reject('draining')
    if (!canRun(spec)) return reject('this agent cannot run this kind of step')
    if ([...jobs.values()].filter((job) => job.usesSlot).length >= config.slots) return reject('no free slot')
    const disk = statfsSync(folder.path)
    if (disk.bavail * disk.bsize < RESERVE_BYTES) return reject('journal cannot be written: disk full')
    const spooled = [...jobs.values()].reduce((sum, job) => sum + (job.spool?.bytesOnDisk ?? 0), 0)
    if (spooled > config.spoolQuota) return reject('too much log is waiting on this host')
    try {
      const job = new JobRunner(JobFolder.create(folder.jobs, refOf(ref), spec), jobHost)
      jobs.set(ref.jobId, job)
      send({ kind: { case: 'accept', value: { job: ref } } })
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      reject(`journal cannot be written: ${code === 'ENOSPC' ? 'disk full' : textOf(error)}`)
    }
  }

  const sessionHost: SessionHost = {
    hello: () => ({
      kind: {
        case: 'hello',
        value: {
          capabilities,
          version: VERSION,
          labels: labelsOf(config),
          slots: config.slots,
          host: hostFacts(tools),
          jobs: [...jobs.values()].filter((job) => job.phase !== 'gone').map((job) => job.snapshot()),
        },
      },
    }),
    heartbeat: () => ({
      kind: {
        case: 'heartbeat',
        value: { load: load(), running: [...jobs.values()].filter((job) => job.usesSlot).map((job) => job.ref) },
      },
    }),
    welcomed(lostAfter) {
      lostAfterMs = lostAfter || DEFAULT_LOST_AFTER_MS
      if (state === 'starting') state = 'online'
      log.info('Connected.', { controller: target.address, agent: identity.name, slots: config.slots })
      if (state === 'draining') send({ kind: { case: 'draining', value: {} } })
    },
    contact: (sentAt) => {
      contactAt = Math.max(contactAt, sentAt)
    },
    offer: (message) => void offer(message),
    start(ref: JobRef, secrets: SecretValue[]) {
      known(ref)?.start(secrets)
    },
    cancel: (ref, graceMs) => known(ref)?.cancel(graceMs),
    finishedAck: (ref) => known(ref)?.finishedAck(),
    forget,
    drain(drain) {
      if (drain !== drainedByController)
        log.info(drain ? 'The controller asks to take no new jobs.' : 'The controller lets jobs come again.')
      drainedByController = drain
    },
  }

  function openControl(): Attempt {
    const client = createLinkClient(target, config.caFile)
    let useful = false
    let close = () => {}
    const closed = new Promise<{ useful: boolean; error: LinkError | undefined }>((resolve) => {
      const end = (error: LinkError | undefined) => {
        current.end()
        if (session === current) session = undefined
        client.close()
        resolve({ useful, error })
      }
      let current!: Session
      const pipe = client.control(identity.agentSecret, {
        onMessage: (message) => {
          useful = true
          current.onMessage(message)
        },
        onClose: end,
      })
      close = () => {
        pipe.close()
        end(undefined)
      }
      control = pipe
      current = startSession(pipe, sessionHost, () => {
        log.warn('The controller has fallen silent.')
        close()
      })
      session = current
    })
    return { closed, close: () => close() }
  }

  function openLogs(): Attempt {
    const client = createLinkClient(target, config.caFile)
    let useful = false
    let close = () => {}
    const closed = new Promise<{ useful: boolean; error: LinkError | undefined }>((resolve) => {
      const end = (error: LinkError | undefined) => {
        clearInterval(watch)
        shipper.use(undefined)
        client.close()
        resolve({ useful, error })
      }
      const pipe = client.logs(identity.agentSecret, {
        onMessage: (message) => {
          useful = true
          shipper.onMessage(message)
        },
        onClose: end,
      })
      close = () => {
        pipe.close()
        end(undefined)
      }
      const watch = setInterval(() => {
        if (shipper.stalled()) close()
      }, 5000)
      shipper.use(pipe)
    })
    return { closed, close: () => close() }
  }

  function onControlDown(error: LinkError | undefined, retryMs: number): boolean {
    if (error?.kind === 'refused') {
      refused = error
      // Jobs that run are finished first: a controller with a wrong database must not kill work.
      if (![...jobs.values()].some((job) => job.usesSlot)) {
        stop.abort()
        return false
      }
      log.error('The controller refuses this agent.', { reason: error.message })
      return true
    }
    log.warn('No connection to the controller; trying again.', {
      controller: target.address,
      reason: error?.message ?? 'stream ended',
      inMs: retryMs,
    })
    return true
  }

  function stopWhenDrained(): void {
    if (state !== 'draining') return
    // A result that the controller has not acknowledged is in the journal, but whoever drains wants it delivered.
    if ([...jobs.values()].every((job) => job.phase === 'gone')) stop.abort()
  }

  function tick(): void {
    for (const job of jobs.values()) job.tick()
    const silentFor = performance.now() - (contactAt || startedAt)
    if (silentFor > lostAfterMs * 0.9) for (const job of jobs.values()) job.fence(lostAfterMs * 0.05)
  }
  /** Anything may get lost between two processes; the second copy changes nothing. */
  function repeat(): void {
    for (const job of jobs.values()) {
      if (job.finished) send({ kind: { case: 'finished', value: job.finished } })
      else if (job.phase === 'accepted') send({ kind: { case: 'accept', value: { job: job.ref } } })
    }
  }
  function sweepWorkspaces(): void {
    const busy = new Set([...jobs.values()].map((job) => job.spec.runId))
    workspaces.sweep(busy, config.workspaceHours * 3_600_000).then(
      (removed) => removed.length > 0 && log.info('Removed unused workspaces.', { runs: removed.length }),
      (error) => log.warn('Workspaces cannot be swept.', { error: textOf(error) }),
    )
  }

  return {
    async run() {
      if (!target.tls && !target.loopback)
        log.warn('The connection is not encrypted: secrets cross the network in clear. Use https://.', {
          controller: target.address,
        })
      for (const found of await JobFolder.readAll(folder.jobs)) {
        const job = new JobRunner(found, jobHost)
        jobs.set(job.ref.jobId, job)
        await job.restore()
      }
      if (jobs.size > 0) log.info('Taking up jobs from the journal.', { jobs: jobs.size })
      const lookedFor = findTools(config.base.PATH).then((found) => {
        tools = found
      })
      await Promise.race([lookedFor, new Promise((resolve) => setTimeout(resolve, 1000))])
      sweepWorkspaces()
      const timers = [
        setInterval(tick, TICK_MS),
        setInterval(repeat, REPEAT_MS),
        setInterval(sweepWorkspaces, SWEEP_MS),
      ]
      await Promise.all([
        keepConnected(openControl, onControlDown, stop.signal),
        keepConnected(openLogs, () => !refused, stop.signal),
      ])
      state = 'stopped'
      for (const timer of timers) clearInterval(timer)
      await sweeper.settled()
      launcher.stop()
      if (refused)
        throw new ExitError('refused', `The controller refuses this agent: ${refused.message}. Register it again.`)
    },
    drain() {
      if (state === 'stopped' || state === 'draining') return
      log.info('Draining: no new jobs; ends when those that run are finished.')
      send({ kind: { case: 'draining', value: {} } })
      state = 'draining'
      stopWhenDrained()
    },
    cancelAll() {
      log.warn('Canceling what runs.')
      for (const job of jobs.values()) job.cancel(0)
      // A controller that cannot be reached gets the results when the agent runs again.
      const deadline = setTimeout(() => stop.abort(), 30_000)
      stop.signal.addEventListener('abort', () => clearTimeout(deadline))
    },
  }
}

/** The host's kind is always among them, so that `runsOn: [linux, x64]` needs no set-up. */
export function labelsOf(config: Config): string[] {
  return [...new Set([process.platform as string, process.arch as string, ...config.labels])]
}
