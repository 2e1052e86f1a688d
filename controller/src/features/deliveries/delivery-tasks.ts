// Holds globs against files on a worker's thread: there are as many as somebody else makes.

import { PipelineGraphSchema, TriggersSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { changedPatterns, matchChanged } from '@ansflow/proto/triggers/changed'
import { type RepositoryEvent, triggeredBy } from '@ansflow/proto/triggers/repository-triggers'
import { fromBinary } from '@bufbuild/protobuf'
import { task } from '../../platform/worker-task.ts'

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
