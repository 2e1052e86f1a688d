// One tab's /live connection: its subscriptions, each pulling frames as fast as the tab takes them.
import { isDeepStrictEqual } from 'node:util'
import { AppError, toAppError } from '@ansflow/proto/errors'
import {
  LiveLogChunkSchema,
  type LiveRequest,
  LiveRequestSchema,
  LiveResponseSchema,
  type LiveSubscribe,
} from '@ansflow/proto/gen/ansflow/v1/live_pb'
import { each } from '@ansflow/proto/pieces'
import { create, fromJsonString, type MessageInitShape, toBinary, toJsonString } from '@bufbuild/protobuf'
import pLimit from 'p-limit'
import type { WebSocket } from 'ws'
import type { EntityManager } from '../../platform/db.ts'
import type { Logger } from '../../platform/log.ts'
import { inTurns } from '../../platform/turns.ts'
import { isRefusal } from '../access-watch.ts'
import { type Allow, allowPath } from '../allow.ts'
import type { Caller } from '../call.ts'
import type { Visit } from '../sockets.ts'
import type { Turns } from '../turns.ts'
import { createOutbox, type Outbox } from './live-outbox.ts'
import { findTopic, type LiveFeed, type LiveFrame, type LiveTopic, type Visitor } from './live-topic.ts'

export interface LiveSocketDeps {
  topics: LiveTopic[]
  allow: Allow
  newEm: () => EntityManager
  log: Logger
  turns: Turns
}

interface Subscription {
  text: string
  topic: LiveTopic
  params: Record<string, string>
  feed: LiveFeed
  abort: AbortController
}

const maxSubscriptions = 200
const maxRequestBytes = 16 * 1024
const maxWaitingRequests = 1000
/** Close codes: as in RFC 6455, and 4401 for "sign in again". */
const closed = { malformed: 1007, refused: 1008, tryAgain: 1013, signIn: 4401 }

/** Frames that many sockets get are written down once. */
const written = new WeakMap<object, string>()

export class LiveSocket implements Visit, Visitor {
  caller: Caller
  readonly #deps: LiveSocketDeps
  readonly #socket: WebSocket
  readonly #outbox: Outbox
  readonly #subscriptions = new Map<string, Subscription>()
  /** In order: an unsubscribe must not overtake the subscribe before it. */
  readonly #requests = pLimit(1)
  readonly #listeners = new Set<() => void>()

