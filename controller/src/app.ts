// The only composition root: opens the platform, then the features, and hands what they bring to the two doors.
import { join } from 'node:path'
import type { Config } from './config.ts'
import type { Feature, FeatureKind, From, Platform } from './feature.ts'
import { accessFeature, authorize } from './features/access/index.ts'
import { agentsFeature } from './features/agents/index.ts'
import { approvalsFeature } from './features/approvals/index.ts'
import { auditFeature } from './features/audit/index.ts'
import { authFeature } from './features/auth/index.ts'
import { badgesFeature } from './features/badges/index.ts'
import { chainsFeature } from './features/chains/index.ts'
import { collabFeature } from './features/collab/index.ts'
import { deliveriesFeature } from './features/deliveries/index.ts'
import { deploymentsFeature } from './features/deployments/index.ts'
import { environmentsFeature } from './features/environments/index.ts'
import { explainFeature } from './features/explain/index.ts'
import { forgesFeature } from './features/forges/index.ts'
import { idempotencyFeature } from './features/idempotency/index.ts'
import { locksFeature } from './features/locks/index.ts'
import { logsFeature } from './features/logs/index.ts'
import { membersFeature } from './features/members/index.ts'
import { organizationsFeature } from './features/organizations/index.ts'
import { pipelinesFeature } from './features/pipelines/index.ts'
import { projectsFeature } from './features/projects/index.ts'
import { proposalsFeature } from './features/proposals/index.ts'
import { reportsFeature } from './features/reports/index.ts'
import { repositoriesFeature } from './features/repositories/index.ts'
import { runsFeature } from './features/runs/index.ts'
import { schedulesFeature } from './features/schedules/index.ts'
import { openKeyRing, secretsFeature } from './features/secrets/index.ts'
import { statusesFeature } from './features/statuses/index.ts'
import { variablesFeature } from './features/variables/index.ts'
import { webhooksFeature } from './features/webhooks/index.ts'
import { workFeature } from './features/work/index.ts'
import { type Bus, memoryBus, natsBus } from './platform/bus.ts'
import { type Clock, systemClock } from './platform/clock.ts'
import type { Keys } from './platform/crypto.ts'
import { databaseClock } from './platform/database-clock.ts'
import { type Db, type Entities, openDb } from './platform/db.ts'
import { createGitMirrors } from './platform/git/mirrors.ts'
import { createLog, type Logger } from './platform/log.ts'
import { loop } from './platform/loop.ts'
import { migrate } from './platform/migrate.ts'
import { createOutbound } from './platform/outbound.ts'
import type { StatementTap } from './platform/statement-tap.ts'
import { createWorkers, type Workers } from './platform/workers.ts'
import { consoleFolder as builtConsole } from './product-files.ts'
import { createAdmission } from './transport/admission.ts'
import { checkTables, createCalls, type Rights, type ServiceTable } from './transport/call.ts'
import { openGrpc } from './transport/grpc.ts'
import { openHttp } from './transport/http.ts'
import { liveRoute } from './transport/live/live.ts'

/** Each may use what those before it give. */
export const features: FeatureKind[] = [
  auditFeature,
  accessFeature,
  organizationsFeature,
  authFeature,
  idempotencyFeature,
  projectsFeature,
  membersFeature,
  environmentsFeature,
  secretsFeature,
  forgesFeature,
  variablesFeature,
  pipelinesFeature,
  collabFeature,
  runsFeature,
  logsFeature,
  reportsFeature,
  agentsFeature,
  workFeature,
  approvalsFeature,
  locksFeature,
  deploymentsFeature,
  schedulesFeature,
  chainsFeature,
  webhooksFeature,
  repositoriesFeature,
  statusesFeature,
  badgesFeature,
  deliveriesFeature,
  proposalsFeature,
  explainFeature,
]

