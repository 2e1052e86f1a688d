// Deliveries of GitLab, by its documentation of webhook events.
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

const releases: Record<string, ReleaseEvent['action']> = { create: 'published', update: 'edited', delete: 'deleted' }

export const gitlabEvents: EventReader = {
  /** "push", "merge_request.open". */
  event(headers, body) {
    const kind = body.at('object_kind').shownOrNone(64) || headerOf(headers, 'x-gitlab-event')
    const action = body.either('object_attributes.action', 'action').shownOrNone(64)
    return action === '' ? kind : `${kind}.${action}`
  },
  repository: (body) => body.at('project.path_with_namespace'),
  sender: (body) => body.either('user_username', 'user.username'),
  needsRepository: true,
  read(event, body) {
    const [kind, action = ''] = event.split('.', 2)
    if (kind === 'push' || kind === 'tag_push') return push(body)
    if (kind === 'merge_request') return mergeRequest(action, body)
    if (kind === 'note') return note(action, body)
    return kind === 'release' && Object.hasOwn(releases, action) ? [release(releases[action]!, body)] : []
  },
}

/** The last twenty at most, the newest last. */
const mostCommits = 100

function push(body: Part): ReadEvent[] {
  const ref = body.at('ref').ref()
  const after = body.at('after').commitOrNone()
  // What is checked out is the commit also of a tag that is an object of its own.
  const at = after === '' ? '' : body.at('checkout_sha').commitOrNone() || after
  const commits = body.at('commits').items(mostCommits)
  const head = commits.find((commit) => commit.at('id').value === at)
  return pushOf({
    ref,
    before: body.at('before').commitOrNone(),
    after: at,
    message: head?.at('message').shown(longestMessage, 'lines') ?? '',
    author: head ? authorOf(head.at('author')) : '',
  })
}

const plainActions: Record<string, PullRequestAction> = {
  open: 'opened',
  reopen: 'reopened',
  close: 'closed',
  merge: 'merged',
}

function mergeRequest(action: string, body: Part): ReadEvent[] {
  const is = Object.hasOwn(plainActions, action)
    ? plainActions[action]
    : action === 'update'
      ? updateOf(body)
      : undefined
  if (!is) return []
  const facts = mergeRequestFacts(body.at('object_attributes'), body.either('labels', 'object_attributes.labels'))
  const isAuthor = body.at('user.id').value === body.at('object_attributes.author_id').value
  return [pullRequestOf(is, { ...facts, author: isAuthor ? body.at('user.username').shownOrNone(longestName) : '' })]
}

/** Several things may have changed at once: what weighs most counts. Undefined: none that is of interest (reviewers, milestones). */
function updateOf(body: Part): PullRequestAction | undefined {
  if (!body.at('object_attributes.oldrev').isNothing) return 'updated'
  const changes = body.at('changes')
  const draft = changes.either('draft', 'work_in_progress')
  if (draft.at('previous').value === true && draft.at('current').value === false) return 'ready'
  if (!changes.at('labels').isNothing) {
    const before = labelsOf(changes.at('labels.previous'), 'title')
    const after = labelsOf(changes.at('labels.current'), 'title')
    return after.some((label) => !before.includes(label)) ? 'labeled' : 'unlabeled'
  }
  const told = ['title', 'description', 'target_branch', 'draft', 'work_in_progress']
  return told.some((field) => !changes.at(field).isNothing) ? 'edited' : undefined
}

/** Of a delivery, which does not say who its author is. */
function mergeRequestFacts(request: Part, labels: Part): PullRequestFacts {
  const from = request.at('source')
  const target = request.at('target_project_id').number()
  return {
    number: request.at('iid').number(),
    title: request.at('title').shown(longestTitle),
    url: linkOf(request),
    draft: request.either('draft', 'work_in_progress').flag(),
    labels: labelsOf(labels, 'title'),
    author: '',
    head: {
      branch: request.at('source_branch').refName('refs/heads/'),
      commit: request.at('last_commit.id').commit(),
      repository: from.isNothing ? '' : from.at('path_with_namespace').repository(),
    },
    base: { branch: request.at('target_branch').refName('refs/heads/'), commit: '' },
    fork: from.isNothing || request.at('source_project_id').value !== target,
    updatedAt: request.at('updated_at').timeOrNone(),
  }
}

/** Of a comment's delivery the request has no address of its own. */
function linkOf(request: Part): string {
  const url = request.at('url')
  return url.isNothing
    ? `${request.at('target.web_url').link()}/-/merge_requests/${request.at('iid').number()}`
    : url.link()
}

function note(action: string, body: Part): ReadEvent[] {
  const note = body.at('object_attributes')
  // Of what GitLab itself notes, and of older versions, which say no action and tell of new ones alone.
  if (note.at('noteable_type').value !== 'MergeRequest' || note.at('system').value === true) return []
  if (action !== '' && action !== 'create') return []
  const request = body.at('merge_request')
  return [
    commentOf({
      number: request.at('iid').number(),
      body: note.at('note').shown(longestComment, 'lines'),
      author: body.at('user.username').shown(longestName),
      pullRequest: mergeRequestFacts(request, request.at('labels')),
    }),
  ]
}

function release(action: ReleaseEvent['action'], body: Part): ReadEvent {
  return {
    kind: 'release',
    action,
    tag: body.at('tag').refName('refs/tags/'),
    name: body.at('name').shown(longestTitle),
    prerelease: false,
    draft: false,
  }
}
