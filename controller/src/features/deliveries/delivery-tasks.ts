// Reads what forges send, and holds globs against files, on a worker's thread: both are as large as somebody else makes them.

import type { ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import { PipelineGraphSchema, TriggersSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { changedPatterns, matchChanged } from '@ansflow/proto/triggers/changed'
import { type RepositoryEvent, triggeredBy } from '@ansflow/proto/triggers/repository-triggers'
import { fromBinary, type JsonValue } from '@bufbuild/protobuf'
import { task } from '../../platform/worker-task.ts'
import { type ForgeEvent, forgeOf } from '../forges/index.ts'

/** Undefined: it is no JSON. */
export const readDelivery = task(
  ({ kind, headers, body }: { kind: ForgeKind; headers: Record<string, string>; body: Uint8Array }) => {
    const value = jsonOf(headers['content-type'] ?? '', Buffer.from(body).toString('utf8'))
    return value === undefined ? undefined : forgeOf(kind).read(headers, value)
  },
)

function jsonOf(contentType: string, text: string): JsonValue | undefined {
  try {
    // GitHub's other form, which its settings offer first.
    if (/^application\/x-www-form-urlencoded/i.test(contentType)) {
      return JSON.parse(new URLSearchParams(text).get('payload') ?? '') as JsonValue
    }
    return JSON.parse(text) as JsonValue
  } catch {
    return undefined
  }
}

export interface Asked {
  /** Of Triggers messages. */
  triggers: Uint8Array[]
  event: RepositoryEvent
  ownRepository: string
  /** Paths with \0 between them; undefined: not known which. */
  changed: { paths: string; complete: boolean } | undefined
}

/** What each of them says. */
export const askTriggers = task(({ triggers, event, ownRepository, changed }: Asked) => {
  const files = changed && { paths: pathsOf(changed.paths), complete: changed.complete }
  const happened = files ? { ...event, changed: files } : event
  return triggers.map((each) => triggeredBy(fromBinary(TriggersSchema, each), happened, { ownRepository }))
})

/** For `GitFacts.changed`, of a PipelineGraph. */
export const matchFiles = task(({ graph, changed }: { graph: Uint8Array; changed: NonNullable<Asked['changed']> }) =>
  matchChanged(changedPatterns(fromBinary(PipelineGraphSchema, graph)), pathsOf(changed.paths), {
    complete: changed.complete,
  }),
)

function pathsOf(joined: string): string[] {
  return joined === '' ? [] : joined.split('\0')
}

export type { ForgeEvent }
