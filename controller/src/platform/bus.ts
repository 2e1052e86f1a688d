// The bus: "look again" between parts and controllers. Ids and sequence numbers only, never state that is kept; what is over
// in a moment (who points where, a notice) rides along whole. A lost message costs time, not correctness.

import { AsyncLocalStorage } from 'node:async_hooks'
import type { CollabNoticeSchema } from '@ansflow/proto/gen/ansflow/v1/collab_pb'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { connect, type NatsConnection, type Subscription } from '@nats-io/transport-node'
import type { Logger } from './log.ts'

export interface Messages {
  'run.changed': { runId: string; seq: number; projectId: string; organizationId: string }
  'job.queued': { organizationId: string }
  /** How many jobs it may have at once has changed. */
  'project.limited': { projectId: string }
  /** Jobs of a project with a limit have ended. */
  'project.freed': { organizationId: string }
  'job.cancel': { jobId: string; agentId: string }
  'work.queued': Record<never, never>
  'work.ended': { jobId: string }
  'log.grew': { jobId: string; size: number; complete: boolean }
  /** Runs that others have asked for are to be begun, told of or canceled. */
  'chain.due': Record<never, never>
  /** What came to a webhook is to start runs. */
  'hook.due': Record<never, never>
  /** Something came from a forge. */
  'delivery.due': Record<never, never>
  /** A repository is to be looked at. */
  'repository.due': Record<never, never>
  /** What is shown of a repository has changed. */
  'repository.changed': { repositoryId: string; projectId: string }
  /** Another proposal of the pipeline is open, or none is any more. */
  'proposals.changed': { projectId: string; pipelineId: string }
  /** Forges are to be told how commits stand. */
  'status.due': Record<never, never>
  'approval.changed': { approvalId: string; organizationId: string }
  'access.changed': { userId: string }
  /** `id` of the grant or invitation, or of its person. */
  'members.changed': { organizationId: string; id: string }
  'agent.changed': { agentId: string; organizationId: string }
  /** `touched`: which steps, by whom; null: someone unknown. */
  'doc.changed': {
    pipelineId: string
    seq: number
    from: string
    touched: [nodeId: string, author: { id: string; name: string } | null][]
  }
  /** Clients of one controller in a document; `ask`: the others shall say theirs. */
  'doc.presence': {
    pipelineId: string
    from: string
    states: { client: number; clock: number; json: string; userId: string }[]
    ask: boolean
  }
  'doc.notice': {
    pipelineId: string
    from: string
    notice: NonNullable<MessageInitShape<typeof CollabNoticeSchema>['kind']>
  }
  'doc.gone': { pipelineId: string; from: string }
}

export type Subject = keyof Messages

export interface Bus {
  /** Never throws, never waits. Receivers run later, also those of this process. */
  publish<S extends Subject>(subject: S, message: Messages[S]): void
  /** The answer ends the subscription. */
  subscribe<S extends Subject>(subject: S, receive: (message: Messages[S]) => void): () => void
  /** Resolves once everything published or subscribed so far has reached the server. */
  settled(): Promise<void>
  close(): Promise<void>
}

type Receiver = (message: never) => void

export function memoryBus(log: Logger): Bus {
  const receivers = new Map<string, Set<Receiver>>()
  // Receivers must not run inside the transaction (or request) that happened to publish.
  const outside = AsyncLocalStorage.snapshot()
  let pending = 0
  let whenIdle: (() => void)[] = []
  return {
    publish(subject, message) {
      const interested = receivers.get(subject)
      if (!interested?.size) return
      pending++
      outside(() =>
        setImmediate(() => {
          for (const receive of [...interested]) deliver(receive, message, subject, log)
          if (--pending === 0) {
            for (const resolve of whenIdle) resolve()
            whenIdle = []
          }
        }),
      )
    },
    subscribe(subject, receive) {
      const interested = receivers.get(subject) ?? new Set()
      receivers.set(subject, interested.add(receive as Receiver))
      return () => interested.delete(receive as Receiver)
    },
    settled: () => (pending === 0 ? Promise.resolve() : new Promise((resolve) => whenIdle.push(resolve))),
    async close() {
      receivers.clear()
    },
  }
}

const natsPrefix = 'ansflow.'

/** Core NATS publish and subscribe. Connects in the background and for ever; without a server, publishing does nothing. */
export function natsBus(url: string, log: Logger): Bus {
  const receivers = new Map<string, Set<Receiver>>()
  const subscriptions = new Map<string, Subscription>()
  let connection: NatsConnection | undefined
  let closed = false
  const outside = AsyncLocalStorage.snapshot()

  function listen(nats: NatsConnection, subject: string, interested: Set<Receiver>) {
    const subscription = nats.subscribe(natsPrefix + subject, {
      callback: (error, message) => {
        if (error) return
        try {
          const body = message.json()
          outside(() => {
            for (const receive of [...interested]) deliver(receive, body as never, subject, log)
          })
        } catch (cause) {
          log.warn({ err: cause, subject }, 'a bus message could not be read')
        }
      },
    })
    subscriptions.set(subject, subscription)
  }

  const connecting = connect({
    servers: url,
    name: 'ansflow-controller',
    maxReconnectAttempts: -1,
    waitOnFirstConnect: true,
    reconnectTimeWait: 500,
    reconnectJitter: 250,
    pingInterval: 20_000,
    // While disconnected nothing piles up: a wake-up that comes late is worth nothing.
    ignoreClusterUpdates: false,
  }).then(
    (nats) => {
      if (closed) return void nats.close()
      connection = nats
      log.info({ server: nats.getServer() }, 'connected to NATS')
      for (const [subject, interested] of receivers) listen(nats, subject, interested)
      void watch(nats, log)
    },
    (error: unknown) => {
      if (!closed) log.error({ err: error }, 'NATS refuses this controller; other controllers will be seen late')
    },
  )

  return {
    publish(subject, message) {
      if (!connection || closed) return
      try {
        connection.publish(natsPrefix + subject, JSON.stringify(message))
      } catch {
        // Closed or reconnecting: every loop also wakes on a timer.
      }
    },
    subscribe(subject, receive) {
      let interested = receivers.get(subject)
      if (!interested) {
        interested = new Set()
        receivers.set(subject, interested)
        if (connection) listen(connection, subject, interested)
      }
      const set = interested.add(receive as Receiver)
      return () => set.delete(receive as Receiver)
    },
    async settled() {
      await connecting
      await connection?.flush()
    },
    async close() {
      closed = true
      for (const subscription of subscriptions.values()) subscription.unsubscribe()
      receivers.clear()
      await connection?.close()
    },
  }
}

async function watch(nats: NatsConnection, log: Logger): Promise<void> {
  let lost = false
  for await (const status of nats.status()) {
    if (status.type === 'disconnect' && !lost) {
      lost = true
      log.warn('lost NATS; controllers see each other late until it is back')
    } else if (status.type === 'reconnect') {
      lost = false
      log.info({ server: nats.getServer() }, 'connected to NATS again')
    }
  }
}

function deliver(receive: Receiver, message: unknown, subject: string, log: Logger): void {
  try {
    receive(message as never)
  } catch (error) {
    log.error({ err: error, subject }, 'a bus receiver failed')
  }
}
