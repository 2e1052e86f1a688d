// By what an event is chosen, and what forges call theirs.
import { ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import type { LocationQuery } from 'vue-router'

export const eventKinds = ['delivery', 'push', 'tag', 'request', 'body'] as const
export type EventKind = (typeof eventKinds)[number]

/** Of an address; one that names nothing is of the last delivery. */
export function kindOfQuery(query: LocationQuery): EventKind {
  if (query.delivery) return 'delivery'
  return eventKinds.find((kind) => kind === query.by) ?? (query.branch ? 'push' : 'delivery')
}

/** Plain git servers know no pull requests. */
export function kindsOfForge(forge: ForgeKind): EventKind[] {
  return eventKinds.filter((kind) => kind !== 'request' || forge !== ForgeKind.GIT)
}

const usual: Partial<Record<ForgeKind, string>> = {
  [ForgeKind.GITLAB]: 'Push Hook, Merge Request Hook, Note Hook',
  [ForgeKind.BITBUCKET]: 'repo:push, pullrequest:created',
  [ForgeKind.GITEE]: 'Push Hook, Merge Request Hook, Note Hook',
}
export function usualEvents(forge: ForgeKind): string {
  return usual[forge] ?? 'push, pull_request, issue_comment'
}
