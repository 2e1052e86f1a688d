// The tab's one live connection: topics with sequence numbers over /live, resumed after a cut. What subscribers are told is
// always either the next message or "what you hold is stale, fetch it again".

import {
  type LiveLogChunk,
  LiveLogChunkSchema,
  LiveRequestSchema,
  type LiveResponse,
  LiveResponseSchema,
} from '@ansflow/proto/gen/ansflow/v1/live_pb'
import { create, fromBinary, fromJson, type JsonValue, type MessageInitShape, toJson } from '@bufbuild/protobuf'
import { sessionEnded } from './api.ts'
import { liveState } from './shell/live-state.ts'

export interface LiveSubscriber {
  /** A message of the topic, in order. */
  onMessage?(response: LiveResponse): void
  /** Log topics: the next bytes. */
  onChunk?(chunk: LiveLogChunk): void
  /** What the subscriber holds may be stale: fetch again. Called also after a reconnect whose gap could not be filled. */
  onResync?(): void
  /** From here on nothing is missed; what was read before may be old. */
  onSubscribed?(): void
  onRefused?(code: string, message: string): void
  /** Run topics: the last event the subscriber has. */
  afterSeq?: number
  /** Log topics: the first byte wanted. */
  offset?: bigint
}

interface Subscription extends LiveSubscriber {
  topic: string
  stream: string
  afterSeq: number
  offset: bigint
}

/** Close code: sign in again. */
const signIn = 4401

const pingEveryMs = 10_000
const silentAfterMs = 25_000
const firstDelayMs = 500
const longestDelayMs = 15_000

const subscriptions = new Map<string, Set<Subscription>>()

let socket: WebSocket | undefined
let delayMs = firstDelayMs
let retryTimer: ReturnType<typeof setTimeout> | undefined
let pingTimer: ReturnType<typeof setInterval> | undefined
let heardAt = 0
let lostAt = 0
let listening = false

/** Subscribes until the returned function is called. The connection is made with the first subscriber. */
export function subscribe(topic: string, subscriber: LiveSubscriber): () => void {
  const subscription: Subscription = {
    ...subscriber,
    topic,
    stream: '',
    afterSeq: subscriber.afterSeq ?? 0,
    offset: subscriber.offset ?? 0n,
  }
  const others = subscriptions.get(topic)
  if (others) others.add(subscription)
  else subscriptions.set(topic, new Set([subscription]))
  connect()
  // A topic is one subscription on the wire; a newcomer asks again from its own place, the others skip what they have.
  if (socket?.readyState === WebSocket.OPEN) sendSubscribe(topic)
  return () => {
    const set = subscriptions.get(topic)
    set?.delete(subscription)
    if (set?.size === 0) {
      subscriptions.delete(topic)
      send({ kind: { case: 'unsubscribe', value: { topic } } })
    }
  }
}

/** Ends the connection, for example at sign-out. The next subscription makes a new one. */
export function disconnect(): void {
  subscriptions.clear()
  clearTimeout(retryTimer)
  const old = socket
  socket = undefined
  old?.close(1000)
  liveState.value = undefined
}

/** What the connection dot shows while there is no connection. */
function showLost(): void {
  lostAt ||= Date.now()
  liveState.value = navigator.onLine === false ? { kind: 'offline' } : { kind: 'reconnecting', since: lostAt }
}

function connect(): void {
  listenToBrowser()
  if (socket || subscriptions.size === 0) return
  clearTimeout(retryTimer)
  const address = new URL('/live', window.location.href)
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:'
  const opened = new WebSocket(address)
  opened.binaryType = 'arraybuffer'
  socket = opened
  opened.onopen = () => {
    liveState.value = { kind: 'live' }
    lostAt = 0
    delayMs = firstDelayMs
    heardAt = Date.now()
    for (const topic of subscriptions.keys()) sendSubscribe(topic)
    clearInterval(pingTimer)
    pingTimer = setInterval(checkSilence, pingEveryMs)
  }
  opened.onmessage = (event: MessageEvent<string | ArrayBuffer>) => {
    heardAt = Date.now()
    if (typeof event.data === 'string')
      receive(fromJson(LiveResponseSchema, JSON.parse(event.data) as JsonValue, { ignoreUnknownFields: true }))
    else receiveChunk(fromBinary(LiveLogChunkSchema, new Uint8Array(event.data)))
  }
  opened.onclose = ({ code }) => {
    if (socket !== opened) return
    socket = undefined
    clearInterval(pingTimer)
    if (code === signIn) sessionEnded()
    else scheduleRetry()
  }
}