  constructor(deps: LiveSocketDeps, socket: WebSocket, caller: Caller) {
    this.#deps = deps
    this.#socket = socket
    this.caller = caller
    this.#outbox = createOutbox(socket)
    socket.on('message', (data, binary) => this.#onMessage(data as Buffer, binary))
    socket.on('close', () => this.#endAll())
    socket.on('error', () => socket.terminate())
  }

  end({ code, message }: AppError): void {
    if (code === 'unauthenticated') this.#socket.close(closed.signIn, 'Sign in again.')
    else this.#socket.close(closed.tryAgain, message.slice(0, 100))
  }

  onChange(changed: () => void): () => void {
    this.#listeners.add(changed)
    return () => this.#listeners.delete(changed)
  }

  /** Topics that may not be followed any more are dropped. */
  async rightsChanged(caller: Caller): Promise<void> {
    const before = this.caller
    this.caller = caller
    if (!isDeepStrictEqual(lasting(before), lasting(caller))) for (const changed of this.#listeners) changed()
    for (const subscription of [...this.#subscriptions.values()]) {
      try {
        await this.#mayFollow(subscription)
      } catch (error) {
        if (!isRefusal(toAppError(error))) throw error
        this.#drop(subscription)
        this.#refuse(subscription.text, error)
      }
    }
  }

  async #mayFollow({ topic, params }: Pick<Subscription, 'topic' | 'params'>): Promise<void> {
    const { allow, newEm } = this.#deps
    if (topic.access !== 'self') await allowPath(allow, newEm(), this.caller, topic.access, params)
    else if (this.caller.kind !== 'user') throw noSuchTopic()
  }

  #onMessage(data: Buffer, binary: boolean): void {
    if (
      binary ||
      data.length > maxRequestBytes ||
      this.#requests.activeCount + this.#requests.pendingCount >= maxWaitingRequests
    ) {
      this.#socket.close(closed.refused, 'Not a request.')
      return
    }
    this.#requests(() => this.#take(data)).catch((error: unknown) =>
      this.#deps.log.error({ err: error }, 'a live request failed'),
    )
  }

  async #take(data: Buffer): Promise<void> {
    if (this.#socket.readyState !== this.#socket.OPEN) return
    await this.#deps.turns.turn(this.caller.kind === 'user' ? this.caller.userId : '')
    let kind: LiveRequest['kind']
    try {
      kind = fromJsonString(LiveRequestSchema, data.toString('utf8'), { ignoreUnknownFields: true }).kind
    } catch {
      this.#socket.close(closed.malformed, 'Not a request.')
      return
    }
    if (kind.case === 'ping') {
      await this.#outbox.room()
      this.#send({ kind: { case: 'pong', value: { at: kind.value.at } } })
    } else if (kind.case === 'unsubscribe') {
      const subscription = this.#subscriptions.get(kind.value.topic)
      if (subscription) this.#drop(subscription)
    } else if (kind.case === 'subscribe') {
      try {
        await this.#subscribe(kind.value)
      } catch (error) {
        this.#refuse(kind.value.topic, error)
      }
    }
  }

  async #subscribe({ topic: text, afterSeq, offset }: LiveSubscribe): Promise<void> {
    const found = findTopic(this.#deps.topics, text)
    if (!found) throw noSuchTopic()
    await this.#mayFollow(found)
    const known = this.#subscriptions.get(text)
    // Another part of the page joins: the numbers go on for both.
    if (known && !known.feed.restarts) return this.#subscribed(known)
    if (!known && this.#subscriptions.size >= maxSubscriptions) {
      throw new AppError('resource_exhausted', `A connection has at most ${maxSubscriptions} topics.`)
    }
    const feed = await found.topic.open(found.params, { afterSeq, offset: Math.max(0, Number(offset)) }, this)
    if (known) this.#drop(known)
    if (this.#socket.readyState !== this.#socket.OPEN) return
    const subscription = { ...found, text, feed, abort: new AbortController() }
    this.#subscriptions.set(text, subscription)
    this.#subscribed(subscription)
    void this.#pump(subscription)
  }

  async #pump(subscription: Subscription): Promise<void> {
    const { feed, text, abort } = subscription
    try {
      for await (const frame of feed.frames(abort.signal)) {
        if (abort.signal.aborted) return
        await inTurns(each([frame], () => this.#frame(text, feed.stream, frame)))
        await this.#outbox.room()
      }
    } catch (error) {
      if (abort.signal.aborted) return
      this.#drop(subscription)
      this.#refuse(text, error)
    }
  }

  #frame(topic: string, stream: string, frame: LiveFrame): void {
    if (frame.type === 'chunk') {
      const { data, offset, complete, part } = frame
      const chunk = create(LiveLogChunkSchema, { topic, offset: BigInt(offset), data, complete, part })
      this.#outbox.send(toBinary(LiveLogChunkSchema, chunk))
    } else if (frame.type === 'resync') {
      this.#send({ topic, stream, seq: frame.seq, kind: { case: 'resync', value: { why: frame.why } } })
    } else {
      const key = frame.sameForAll ? (frame.kind.value as object) : undefined
      const text = (key && written.get(key)) ?? writeDown({ topic, stream, seq: frame.seq, kind: frame.kind })
      if (key) written.set(key, text)
      this.#outbox.send(text)
    }
  }

  #subscribed({ text, feed }: Subscription): void {
    this.#send({ topic: text, stream: feed.stream, seq: feed.seq(), kind: { case: 'subscribed', value: {} } })
  }

  #refuse(topic: string, thrown: unknown): void {
    const { code, message } = toAppError(thrown)
    if (code === 'internal') this.#deps.log.error({ err: thrown, topic }, 'a live topic failed')
    this.#send({ topic, kind: { case: 'refused', value: { code, message } } })
  }

  #send(response: MessageInitShape<typeof LiveResponseSchema>): void {
    this.#outbox.send(writeDown(response))
  }

  #drop(subscription: Subscription): void {
    subscription.abort.abort()
    if (this.#subscriptions.get(subscription.text) === subscription) this.#subscriptions.delete(subscription.text)
  }

  #endAll(): void {
    for (const subscription of [...this.#subscriptions.values()]) this.#drop(subscription)
  }
}

function noSuchTopic(): AppError {
  return new AppError('not_found', 'There is no such topic.')
}

/** The end of a session moves with each use of it. */
function lasting(caller: Caller): object {
  return { ...caller, ...(caller.kind === 'user' && { expiresAt: undefined }) }
}

function writeDown(response: MessageInitShape<typeof LiveResponseSchema>): string {
  return toJsonString(LiveResponseSchema, create(LiveResponseSchema, response))
}
