// The agents feature put together: sessions, dispatcher, the loops beside them, and what it serves.
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Keys } from '../../platform/crypto.ts'
import type { Db } from '../../platform/db.ts'
import type { Logger } from '../../platform/log.ts'
import { loop } from '../../platform/loop.ts'
import type { ServiceTable } from '../../transport/call.ts'
import { type LogHead, LogStream, type LogWriter, type LostAmong } from '../logs/index.ts'
import type { RunDriver } from '../runs/index.ts'
import type { Secrets } from '../secrets/index.ts'
import { createAgentBook } from './agent-book.ts'
import { createAgentHub } from './agent-hub.ts'
import { agentLinkApi } from './agent-link.api.ts'
import type { SessionDeps } from './agent-session.ts'
import { agentTables, type KnownAgent } from './agent-tables.ts'
import { agentsApi } from './agents.api.ts'
import { giveUpStranded } from './delete-agent.ts'
import { createDispatcher } from './dispatcher.ts'
import { createLostSweep, lostSweepMs } from './lost-agents.ts'
import { createJobBook, createJobQueue, jobSecrets } from './run-jobs.ts'
import { createSilenceSweep } from './silent-agents.ts'

export interface AgentsFeatureDeps {
  db: Db
  bus: Bus
  clock: Clock
  keys: Keys
  log: Logger
  driver: RunDriver
  secrets: Secrets
  logWriter: LogWriter
  lostAfterMs: number
  /** host:port that agents dial. */
  grpcAddress(): string
}

export interface AgentsFeature {
  services: ServiceTable[]
  /** For the authenticator. */
  agentBySecret(secretHash: string): Promise<{ agentId: string; organizationId: string } | undefined>
  /** Of these agents, those that count as lost or are no more. */
  lostAmong: LostAmong
  stop(): Promise<void>
}

/** What is dispatched without being told of: after a lost message, or by another controller. */
const dispatchSweepMs = 2000
/** Pages that show agents hear of their jobs this often at most. */
const tellJobsMs = 250

export function createAgents(deps: AgentsFeatureDeps): AgentsFeature {
  const { db, bus, clock, keys, log, driver, secrets, logWriter, lostAfterMs, grpcAddress } = deps
  const hub = createAgentHub({ db, bus, log })
  const jobs = createJobBook({ db, driver, secrets })
  const queue = createJobQueue({ db, clock, log, driver })
  const dispatcher = createDispatcher({ queue, sessions: hub.sessions, clock, log })
  const session: SessionDeps = {
    clock,
    log,
    jobs,
    agents: createAgentBook({ db, bus, clock, log }),
    lostAfterMs,
    onReady(ready) {
      hub.add(ready)
      if (ready.agent) dispatcher.wake(ready.agent.organizationId)
    },
    onFree: ({ agent }) => agent && dispatcher.freed(agent.organizationId),
    onJobs: ({ agent }) => agent && tellJobs(agent),
    onClosed: (closed) => hub.remove(closed),
  }
  const telling = new Set<string>()
  const tellJobs = ({ id: agentId, organizationId }: KnownAgent) => {
    if (telling.has(agentId)) return
    telling.add(agentId)
    clock.setTimer(tellJobsMs, () => {
      telling.delete(agentId)
      bus.publish('agent.changed', { agentId, organizationId })
    })
  }
  const secretsOf = async ({ jobId, hasSecrets }: LogHead) => {
    if (!hasSecrets) return []
    const { values } = await jobSecrets(db, secrets, jobId)
    return values.flatMap(({ value }) => value ?? [])
  }
  const background = { bus, clock, log }
  const lostSweep = createLostSweep({ db, bus, clock, log, jobs, lostAfterMs })
  const loops = [
    loop({ ...background, name: 'dispatch', everyMs: dispatchSweepMs, run: dispatcher.sweep }),
    loop({ ...background, name: 'lost agents', everyMs: lostSweepMs, run: lostSweep }),
  ]
  const silence = createSilenceSweep({ db, clock, jobs, lostAfterMs })
  loops.push(loop({ ...background, name: 'silent agents', everyMs: lostSweepMs, run: silence }))
  const stranded = () => giveUpStranded({ db, jobs })
  loops.push(loop({ ...background, name: 'deleted agents', everyMs: lostSweepMs, run: stranded }))
  const endQueued = bus.subscribe('job.queued', ({ organizationId }) => dispatcher.wake(organizationId))

  return {
    services: [
      agentLinkApi({
        db,
        bus,
        clock,
        keys,
        hub,
        session,
        logStream: (agentId, pipe) => new LogStream({ db, writer: logWriter, clock, log, secretsOf }, agentId, pipe),
      }),
      agentsApi({ db, bus, clock, keys, jobs, lostAfterMs, grpcAddress }),
    ],
    async agentBySecret(secretHash) {
      const row = await agentTables(db)
        .selectFrom('agent')
        .select(['id', 'organization_id'])
        .where('secret_hash', '=', secretHash)
        .executeTakeFirst()
      return row && { agentId: row.id, organizationId: row.organization_id }
    },
    lostAmong: lostSweep.lostAmong,
    async stop() {
      endQueued()
      hub.stop()
      await Promise.all(loops.map((one) => one.stop()))
      await dispatcher.stop()
    },
  }
}
