// The only composition root: opens the platform, makes the features, hands their tables to the two doors.
import { fileURLToPath } from 'node:url'
import { Resource } from '@ansflow/proto/gen/ansflow/v1/access_pb'
import type { Config } from './config.ts'
import { entities } from './entities.ts'
import { authorize } from './features/access/index.ts'
import {
  agentDownload,
  agentLabels,
  agentScope,
  createAgents,
  makeRegistrationToken,
  registrationTokensMadeByTokens,
} from './features/agents/index.ts'
import { authApi, createAuthenticator, makeAdminFromSettings, renewSetupToken } from './features/auth/index.ts'
import { collabRoute, Rooms } from './features/collab/index.ts'
import { createReplies } from './features/idempotency/index.ts'
import { liveTopics } from './features/live/index.ts'
import { createLogWatch, createLogWriter, deleteLogsOf, logDownload, logsApi } from './features/logs/index.ts'
import { membersApi } from './features/members/index.ts'
import {
  firstOrganization,
  oldestOrganization,
  organizationScope,
  organizationsApi,
  organizationsById,
} from './features/organizations/index.ts'
import { deletePipelinesOf, pipelineScope, pipelinesApi } from './features/pipelines/index.ts'
import { type ProjectDeletion, projectScope, projectsApi } from './features/projects/index.ts'
import { createRunDriver, createRunWatch, deleteRunsOf, runScope, runsApi } from './features/runs/index.ts'
import { createSecrets, openKeyRing, secretsApi } from './features/secrets/index.ts'
import { type Bus, memoryBus, natsBus } from './platform/bus.ts'
import { type Clock, systemClock } from './platform/clock.ts'
import type { Keys } from './platform/crypto.ts'
import { databaseClock } from './platform/database-clock.ts'
import { type Db, openDb } from './platform/db.ts'
import { createLog, type Logger } from './platform/log.ts'
import { loop } from './platform/loop.ts'
import { migrate } from './platform/migrate.ts'
import type { StatementTap } from './platform/statement-tap.ts'
import { createWorkers, type Workers } from './platform/workers.ts'
import { createAdmission } from './transport/admission.ts'
import { createAllow } from './transport/allow.ts'
import { checkTables, createCalls, type Rights, type ServiceTable } from './transport/call.ts'
import { openGrpc } from './transport/grpc.ts'
import { openHttp } from './transport/http.ts'
import { liveRoute } from './transport/live.ts'
import type { DownloadRoute, SocketRoute } from './transport/routes.ts'

export const version = '0.1.0'
/** How long calls may go on after the controller was asked to stop, and how long each part may take after that. */
const callsGraceMs = 6000
const partGraceMs = 3000

/** What tests put in the place of the real thing, and the folder of the built console. */
export interface Overrides {
  /** Of the whole controller, instead of the time it shares with others through the database. */
  clock?: Clock
  /** Of this host. */
  hostClock?: Clock
  /** Lets statements fail. */
  statementTap?: StatementTap
  bus?: Bus
  log?: Logger
  consoleFolder?: string
}

export interface Controller {
  /** Opens everything; on failure nothing stays open. */
  start(): Promise<RunningController>
  stop(): Promise<void>
  /** Once started. */
  readonly urls: RunningController['urls']
}

export interface RunningController {
  /** As people and agents reach it. */
  urls: { http: string; grpc: string }
  /** Present on an empty database: the path and fragment of the one-time set-up link. */
  setupLink: string | undefined
  db: Db
  bus: Bus
  clock: Clock
  keys: Keys
  log: Logger
  workers: Workers
  services: ServiceTable[]
  /** Stops taking calls, ends streams and loops, closes the database; at most about ten seconds. */
  stop(): Promise<void>
}

/** Something that runs beside the calls. */
interface Background {
  name?: string
  stop(): Promise<void> | void
}

export function createController(config: Config, overrides: Overrides = {}): Controller {
  let running: RunningController | undefined
  return {
    async start() {
      running ??= await open(config, overrides)
      return running
    },
    stop: async () => running?.stop(),
    get urls() {
      if (!running) throw new Error('The controller is not started.')
      return running.urls
    },
  }
}

