// An agent without a host: the real agent's own link (its two connections, heartbeats, reconnects), and jobs that are a timer.
import { createHash, randomUUID } from 'node:crypto'
import type { Config } from '@ansflow/agent/config'
import type { Identity } from '@ansflow/agent/data-folder'
import { createLoadMeter, hostFacts } from '@ansflow/agent/host'
import { keepConnected } from '@ansflow/agent/link/connect'
import type { LinkError, LogsMessage, Pipe } from '@ansflow/agent/link/rpc-client'
import type { SessionHost } from '@ansflow/agent/link/session'
import { createStreams } from '@ansflow/agent/link/streams'
import { silentLog } from '@ansflow/agent/log'
import type { LogShipper } from '@ansflow/agent/log/log-shipper'
import { JobPhase, type JobRef, type JobSpec, Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { timestampNow } from '@bufbuild/protobuf/wkt'

export interface Watcher {
  welcomed(): void
  /** The job's process would run now; answers for how many milliseconds. */
  started(spec: JobSpec): number
  ended(spec: JobSpec): void
  /** It will not try again. */
  refused(error: LinkError): void
}

const facts = hostFacts({})
const load = createLoadMeter('/')()
const emptyLog = createHash('sha256').digest()

export function runSimulatedAgent(identity: Identity, watcher: Watcher, signal: AbortSignal): Promise<unknown> {
  const jobs = new Map<string, { ref: JobRef; spec: JobSpec; phase: JobPhase }>()
  let logs: Pipe<LogsMessage> | undefined
  const instanceId = randomUUID()
  const shipper: LogShipper = {
    grew: () => undefined,
    forget: () => undefined,
    use: (pipe) => {
      logs = pipe
    },
    onMessage: () => undefined,
    stalled: () => false,
  }
  const host: SessionHost = {
    hello: () => ({
      kind: {
        case: 'hello',
        value: {
          capabilities: ['shell'],
          version: '0.1.0',
          slots: 4,
          host: facts,
          instanceId,
          startsOffers: true,
          jobs: [...jobs.values()].map(({ ref, phase }) => ({ job: ref, phase })),
        },
      },
    }),
    heartbeat: () => ({
      kind: { case: 'heartbeat', value: { load, running: [...jobs.values()].map(({ ref }) => ref) } },
    }),
    welcomed: watcher.welcomed,
    contact: () => undefined,
    offer({ job, spec, start }) {
      if (!job || !spec) return
      jobs.set(job.jobId, { ref: job, spec, phase: JobPhase.ACCEPTED })
      if (start) host.start(job, [])
      else streams.send({ kind: { case: 'accept', value: { job } } })
    },
    start(ref) {
      const job = jobs.get(ref.jobId)
      if (job?.phase !== JobPhase.ACCEPTED) return
      job.phase = JobPhase.RUNNING
      const ms = watcher.started(job.spec)
      const startedAt = timestampNow()
      streams.send({ kind: { case: 'started', value: { job: ref, at: startedAt } } })
      setTimeout(() => {
        watcher.ended(job.spec)
        const end = { job: ref, outcome: Outcome.SUCCEEDED, exitCode: 0, startedAt, finishedAt: timestampNow() }
        streams.send({ kind: { case: 'finished', value: end } })
        logs?.send({ job: ref, finalSize: 0n, finalSha256: emptyLog })
      }, ms)
    },
    cancel: () => undefined,
    finishedAck: (ref) => void jobs.delete(ref.jobId),
    forget: (ref) => void jobs.delete(ref.jobId),
    drain: () => undefined,
  }
  // Of the settings, the link reads the file of authorities.
  const streams = createStreams({ caFile: '' } as Config, identity, host, shipper, silentLog)
  const onControlDown = (error: LinkError | undefined) => {
    const isFinal = error && ['refused', 'rejected', 'inUse'].includes(error.kind)
    if (isFinal) watcher.refused(error)
    return !isFinal
  }
  return Promise.all([
    keepConnected(() => streams.openControl(), onControlDown, signal),
    keepConnected(
      () => streams.openLogs(),
      () => true,
      signal,
    ),
  ])
}
