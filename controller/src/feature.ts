// What a feature is to the controller: one value with all it brings. `app.ts` lists features, opens them in their order and
// hands what they bring to the doors; nothing is wired anywhere else.
import type { Config } from './config.ts'
import type { EnvironmentDeletion } from './features/environments/index.ts'
import type { PipelineParticipant } from './features/pipelines/index.ts'
import type { ProjectDeletion } from './features/projects/index.ts'
import type { RunParticipant } from './features/runs/index.ts'
import type { Bus } from './platform/bus.ts'
import type { Clock } from './platform/clock.ts'
import type { Keys } from './platform/crypto.ts'
import type { Db, Entities } from './platform/db.ts'
import type { GitMirrors } from './platform/git/git.ts'
import type { Logger } from './platform/log.ts'
import type { LoopOptions } from './platform/loop.ts'
import type { Outbound } from './platform/outbound.ts'
import type { Workers } from './platform/workers.ts'
import type { Rights, ServiceTable } from './transport/call.ts'
import type { LiveTopic } from './transport/live/live-topic.ts'
import type { Route } from './transport/routes.ts'
import type { SocketRoute } from './transport/sockets.ts'

export interface Feature {
  services?: ServiceTable[]
  /** Plain HTTP: downloads, webhooks. */
  routes?: Route[]
  sockets?: SocketRoute[]
  /** Of /live. */
  topics?: LiveTopic[]
  loops?: LoopSpec[]
  /** Where a thing of this feature belongs, by the resource that rpcs, routes and topics name. */
  scopes?: Rights['resolve']
  /** Its rows of a project that is deleted. What came later in the list goes first. */
  deletions?: ProjectDeletion[]
  /** Its rows of an environment that is deleted, inside that transaction. */
  environmentDeletions?: EnvironmentDeletion[]
  /** Write with every change of a run, in its transaction. */
  participants?: RunParticipant[]
  /** Write when a pipeline is published or deleted, in that transaction. */
  pipelineParticipants?: PipelineParticipant[]
  /** After its loops have ended. */
  stop?(): Promise<void> | void
}

export type LoopSpec = Omit<LoopOptions, 'bus' | 'clock' | 'log'>

/** What every feature is made from. */
export interface Platform {
  config: Config
  version: string
  db: Db
  bus: Bus
  clock: Clock
  keys: Keys
  log: Logger
  /** The one client for what people want of other hosts. */
  outbound: Outbound
  workers: Workers
  git: GitMirrors
  /** All of them, once they are open. */
  features: readonly Feature[]
  /** Of the controller, as people and forges reach it, without a slash at its end; once the door is open. */
  publicUrl(): string
  /** host:port that agents dial, once the door is open. */
  grpcAddress(): string
}

export interface FeatureKind<Gives = unknown> {
  name: string
  /** Its tables; nobody else makes statements on them. */
  entities: Entities
  /** `from` answers what a feature gives that stands before this one in the list. */
  open(platform: Platform, from: From): Opened<Gives> | Promise<Opened<Gives>>
}

export type Opened<Gives> = Feature & {
  /** For other features. */
  gives?: Gives
}

export type From = <Gives>(feature: FeatureKind<Gives>) => Gives

/** The type of what it gives follows from what it opens to. */
export function feature<Gives>(kind: FeatureKind<Gives>): FeatureKind<Gives> {
  return kind
}

/** What a feature needs of one that comes after it, because that one needs it too: the later one fills it. */
export interface Port<T> {
  (): T
  fill(value: T): void
}

export function port<T>(name: string): Port<T> {
  let filled: { value: T } | undefined
  const read = () => {
    if (!filled) throw new Error(`Nothing provides ${name}.`)
    return filled.value
  }
  return Object.assign(read, {
    fill(value: T) {
      filled = { value }
    },
  })
}