async function open(config: Config, overrides: Overrides): Promise<RunningController> {
  const log = overrides.log ?? createLog(config.logLevel)
  const db = await openDb(config.database, entities, overrides.statementTap)
  const opened: Background[] = [{ stop: () => db.close() }]
  try {
    await migrate(db)
    const clock = overrides.clock ?? (await sharedClock())
    const keys = await openKeyRing(db, config, clock.now(), log)
    const bus = overrides.bus ?? (config.natsUrl ? natsBus(config.natsUrl, log) : memoryBus(log))
    opened.push({ stop: () => bus.close() })
    opened.push(loop({ name: 'commit markers', everyMs: 3_600_000, run: db.forgetMarkers, bus, clock, log }))
    return await compose({ config, overrides, log, clock, keys, db, bus, opened })
  } catch (error) {
    for (const part of opened.reverse()) await part.stop()
    throw error
  }

  async function sharedClock(): Promise<Clock> {
    const shared = await databaseClock(db, overrides.hostClock ?? systemClock, log)
    opened.push(shared)
    return shared
  }
}

interface Platform {
  config: Config
  overrides: Overrides
  log: Logger
  clock: Clock
  keys: Keys
  db: Db
  bus: Bus
  opened: Background[]
}

async function compose({ config, overrides, log, clock, keys, db, bus, opened }: Platform): Promise<RunningController> {
  const secrets = createSecrets(keys)

  // Each feature's rows of a project go with it, in this order; a part may refuse while they are in use.
  const deletions: ProjectDeletion[] = [
    deleteLogsOf,
    deleteRunsOf,
    deletePipelinesOf,
    (em, projectId) => secrets.removeAll(em, projectId),
  ]

  const workers = createWorkers(log)
  opened.push(workers)
  const rooms = new Rooms({ db, bus, clock, log, workers })
  opened.push(rooms)

  const driver = createRunDriver({ db, bus, clock, log })
  opened.push(driver, loop({ name: 'runs', everyMs: 2000, run: driver.sweep, bus, clock, log }))
  const logWriter = createLogWriter({ db, bus, clock, log })
  opened.push(logWriter)
  const runWatch = createRunWatch({ db, bus, clock, log })
  opened.push(runWatch)
  let grpcAddress = ''
  const agents = createAgents({
    db,
    bus,
    clock,
    keys,
    log,
    driver,
    secrets,
    logWriter,
    lostAfterMs: config.lostAfterMs,
    grpcAddress: () => grpcAddress,
  })
  opened.push(agents)
  const { lostAmong } = agents
  const logWatch = createLogWatch({ db, bus, clock, log, lostAmong })
  opened.push(logWatch)

  const services: ServiceTable[] = [
    authApi({
      db,
      bus,
      clock,
      keys,
      version,
      makeOrganization: firstOrganization,
      organizationsById,
      registrationTokens: registrationTokensMadeByTokens,
    }),
    organizationsApi(),
    membersApi({ db, bus, clock, keys }),
    projectsApi({ db, bus, clock, deletions }),
    secretsApi({ db, clock, secrets }),
    pipelinesApi({ db, clock, drafts: rooms, workers, agentLabels: (id) => agentLabels(db, id) }),
    runsApi({ db, bus, driver, drafts: rooms, workers }),
    logsApi({ db, watch: logWatch, runWatch, workers, lostAmong }),
    ...agents.services,
  ]
  const downloads: DownloadRoute[] = []
  const collab = collabRoute({ db, bus, clock, log, rooms })
  opened.push(collab)
  const sockets: SocketRoute[] = [collab]

  const authenticator = createAuthenticator({ db, bus, clock, keys, log, agentBySecret: agents.agentBySecret })
  opened.push(authenticator)

  const rights: Rights = {
    authenticate: authenticator.authenticate,
    authorize,
    resolve: {
      [Resource.ORGANIZATION]: organizationScope,
      [Resource.PROJECT]: projectScope,
      [Resource.PIPELINE]: pipelineScope,
      [Resource.RUN]: runScope,
      [Resource.AGENT]: agentScope,
    },
  }
  const allow = createAllow(rights)
  const live = liveTopics({ db, bus, clock, log, allow, logWatch, runWatch, lostAfterMs: config.lostAfterMs })
  const liveSockets = liveRoute({ bus, clock, log, newEm: db.em, topics: live.topics })
  opened.push(live)
  sockets.push(liveSockets)
  downloads.push(
    agentDownload(fileURLToPath(new URL('../../agent/dist/ansflow-agent.mjs', import.meta.url))),
    logDownload({
      db,
      watch: logWatch,
      mayRead: (em, caller, runId) => allow(em, caller, 'run.read', Resource.RUN, runId),
    }),
  )

  if (config.admin) await makeAdminFromSettings(db, keys, firstOrganization, config.admin, clock.now())
  const setupToken = await renewSetupToken(db, keys, clock.now())
  const { localAgentToken } = config
  if (localAgentToken !== undefined) await welcomeLocalAgent({ db, clock, keys }, localAgentToken)

  const replies = createReplies({ db, clock })
  await replies.forgetInterrupted()
  opened.push(loop({ name: 'idempotency keys', everyMs: 3_600_000, run: replies.forgetOld, bus, clock, log }))
  checkTables(services)
  const admission = createAdmission()
  const calls = createCalls({ rights, admission, replies, newEm: db.em, bus, clock, log })
  const grpc = await openGrpc({
    ...config.grpc,
    trustedProxies: config.trustedProxies,
    tables: services,
    calls,
    admission,
    ready: db.writable,
  })
  const closeGrpc = { stop: () => grpc.stop(callsGraceMs) }
  opened.push(closeGrpc)
  // It speaks in clear, which agents do by themselves only on the same host.
  grpcAddress = config.publicGrpc ?? (isLoopback(config.grpc.host) ? grpc.address : `http://${grpc.address}`)
  const http = await openHttp({
    ...config.http,
    publicUrl: config.publicUrl,
    trustedProxies: config.trustedProxies,
    tables: services,
    downloads,
    sockets,
    consoleFolder: overrides.consoleFolder ?? fileURLToPath(new URL('../../web/dist', import.meta.url)),
    calls,
    admission,
    rights,
    newEm: db.em,
    ready: db.writable,
    bus,
    clock,
    log,
  })

  opened.splice(opened.indexOf(closeGrpc), 1)

  let stopped: Promise<void> | undefined
  return {
    urls: { http: config.publicUrl ?? `http://${http.address}`, grpc: grpc.address },
    setupLink: setupToken && `/setup#${setupToken}`,
    db,
    bus,
    clock,
    keys,
    log,
    workers,
    services,
    stop() {
      stopped ??= (async () => {
        // Both doors together: each waits for its own calls.
        const doors = { http: () => http.stop(callsGraceMs), grpc: () => grpc.stop(callsGraceMs) }
        await Promise.all(
          Object.entries(doors).map(([name, stop]) => stopPart({ name, stop }, log, callsGraceMs + 1000)),
        )
        for (const part of opened.reverse()) await stopPart(part, log, partGraceMs)
      })()
      return stopped
    },
  }
}

/** The agent that npm start puts beside the controller registers by this token, before there is anybody who could invite it. */
async function welcomeLocalAgent(
  { db, clock, keys }: Pick<Platform, 'db' | 'clock' | 'keys'>,
  token: string,
): Promise<void> {
  await db.transaction(async (em) => {
    const organization = await oldestOrganization(em, 'AnsFlow', clock.now())
    await makeRegistrationToken(em, { clock, keys }, { organizationId: organization.id }, token)
  })
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host)
}

/** A part that hangs must not keep the others from stopping; what it held is recovered at the next start. */
async function stopPart(part: Background, log: Logger, graceMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(true), graceMs)
  })
  try {
    const isLate = await Promise.race([late, Promise.resolve(part.stop()).then(() => false)])
    if (isLate) log.error({ part: part.name ?? part.constructor.name }, 'a part did not stop in time')
  } catch (error) {
    log.error({ err: error }, 'a part failed to stop')
  } finally {
    clearTimeout(timer)
  }
}
