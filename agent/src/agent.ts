// Owns the agent: the jobs on this host, its slots, and its life: starting → online → draining → stopped.
import { createHash, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { FinishedSchema, type JobRef } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { limits } from '@ansflow/proto/limits'
import { create, toBinary } from '@bufbuild/protobuf'
import { type Config, VERSION } from './config.ts'
import { createContainers } from './containers/containers.ts'
import type { DataFolder, Identity } from './data-folder.ts'
import { ExitError } from './exit.ts'
import { followFormer } from './former-processes.ts'
import { createLoadMeter, hostFacts, toolsOfHost } from './host.ts'
import { type JobHost, JobRunner } from './job/job-runner.ts'
import { JobFolder, placeOf } from './job/journal.ts'
import { createLanes } from './job/lanes.ts'
import { createOffers } from './job/offers.ts'
import { createWorkspaces, folderRun } from './job/workspace.ts'
import { keepConnected } from './link/connect.ts'
import { type LinkError, parseTarget } from './link/rpc-client.ts'
import { DEFAULT_HEARTBEAT_MS, type SessionHost } from './link/session.ts'
import { createStreams } from './link/streams.ts'
import { createLogShipper } from './log/log-shipper.ts'
import { type Log, textOf } from './log.ts'
import { createFence } from './process/fence.ts'
import { createLauncher } from './process/process.ts'
import { createSweeper } from './process/process-tree.ts'
import { capabilities } from './steps/index.ts'

const TICK_MS = 500
const HELLO_BYTES = 2 * 1024 * 1024
/** Outputs, and fields of blocks of tests. */
const HELLO_OUTPUTS = 3000
/** What the controller has not answered for this many heartbeats is said again. */
const REPEAT_HEARTBEATS = 2
const SWEEP_MS = 600_000
/** A start does not wait longer for a container runtime; it may be found later. */
const CONTAINERS_MS = 1000
const CONTAINERS_EVERY_MS = 30_000
const TOOLS_MS = 1000
/** An agent that leaves waits so long for the controller to hear it. */
const LEAVE_MS = 2000
/** After the second signal results are waited for this long; the journal keeps them for the next start. */
const CANCEL_MS = 60_000

export interface Agent {
  /** Resolves when the agent has stopped; throws when the controller refuses it for good. */
  run(): Promise<void>
  /** No new jobs; ends when those that run are finished and reported. */
  drain(): void
  /** Cancels what runs; ends when that is reported. */
  cancelAll(): void
}

export function createAgent(config: Config, folder: DataFolder, identity: Identity, log: Log): Agent {
  const target = parseTarget(identity.url)
  const jobs = new Map<string, JobRunner>()
  const launcher = createLauncher(folder.jobs, config.base.PATH, log)
  const lanes = createLanes(folder.ready, placeOf(folder.jobs), launcher, log)
  const workspaces = createWorkspaces(folder.workspaces, config.stepUser)
  const sweeper = createSweeper()
  const fence = createFence(folder.path, config.base.PATH, log)
  const shipper = createLogShipper()
  const load = createLoadMeter(folder.path)
  const place = createHash('sha256')
    .update(`${placeOf(folder.jobs)} ${folder.path}`)
    .digest('hex')
    .slice(0, 32)
  const containers = createContainers(config, place, log, () => streams.greetAgain())
  const stop = new AbortController()
  let tools: Record<string, string> = {}
  let state: 'starting' | 'online' | 'draining' | 'stopped' = 'starting'
  let drainedByController = false
  let repeatMs = REPEAT_HEARTBEATS * DEFAULT_HEARTBEAT_MS
  let refused: LinkError | undefined
  /** What the jobs still need to end, when another process has taken this one's place. */
  let leaving: Promise<unknown> = Promise.resolve()
  const instanceId = randomUUID()
  const formerInstanceIds = followFormer(folder, instanceId, log)
  let isLeaving = false
  let hellos = 0

  const sessionHost: SessionHost = {
    hello() {
      offers.dropAll()
      return {
        kind: {
          case: 'hello',
          value: {
            capabilities: capabilities(containers.runtime !== undefined),
            version: VERSION,
            instanceId,
            formerInstanceIds,
            startsOffers: true,
            helloNumber: ++hellos,
            labels: labelsOf(config),
            slots: config.slots,
            host: { ...hostFacts(tools), workspaceHours: config.workspaceHours },
            jobs: snapshots(),
          },
        },
      }
    },
    heartbeat() {
      const running = [...jobs.values()].filter((job) => job.usesSlot).map((job) => job.ref)
      return { kind: { case: 'heartbeat', value: { load: load(), running: [...running, ...offers.arriving()] } } }
    },
    welcomed(lostAfter, heartbeatMs) {
      refused = undefined
      fence.setLostAfter(lostAfter)
      repeatMs = REPEAT_HEARTBEATS * heartbeatMs
      if (state === 'starting') state = 'online'
      log.info('Connected.', { controller: target.address, agent: identity.name, slots: config.slots })
      if (state === 'draining') streams.send({ kind: { case: 'draining', value: {} } })
    },
    contact(sentAt) {
      fence.push(sentAt)
    },
    offer: (message) => void offers.hear(message),
    start: (ref, secrets) => known(ref)?.start(secrets),
    cancel: (ref) => known(ref)?.cancel(),
    finishedAck: (ref, logComplete) => known(ref)?.finishedAck(logComplete),
    forget(ref) {
      offers.drop(ref)
      void known(ref)?.abandon()
    },
    drain(drain) {
      if (drain !== drainedByController) {
        log.info(drain ? 'The controller asks to take no new jobs.' : 'The controller lets jobs come again.')
      }
      drainedByController = drain
    },
  }
  const streams = createStreams(config, identity, sessionHost, shipper, log)

  const jobHost: JobHost = {
    config,
    log,
    launcher,
    workspaces,
    sweep: (tree) => sweeper.add(tree),
    containers,
    place,
    send: (message) => streams.send(message),
    logGrew: (job) => shipper.grew(job),
    gone(job) {
      shipper.forget(job)
      offers.isOver(job.ref)
      if (jobs.get(job.ref.jobId) === job) jobs.delete(job.ref.jobId)
      stopWhenDone()
    },
    isConnected: () => streams.isConnected(),
    armFence: () => fence.arm(),
  }
  const isDraining = () => state === 'draining' || drainedByController
  const offers = createOffers({ folder, config, lanes, jobs, jobHost, isDraining, isInTouch: () => fence.isInTouch() })

  /** A hello must fit into one message, whatever the outputs of what has ended while the controller was away. */
  function snapshots(): ReturnType<JobRunner['snapshot']>[] {
    let bytes = HELLO_BYTES
    let outputs = HELLO_OUTPUTS
    return (
      [...jobs.values()]
        .filter((job) => job.phase !== 'gone')
        .toSorted((a, b) => Number(a.usesSlot) - Number(b.usesSlot))
        // Too many are there when logs wait for very long; the end of the oldest was confirmed long before.
        .slice(-limits.jobsOfAnAgent)
        .map((job) => {
          const whole = job.snapshot()
          if (whole.finished) {
            const result = create(FinishedSchema, whole.finished)
            bytes -= toBinary(FinishedSchema, result).length
            outputs -= Object.keys(result.outputs).length + 5 * (result.reports?.blocks.length ?? 0)
          }
          return bytes < 0 || outputs < 0 ? job.snapshot(false) : whole
        })
    )
  }

  const known = (ref: JobRef): JobRunner | undefined => {
    const job = jobs.get(ref.jobId)
    return job?.ref.epoch === ref.epoch ? job : undefined
  }

  /** Answers whether to try again. */
  function onControlDown(error: LinkError | undefined, retryMs: number): boolean {
    const reason = error?.message ?? 'the stream ended'
    if (error?.kind === 'inUse') {
      refused = error
      log.error('Another process runs with the identity of this agent: ending.', { reason, jobs: jobs.size })
      // The controller takes them for lost and may repeat them.
      leaving = Promise.all([...jobs.values()].map((job) => job.abandon())).finally(() => stop.abort())
      return false
    }
    if (error?.kind === 'refused' || error?.kind === 'rejected') {
      refused = error
      // Jobs that run are finished first: a controller with a wrong database must not kill work.
      if (![...jobs.values()].some((job) => job.usesSlot)) {
        stop.abort()
        return false
      }
      log.error('The controller refuses this agent; it ends when its jobs have.', { reason })
      return true
    }
    log.warn('No connection to the controller; trying again.', { controller: target.address, reason, inMs: retryMs })
    return true
  }

  /** What the controller has not acknowledged is in the journal; but whoever drains wants it delivered. */
  function stopWhenDone(): void {
    if (state !== 'draining' || jobs.size > 0 || isLeaving) return
    isLeaving = true
    void Promise.race([refusalsHeard(), delay(LEAVE_MS, undefined, { ref: false })]).then(() => stop.abort())
  }

  /** Offers that were on their way when the controller heard that nothing more is taken: what nobody refuses may run, to it. */
  async function refusalsHeard(): Promise<void> {
    let before: number
    do {
      before = offers.refusals
      await streams.heard()
    } while (offers.refusals > before)
  }

  function tick(): void {
    for (const job of jobs.values()) {
      job.tick()
      job.repeat(repeatMs)
    }
    const graceMs = fence.graceMs()
    if (graceMs !== undefined) for (const job of jobs.values()) job.fence(graceMs)
  }
  async function lookForContainers(): Promise<void> {
    await containers.look()
    await containers.sweep((jobId) => jobs.has(jobId))
  }
  function sweepWorkspaces(): void {
    const busy = new Set([...jobs.values()].map((job) => folderRun(job.spec)))
    workspaces.sweep(busy, config.workspaceHours * 3_600_000).then(
      ({ removed, problems }) => {
        if (removed.length > 0) log.info('Removed unused workspaces.', { runs: removed.length })
        for (const problem of problems) log.warn('A workspace cannot be removed; it is left.', { ...problem })
      },
      (error) => log.warn('Workspaces cannot be swept.', { error: textOf(error) }),
    )
  }

  return {
    async run() {
      if (!target.tls && !target.loopback) {
        log.warn('The connection is not encrypted: secrets cross the network in clear. Use https://.', {
          controller: target.address,
        })
      }
      for (const found of JobFolder.readAll(folder)) {
        const job = new JobRunner(found, jobHost)
        jobs.set(job.ref.jobId, job)
        job.restore()
      }
      void JobFolder.removeLeftovers(folder).then((problems) => {
        for (const problem of problems) log.warn('What a job has left cannot be removed; it is left.', { ...problem })
      })
      if ([...jobs.values()].some((job) => job.usesSlot && job.spec.selfFence)) fence.arm()
      if (jobs.size > 0) log.info('Took up the jobs of the journal.', { jobs: jobs.size })
      const known = Promise.race([lookForContainers(), delay(CONTAINERS_MS, undefined, { ref: false })])
      tools = await toolsOfHost(config.base.PATH, join(folder.path, 'tools.json'), TOOLS_MS)
      await known
      sweepWorkspaces()
      const timers = [
        setInterval(tick, TICK_MS),
        setInterval(sweepWorkspaces, SWEEP_MS),
        setInterval(lookForContainers, CONTAINERS_EVERY_MS),
      ]
      await Promise.all([
        keepConnected(() => streams.openControl(), onControlDown, stop.signal),
        keepConnected(
          () => streams.openLogs(),
          () => true,
          stop.signal,
        ),
      ])
      await leaving
      state = 'stopped'
      for (const timer of timers) clearInterval(timer)
      await sweeper.settled()
      await lanes.stop()
      launcher.stop()
      if (refused?.kind === 'inUse') throw new ExitError('identityInUse', refused.message)
      if (refused?.kind === 'rejected')
        throw new ExitError('usage', `The controller does not take this agent: ${refused.message}`)
      if (refused)
        throw new ExitError('refused', `The controller refuses this agent: ${refused.message} Register it anew.`)
    },
    drain() {
      if (state === 'stopped' || state === 'draining') return
      log.info('Draining: no new jobs; ends when those that run are finished.', { jobs: jobs.size })
      streams.send({ kind: { case: 'draining', value: {} } })
      state = 'draining'
      stopWhenDone()
    },
    cancelAll() {
      log.warn('Canceling what runs.')
      for (const job of jobs.values()) job.cancel({ agentStops: true })
      const deadline = setTimeout(() => stop.abort(), CANCEL_MS)
      stop.signal.addEventListener('abort', () => clearTimeout(deadline))
    },
  }
}

/** The host's kind is always among them, so that `runsOn: [linux, x64]` needs no set-up. */
export function labelsOf(config: Config): string[] {
  return [...new Set([process.platform as string, process.arch as string, ...config.labels])]
}
