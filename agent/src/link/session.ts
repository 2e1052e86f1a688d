// Owns the control protocol over one stream: hello and welcome, heartbeats, and turning messages into calls on the agent.
import type { ControlResponse, JobRef, Offer, SecretValue } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import type { ControlMessage, Pipe } from './rpc-client.ts'

/** What the protocol can ask of the agent. Every call may come twice. */
export interface SessionHost {
  hello(): ControlMessage
  heartbeat(): ControlMessage
  welcomed(lostAfterMs: number, heartbeatMs: number): void
  /** The controller has heard of us what we sent at this time (monotonic). */
  contact(sentAt: number): void
  offer(offer: Offer): void
  start(ref: JobRef, secrets: SecretValue[]): void
  cancel(ref: JobRef): void
  finishedAck(ref: JobRef, logComplete: boolean): void
  /** The controller has given the job up. */
  forget(ref: JobRef): void
  drain(drain: boolean): void
}

export const DEFAULT_HEARTBEAT_MS = 5000
/** Without an answer for this long the connection is dead, whatever TCP says. */
const SILENCE_MS = 15_000

export interface Session {
  readonly ready: boolean
  onMessage(message: ControlResponse): void
  /** Resolves when the other side has heard all that was sent so far, and what it had sent before has come; or the stream ends. */
  heard(): Promise<void>
  end(): void
}

/** Speaks first. `onDead` is called when the other side has fallen silent. */
export function startSession(pipe: Pipe<ControlMessage>, host: SessionHost, onDead: () => void): Session {
  /** The messages that are answered one by one, hello, then heartbeats: when each was sent, and who waits for its answer. */
  const unanswered: { sentAt: number; heard?: (() => void) | undefined }[] = []
  let ready = false
  let timer: NodeJS.Timeout | undefined
  let heartbeatMs = DEFAULT_HEARTBEAT_MS

  function ask(message: ControlMessage, heard?: () => void): void {
    unanswered.push({ sentAt: performance.now(), heard })
    pipe.send(message)
  }
  function beat(): void {
    const oldest = unanswered[0]
    if (oldest !== undefined && performance.now() - oldest.sentAt > Math.max(SILENCE_MS, 3 * heartbeatMs)) {
      onDead()
      return
    }
    if (ready) ask(host.heartbeat())
    timer = setTimeout(beat, heartbeatMs)
  }
  function answered(): void {
    const first = unanswered.shift()
    if (!first) return
    host.contact(first.sentAt)
    first.heard?.()
  }

  ask(host.hello())
  timer = setTimeout(beat, heartbeatMs)
  return {
    get ready() {
      return ready
    },
    onMessage({ kind }) {
      switch (kind.case) {
        case 'welcome':
          ready = true
          heartbeatMs = kind.value.heartbeatMs || DEFAULT_HEARTBEAT_MS
          clearTimeout(timer)
          timer = setTimeout(beat, heartbeatMs)
          host.welcomed(kind.value.lostAfterMs, heartbeatMs)
          answered()
          for (const ref of kind.value.forget) host.forget(ref)
          for (const ref of kind.value.cancel) host.cancel(ref)
          host.drain(kind.value.drain)
          return
        case 'heartbeatAck':
          answered()
          for (const ref of kind.value.cancel) host.cancel(ref)
          host.drain(kind.value.drain)
          return
        case 'offer':
          host.offer(kind.value)
          return
        case 'start':
          if (kind.value.job) host.start(kind.value.job, kind.value.secrets)
          return
        case 'cancel':
          if (kind.value.job) host.cancel(kind.value.job)
          return
        case 'finishedAck':
          if (kind.value.job) host.finishedAck(kind.value.job, kind.value.logComplete)
          return
        case 'stale':
          if (kind.value.job) host.forget(kind.value.job)
          return
        case 'drain':
          host.drain(kind.value.drain)
          return
        case undefined:
          // A newer controller says something that this agent does not know: nothing to do.
          return
        default:
          kind satisfies never
      }
    },
    heard: () => (ready ? new Promise((resolve) => ask(host.heartbeat(), resolve)) : Promise.resolve()),
    end() {
      ready = false
      clearTimeout(timer)
      for (const { heard } of unanswered) heard?.()
    },
  }
}