export const entitiesOf = (kinds: FeatureKind[]): Entities => kinds.flatMap((kind) => kind.entities)

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
  /** Before the migrations, which then find what there is. */
  makeTables?: (db: Db) => Promise<void>
  bus?: Bus
  log?: Logger
  consoleFolder?: string
  /** Behind all others. */
  features?: FeatureKind[]
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
  const kinds = [...features, ...(overrides.features ?? [])]
  const db = await openDb(config.database, entitiesOf(kinds), overrides.statementTap)
  const opened: Background[] = [{ stop: () => db.close() }]
  try {
    await overrides.makeTables?.(db)
    await migrate(db)
    const clock = overrides.clock ?? (await sharedClock())
    const keys = await openKeyRing(db, config, clock.now(), log)
    const bus = overrides.bus ?? (config.natsUrl ? natsBus(config.natsUrl, log) : memoryBus(log))
    opened.push({ stop: () => bus.close() })
    opened.push(loop({ name: 'commit markers', everyMs: 3_600_000, run: db.forgetMarkers, bus, clock, log }))
    const workers = createWorkers(log)
    opened.push(workers)
    const outbound = createOutbound({ allowed: config.outboundAllowed })
    const git = createGitMirrors({
      folder: join(config.dataFolder, 'repositories'),
      environment: config.gitEnvironment,
      outbound,
      log,
    })
    opened.push(git)
    let urls = { http: '', agents: '' }
    const all: Feature[] = []
    const platform: Platform = {
      config,
      version,
      db,
      bus,
      clock,
      keys,
      log,
      outbound,
      workers,
      git,
      features: all,
      publicUrl: () => urls.http,
      grpcAddress: () => urls.agents,
    }
    const from = await openFeatures(kinds, platform, all, opened)
    const doors = await openDoors(platform, from, overrides.consoleFolder)
    urls = doors.urls
    return {
      ...doors,
      setupLink: from(authFeature).setupLink,
      db,
      bus,
      clock,
      keys,
      log,
      workers,
      stop: stopAll(doors),
    }
  } catch (error) {
    for (const part of opened.reverse()) await part.stop()
    throw error
  }

  async function sharedClock(): Promise<Clock> {
    const shared = await databaseClock(db, overrides.hostClock ?? systemClock, log)
    opened.push(shared)
    return shared
  }

  function stopAll(doors: Doors): () => Promise<void> {
    let stopped: Promise<void> | undefined
    return () => {
      stopped ??= (async () => {
        await doors.stop()
        for (const part of opened.reverse()) await stopPart(part, log, partGraceMs)
      })()
      return stopped
    }
  }
}

/** Answers what each gives. Their loops begin when all are open. */
async function openFeatures(
  kinds: FeatureKind[],
  platform: Platform,
  all: Feature[],
  opened: Background[],
): Promise<From> {
  const given = new Map<FeatureKind, unknown>()
  const from: From = (feature) => {
    if (!given.has(feature)) throw new Error(`The feature "${feature.name}" is not open yet: see the list in app.ts.`)
    return given.get(feature) as never
  }
  for (const kind of kinds) {
    const feature = await kind.open(platform, from)
    given.set(kind, feature.gives)
    all.push(feature)
    opened.push({ name: kind.name, stop: () => feature.stop?.() })
  }
  const { bus, clock, log } = platform
  for (const each of all.flatMap((feature) => feature.loops ?? [])) opened.push(loop({ ...each, bus, clock, log }))
  return from
}

interface Doors {
  urls: { http: string; grpc: string; agents: string }
  services: ServiceTable[]
  stop(): Promise<void>
}

async function openDoors(platform: Platform, from: From, consoleFolder: string | undefined): Promise<Doors> {
  const { config, db, bus, clock, log, features: all } = platform
  const services = all.flatMap((feature) => feature.services ?? [])
  checkTables(services)
  const rights: Rights = {
    authenticate: from(authFeature).authenticate,
    authorize,
    resolve: Object.assign({}, ...all.map((feature) => feature.scopes)),
  }
  const topics = all.flatMap((feature) => feature.topics ?? [])
  const live = liveRoute({ clock, log, newEm: db.em, topics })
  const admission = createAdmission()
  const replies = from(idempotencyFeature)
  const audit = from(auditFeature)
  const calls = createCalls({ rights, admission, replies, audit, newEm: db.em, bus, clock, log })
  const { trustedProxies, publicUrl } = config
  const grpc = await openGrpc({
    ...config.grpc,
    trustedProxies,
    tables: services,
    calls,
    admission,
    ready: db.writable,
  })
  const http = await openHttp({
    ...config.http,
    publicUrl,
    trustedProxies,
    tables: services,
    routes: all.flatMap((feature) => feature.routes ?? []),
    sockets: [...all.flatMap((feature) => feature.sockets ?? []), live],
    consoleFolder: consoleFolder ?? builtConsole,
    calls,
    admission,
    rights,
    newEm: db.em,
    ready: db.writable,
    bus,
    clock,
    log,
  }).catch(async (error: unknown) => {
    await grpc.stop(callsGraceMs)
    throw error
  })
  return {
    urls: {
      http: publicUrl ?? `http://${http.address}`,
      grpc: grpc.address,
      // It speaks in clear, which agents do by themselves only on the same host.
      agents: config.publicGrpc ?? (isLoopback(config.grpc.host) ? grpc.address : `http://${grpc.address}`),
    },
    services,
    async stop() {
      // Both doors together: each waits for its own calls.
      const doors = { http: () => http.stop(callsGraceMs), grpc: () => grpc.stop(callsGraceMs) }
      await Promise.all(Object.entries(doors).map(([name, stop]) => stopPart({ name, stop }, log, callsGraceMs + 1000)))
    },
  }
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
