// From a delivery to events, the same for all forges: who says it, what is unknown, and which field is missing.
import type { IncomingHttpHeaders } from 'node:http'
import type { JsonValue } from '@bufbuild/protobuf'
import type { CommentEvent, ForgeEvent, PullRequestEvent, PullRequestFacts, PushEvent } from './forge-event.ts'
import { IncompleteError, longestName, Part, shownText } from './payload.ts'

export const longestMessage = 4096
export const longestTitle = 256
/** Of a comment; commands stand at its beginning. */
export const longestComment = 16_384
export const mostLabels = 100
/** That one delivery tells of. */
export const mostRefs = 100

/** An event as it is read from a body, before it is known from where. */
export type ReadEvent = ForgeEvent extends infer E
  ? E extends ForgeEvent
    ? Omit<E, 'repository' | 'sender'>
    : never
  : never

export interface EventReader {
  /** What kind it is, as the forge calls it: "push", "pull_request.opened". */
  event(headers: IncomingHttpHeaders, body: Part): string
  repository(body: Part): Part
  sender(body: Part): Part
  /** Whether an event must say of which repository it is. */
  needsRepository: boolean
  /** None: nothing is started by this kind. Throws `IncompleteError`. */
  read(event: string, body: Part, repository: string): ReadEvent[]
}

export function readEvents(reader: EventReader, headers: IncomingHttpHeaders, json: JsonValue): ForgeEvent[] {
  const body = new Part(json)
  const event = shownText(reader.event(headers, body), 100, 'line')
  const from = { repository: '', sender: reader.sender(body).shownOrNone(longestName) }
  try {
    const repository = reader.repository(body)
    if (!repository.isNothing) from.repository = repository.repository()
    const events = reader.read(event, body, from.repository)
    if (events.length === 0) return [{ kind: 'ignored', event, why: 'unknown', field: '', ...from }]
    if (from.repository === '' && reader.needsRepository && events.some(({ kind }) => kind !== 'ping')) {
      throw repository.wrong()
    }
    return events.map((read): ForgeEvent => ({ ...read, ...from }))
  } catch (error) {
    if (!(error instanceof IncompleteError)) throw error
    return [{ kind: 'ignored', event, why: 'incomplete', field: shownText(error.path, longestName, 'line'), ...from }]
  }
}

/** In small letters, the first where there are several; empty: it was not sent. */
export function headerOf(headers: IncomingHttpHeaders, name: string): string {
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined
  return (Array.isArray(value) ? value[0] : value) ?? ''
}

interface PushFacts {
  ref: string
  before: string
  after: string
  message: string
  author: string
}

/** None: it is of something that is neither a branch nor a tag (notes, the merge that a forge tries). */
export function pushOf({ ref, ...facts }: PushFacts): (ReadEvent & Pick<PushEvent, 'kind' | 'ref'>)[] {
  const [, kind, name] = /^refs\/(heads|tags)\/(.+)$/.exec(ref) ?? []
  if (kind === undefined || name === undefined) return []
  const branch = kind === 'heads' ? name : ''
  return [{ kind: 'push', ref, branch, tag: kind === 'tags' ? name : '', ...facts }]
}

/** "Name <mail>" of an object that has both; empty where it has neither. */
export function authorOf(author: Part): string {
  const name = author.at('name').shown(200).replace(/[<>]/g, '')
  const mail = author.at('email').shown(200).replace(/[<>]/g, '')
  return mail === '' ? name : `${name} <${mail}>`.trim()
}

export function pullRequestOf(
  action: PullRequestEvent['action'],
  pullRequest: PullRequestFacts,
): Omit<PullRequestEvent, 'repository' | 'sender'> {
  return { kind: 'pull_request', action, pullRequest }
}

export function commentOf(comment: Omit<CommentEvent, 'kind' | 'repository' | 'sender'>) {
  return { kind: 'comment' as const, ...comment }
}

/** Their names, without those that are none. */
export function labelsOf(labels: Part, name: string): string[] {
  const names = labels.items(mostLabels).map((label) => label.at(name).shownOrNone(longestTitle))
  return [...new Set(names.filter((each) => each !== ''))]
}
