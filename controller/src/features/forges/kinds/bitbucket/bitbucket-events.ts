// Deliveries of Bitbucket Cloud, by its documentation of event payloads. A push tells of all refs at once.
import type { PullRequestAction, PullRequestFacts } from '../../forge-event.ts'
import { isCommit, longestName, type Part } from '../../payload.ts'
import {
  commentOf,
  type EventReader,
  headerOf,
  longestComment,
  longestMessage,
  longestTitle,
  mostRefs,
  pullRequestOf,
  pushOf,
  type ReadEvent,
} from '../../read-events.ts'

/** What a hook asks to be sent. */
export const hookEvents = [
  'repo:push',
  'pullrequest:created',
  'pullrequest:updated',
  'pullrequest:fulfilled',
  'pullrequest:rejected',
  'pullrequest:comment_created',
]

/** `updated` says of new commits and of a new title alike. */
const actions: Record<string, PullRequestAction> = {
  'pullrequest:created': 'opened',
  'pullrequest:updated': 'updated',
  'pullrequest:fulfilled': 'merged',
  'pullrequest:rejected': 'closed',
}

export const bitbucketEvents: EventReader = {
  event: (headers) => headerOf(headers, 'x-event-key'),
  repository: (body) => body.at('repository.full_name'),
  sender: (body) => body.either('actor.nickname', 'actor.username', 'actor.display_name'),
  needsRepository: true,
  read(event, body, repository) {
    if (event === 'diagnostics:ping') return [{ kind: 'ping' }]
    if (event === 'repo:push') return body.at('push.changes').items(mostRefs).flatMap(push)
    if (event === 'pullrequest:comment_created') return [comment(body, repository)]
    if (!Object.hasOwn(actions, event)) return []
    return [pullRequestOf(actions[event]!, pullRequestFacts(body.at('pullrequest'), repository))]
  },
}

function push(change: Part): ReadEvent[] {
  const before = change.at('old')
  const after = change.at('new')
  const named = after.isNothing ? before : after
  const type = named.at('type').text()
  // Of Mercurial, which is no more, there were others.
  if (type !== 'branch' && type !== 'tag' && type !== 'annotated_tag') return []
  const under = type === 'branch' ? 'refs/heads/' : 'refs/tags/'
  return pushOf({
    ref: under + named.at('name').refName(under),
    before: before.isNothing ? '' : before.at('target.hash').commit(),
    after: after.isNothing ? '' : after.at('target.hash').commit(),
    message: after.at('target.message').shown(longestMessage, 'lines'),
    author: after.at('target.author.raw').shown(400),
  })
}

/** Of a pull request as deliveries and answers hold it: of commits they hold the beginning alone. */
export function pullRequestFacts(pull: Part, repository: string): PullRequestFacts {
  const from = pull.at('source.repository')
  const head = from.isNothing ? '' : from.at('full_name').repository()
  return {
    number: pull.at('id').number(),
    title: pull.at('title').shown(longestTitle),
    url: pull.at('links.html.href').link(),
    draft: pull.at('draft').flag(),
    labels: [],
    author: pull.either('author.nickname', 'author.username', 'author.display_name').shown(longestName),
    head: {
      branch: pull.at('source.branch.name').refName('refs/heads/'),
      commit: wholeCommit(pull.at('source.commit.hash')),
      repository: head,
    },
    base: {
      branch: pull.at('destination.branch.name').refName('refs/heads/'),
      commit: wholeCommit(pull.at('destination.commit.hash')),
    },
    fork: head.toLowerCase() !== repository.toLowerCase(),
    updatedAt: pull.at('updated_on').timeOrNone(),
  }
}

/** Empty where it is only the beginning of one. */
function wholeCommit(hash: Part): string {
  const text = hash.shown(64).toLowerCase()
  if (text !== '' && !/^[0-9a-f]{7,64}$/.test(text)) throw hash.wrong()
  return isCommit(text) ? text : ''
}

function comment(body: Part, repository: string): ReadEvent {
  const pull = body.at('pullrequest')
  return commentOf({
    number: pull.at('id').number(),
    body: body.at('comment.content.raw').shown(longestComment, 'lines'),
    author: body
      .either('comment.user.nickname', 'comment.user.username', 'comment.user.display_name')
      .shown(longestName),
    pullRequest: pullRequestFacts(pull, repository),
  })
}