function scheduleRetry(): void {
  if (subscriptions.size === 0) return
  showLost()
  const wait = delayMs * (0.75 + Math.random() / 2)
  delayMs = Math.min(delayMs * 2, longestDelayMs)
  retryTimer = setTimeout(connect, wait)
}

/** A half-open connection gives no error: silence past two pings ends it. */
function checkSilence(): void {
  if (Date.now() - heardAt > silentAfterMs) socket?.close()
  else send({ kind: { case: 'ping', value: { at: Date.now() } } })
}

function listenToBrowser(): void {
  if (listening) return
  listening = true
  const tryNow = () => {
    if (socket) return
    delayMs = firstDelayMs
    connect()
  }
  window.addEventListener('online', tryNow)
  window.addEventListener('offline', () => {
    if (!socket) showLost()
  })
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') tryNow()
  })
}

function sendSubscribe(topic: string): void {
  const all = [...(subscriptions.get(topic) ?? [])]
  const oldest = all.reduce<Subscription | undefined>(
    (a, b) => (a === undefined || b.afterSeq < a.afterSeq || b.offset < a.offset ? b : a),
    undefined,
  )
  if (!oldest) return
  send({
    kind: {
      case: 'subscribe',
      value: { topic, afterSeq: oldest.afterSeq, offset: oldest.offset },
    },
  })
}

function send(request: MessageInitShape<typeof LiveRequestSchema>): void {
  if (socket?.readyState !== WebSocket.OPEN) return
  socket.send(JSON.stringify(toJson(LiveRequestSchema, create(LiveRequestSchema, request))))
}

function receive(response: LiveResponse): void {
  const { topic, kind } = response
  for (const subscription of [...(subscriptions.get(topic) ?? [])]) {
    switch (kind.case) {
      case 'subscribed':
        acceptStream(subscription, response)
        break
      case 'resync':
        subscription.stream = response.stream
        subscription.afterSeq = response.seq
        subscription.onResync?.()
        break
      case 'refused':
        subscription.onRefused?.(kind.value.code, kind.value.message)
        break
      default:
        deliver(subscription, response)
    }
  }
}

/** A stream that is not the one we were on has other numbers: what we hold is from before the cut. */
function acceptStream(subscription: Subscription, response: LiveResponse): void {
  const known = subscription.stream !== ''
  const changed = known && subscription.stream !== response.stream
  subscription.stream = response.stream
  if (changed) {
    subscription.afterSeq = response.seq
    subscription.onResync?.()
  } else if (!known) {
    if (subscription.afterSeq === 0) subscription.afterSeq = response.seq
    subscription.onSubscribed?.()
  }
}

function deliver(subscription: Subscription, response: LiveResponse): void {
  if (response.seq !== 0 && response.seq <= subscription.afterSeq) return
  const gap = response.seq !== 0 && subscription.afterSeq !== 0 && response.seq !== subscription.afterSeq + 1
  subscription.afterSeq = response.seq
  if (gap) subscription.onResync?.()
  else subscription.onMessage?.(response)
}

function receiveChunk(chunk: LiveLogChunk): void {
  for (const subscription of subscriptions.get(chunk.topic) ?? []) {
    const end = chunk.offset + BigInt(chunk.data.length)
    if (chunk.offset > subscription.offset || (end <= subscription.offset && chunk.data.length > 0)) continue
    const skip = Number(subscription.offset - chunk.offset)
    subscription.offset = end
    subscription.onChunk?.(
      skip > 0 ? { ...chunk, offset: chunk.offset + BigInt(skip), data: chunk.data.subarray(skip) } : chunk,
    )
  }
}
