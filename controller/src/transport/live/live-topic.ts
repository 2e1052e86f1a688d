// What the /live socket needs of a topic. Features give these; the socket knows none of them.
import type { LiveResponseSchema } from '@ansflow/proto/gen/ansflow/v1/live_pb'
import type { MessageInitShape } from '@bufbuild/protobuf'
import type { PathAccess } from '../allow.ts'
import type { Caller } from '../call.ts'

export type LiveKind = NonNullable<MessageInitShape<typeof LiveResponseSchema>['kind']>

export type LiveFrame =
  /** `sameForAll`: every socket gets this very object under this number, so it is written down once. */
  | { type: 'event'; seq: number; kind: LiveKind; sameForAll?: boolean }
  /** What the client holds is stale; the numbers go on from `seq`. */
  | { type: 'resync'; seq: number; why: string }
  | { type: 'chunk'; offset: number; data: Uint8Array; complete: boolean; part: boolean }

export interface LiveFrom {
  afterSeq: number
  offset: number
}

/** An open subscription. */
export interface LiveFeed {
  /** The numbers' name: under another name they start anew. */
  stream: string
  /** Where the numbers are now. */
  seq(): number
  /** Asked for the next frame only when the last one has left, so a feed holds back, merges or reads later for slow readers. */
  frames(signal: AbortSignal): AsyncIterable<LiveFrame>
  /** Whether a new subscription to the same topic has to start from its own place. */
  restarts: boolean
}

/** Who follows. */
export interface Visitor {
  /** With the rights they have now. */
  readonly caller: Caller
  /** Calls back whenever these are others, until the answer is called. */
  onChange(changed: () => void): () => void
}

export interface LiveTopic {
  /** "run/:runId": the parts after a colon are any text without a slash. */
  pattern: string
  /** Who may follow it; "self": everybody, of themselves. */
  access: 'self' | PathAccess
  open(params: Record<string, string>, from: LiveFrom, visitor: Visitor): Promise<LiveFeed>
}

/** The topic a text names, with its parts. */
export function findTopic(
  topics: LiveTopic[],
  text: string,
): { topic: LiveTopic; params: Record<string, string> } | undefined {
  const parts = text.split('/')
  for (const topic of topics) {
    const names = topic.pattern.split('/')
    if (names.length !== parts.length) continue
    const params: Record<string, string> = {}
    const fits = names.every((name, i) => {
      const part = parts[i] ?? ''
      if (!name.startsWith(':')) return name === part
      params[name.slice(1)] = part
      return part.length > 0
    })
    if (fits) return { topic, params }
  }
  return undefined
}
