// Deliveries of Gitea and Forgejo, by their documentation. Most are like GitHub's, with other words for what happened.
import type { PullRequestAction, ReleaseEvent } from '../../forge-event.ts'
import { longestName, type Part } from '../../payload.ts'
import {
  authorOf,
  commentOf,
  type EventReader,
  headerOf,
  longestComment,
  longestMessage,
  longestTitle,
  pullRequestOf,
  pushOf,
  type ReadEvent,
} from '../../read-events.ts'
import { pullRequestFacts } from '../github/github-events.ts'

const actions: Record<string, PullRequestAction> = {
  opened: 'opened',
  synchronized: 'updated',
  reopened: 'reopened',
  label_updated: 'labeled',
  label_cleared: 'unlabeled',
  edited: 'edited',
  closed: 'closed',
}
/** Versions differ in whether the kind of event also says which part of it has changed. */
const pullRequestKinds = new Set(['pull_request', 'pull_request_sync', 'pull_request_label'])
const commentKinds = new Set(['issue_comment', 'pull_request_comment'])

const releases: Record<string, ReleaseEvent['action']> = {
  published: 'published',
  created: 'created',
  updated: 'edited',
  deleted: 'deleted',
}

export const giteaEvents: EventReader = {
  event(headers, body) {
    const sent = ['x-gitea-event', 'x-forgejo-event', 'x-github-event'].map((name) => headerOf(headers, name))
    const name = sent.find((each) => each !== '') ?? ''
    const action = body.at('action').shownOrNone(64)
    return action === '' ? name : `${name}.${action}`
  },
  repository: (body) => body.at('repository.full_name'),
  sender: (body) => body.either('sender.login', 'sender.username', 'pusher.login'),
  needsRepository: true,
  read(event, body, repository) {
    const [kind = '', action = ''] = event.split('.', 2)
    if (kind === 'push') return push(body)
    if (kind === 'delete') return branchGone(body)
    if (commentKinds.has(kind) && action === 'created') return comment(body, repository)
    if (pullRequestKinds.has(kind) && Object.hasOwn(actions, action)) {
      return [pullRequestOf(actionOf(actions[action]!, body), pullRequestFacts(body.at('pull_request'), repository))]
    }
    return kind === 'release' && Object.hasOwn(releases, action) ? [release(releases[action]!, body.at('release'))] : []
  },
}

function push(body: Part): ReadEvent[] {
  const ref = body.at('ref').ref()
  const after = body.at('after').commitOrNone()
  const head = body.at('head_commit')
  const isTag = ref.startsWith('refs/tags/') && after !== '' && !head.isNothing
  return pushOf({
    ref,
    before: body.at('before').commitOrNone(),
    after: isTag ? head.at('id').commit() : after,
    message: head.at('message').shown(longestMessage, 'lines'),
    author: authorOf(head.at('author')),
  })
}

/** That of a tag is also a push; that of a branch is not. */
function branchGone(body: Part): ReadEvent[] {
  if (body.at('ref_type').value !== 'branch') return []
  const ref = `refs/heads/${body.at('ref').refName('refs/heads/')}`
  return pushOf({ ref, before: '', after: '', message: '', author: '' })
}

function actionOf(action: PullRequestAction, body: Part): PullRequestAction {
  if (action === 'closed') return body.at('pull_request.merged').flag() ? 'merged' : action
  if (action === 'labeled') {
    const { isNothing } = body.at('changes.added_labels')
    return isNothing && !body.at('changes.removed_labels').isNothing ? 'unlabeled' : action
  }
  // It is a draft by the beginning of its title.
  const isDraft = (title: string) => /^(\[wip\]|wip:)/i.test(title.trim())
  const before = body.at('changes.title.from').shownOrNone(longestTitle)
  const isReady = action === 'edited' && isDraft(before) && !isDraft(body.at('pull_request.title').shown(longestTitle))
  return isReady ? 'ready' : action
}

function comment(body: Part, repository: string): ReadEvent[] {
  const pull = body.at('pull_request')
  const issue = body.at('issue')
  if (body.at('is_pull').value !== true && issue.at('pull_request').isNothing) return []
  return [
    commentOf({
      number: issue.at('number').number(),
      body: body.at('comment.body').shown(longestComment, 'lines'),
      author: body.at('comment.user.login').shown(longestName),
      ...(!pull.isNothing && { pullRequest: pullRequestFacts(pull, repository) }),
    }),
  ]
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
