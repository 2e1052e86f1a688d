// Deliveries of GitHub, by its documentation of webhook events.
import type { PullRequestAction, PullRequestFacts, ReleaseEvent } from '../../forge-event.ts'
import { longestName, type Part } from '../../payload.ts'
import {
  authorOf,
  commentOf,
  type EventReader,
  headerOf,
  labelsOf,
  longestComment,
  longestMessage,
  longestTitle,
  pullRequestOf,
  pushOf,
  type ReadEvent,
} from '../../read-events.ts'

/** What a hook asks to be sent. Branches and tags that come and go are also pushes: `create` and `delete` say nothing more. */
export const hookEvents = ['push', 'pull_request', 'issue_comment', 'release']

const pullRequests: Record<string, PullRequestAction> = {
  'pull_request.opened': 'opened',
  'pull_request.synchronize': 'updated',
  'pull_request.reopened': 'reopened',
  'pull_request.ready_for_review': 'ready',
  'pull_request.labeled': 'labeled',
  'pull_request.unlabeled': 'unlabeled',
  'pull_request.edited': 'edited',
  'pull_request.closed': 'closed',
}

/** `released` and `prereleased` come beside `published`. */
const releases: Record<string, ReleaseEvent['action']> = {
  'release.published': 'published',
  'release.created': 'created',
  'release.edited': 'edited',
  'release.deleted': 'deleted',
}

export const githubEvents: EventReader = {
  event(headers, body) {
    const name = headerOf(headers, 'x-github-event')
    const action = body.at('action').shownOrNone(64)
    return action === '' ? name : `${name}.${action}`
  },
  repository: (body) => body.at('repository.full_name'),
  sender: (body) => body.at('sender.login'),
  needsRepository: true,
  read(event, body, repository) {
    if (event === 'ping') return [{ kind: 'ping' }]
    if (event === 'push') return push(body)
    if (event === 'issue_comment.created') return comment(body)
    if (event === 'check_run.rerequested') return [rerun(body.at('check_run'), true)]
    if (event === 'check_suite.rerequested') return [rerun(body.at('check_suite'), false)]
    if (Object.hasOwn(pullRequests, event)) {
      const facts = pullRequestFacts(body.at('pull_request'), repository)
      const isMerged = event === 'pull_request.closed' && body.at('pull_request.merged').flag()
      return [pullRequestOf(isMerged ? 'merged' : pullRequests[event]!, facts)]
    }
    return Object.hasOwn(releases, event) ? [release(releases[event]!, body.at('release'))] : []
  },
}

function push(body: Part): ReadEvent[] {
  const ref = body.at('ref').ref()
  const head = body.at('head_commit')
  const after = body.at('after').commitOrNone()
  // Of a tag with a text `after` is the tag's own object.
  const isTag = ref.startsWith('refs/tags/') && after !== '' && !head.isNothing
  return pushOf({
    ref,
    before: body.at('before').commitOrNone(),
    after: isTag ? head.at('id').commit() : after,
    message: head.at('message').shown(longestMessage, 'lines'),
    author: authorOf(head.at('author')),
  })
}

function comment(body: Part): ReadEvent[] {
  if (body.at('issue.pull_request').isNothing) return []
  return [
    commentOf({
      number: body.at('issue.number').number(),
      body: body.at('comment.body').shown(longestComment, 'lines'),
      author: body.at('comment.user.login').shown(longestName),
    }),
  ]
}

/** Of our own checks: an app hears of no others. */
function rerun(checked: Part, isOne: boolean): ReadEvent {
  const of = isOne ? checked.at('external_id').shownOrNone(longestName) : undefined
  return { kind: 'rerun', commit: checked.at('head_sha').commit(), of }
}

/** Of a pull request as deliveries and answers hold it. */
export function pullRequestFacts(pull: Part, repository: string): PullRequestFacts {
  const from = pull.at('head.repo')
  const head = from.isNothing ? '' : from.at('full_name').repository()
  return {
    number: pull.at('number').number(),
    title: pull.at('title').shown(longestTitle),
    url: pull.at('html_url').link(),
    draft: pull.at('draft').flag(),
    labels: labelsOf(pull.at('labels'), 'name'),
    author: pull.at('user.login').shown(longestName),
    head: {
      branch: pull.at('head.ref').refName('refs/heads/'),
      commit: pull.at('head.sha').commit(),
      repository: head,
    },
    base: { branch: pull.at('base.ref').refName('refs/heads/'), commit: pull.at('base.sha').commitOrNone() },
    fork: head.toLowerCase() !== repository.toLowerCase(),
    updatedAt: pull.at('updated_at').timeOrNone(),
  }
}

function release(action: ReleaseEvent['action'], release: Part): ReadEvent {
  return {
    kind: 'release',
    action,
    tag: release.at('tag_name').refName('refs/tags/'),
    name: release.at('name').shown(longestTitle),
    prerelease: release.at('prerelease').flag(),
    draft: release.at('draft').flag(),
  }
}
