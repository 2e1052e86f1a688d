// Deliveries of Gitee, by its documentation of webhooks.
import type { PullRequestAction, PullRequestFacts } from '../../forge-event.ts'
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

const actions: Record<string, PullRequestAction> = {
  open: 'opened',
  reopen: 'reopened',
  close: 'closed',
  merge: 'merged',
}
/** What `update` means, by `action_desc`. */
const updates: Record<string, PullRequestAction> = {
  source_branch_changed: 'updated',
  target_branch_changed: 'edited',
  update_label: 'labeled',
  update_title: 'edited',
  update_body: 'edited',
}

export const giteeEvents: EventReader = {
  /** "push_hooks", "merge_request_hooks.open". */
  event(headers, body) {
    const kind = body.at('hook_name').shownOrNone(64) || headerOf(headers, 'x-gitee-event')
    const [action, desc] = ['action', 'action_desc'].map((field) => body.at(field).shownOrNone(64))
    return [kind, action, action === 'update' ? desc : ''].filter(Boolean).join('.')
  },
  repository: (body) =>
    body.either(
      'repository.path_with_namespace',
      'repository.full_name',
      'project.path_with_namespace',
      'project.full_name',
    ),
  sender: (body) => body.either('sender.login', 'sender.username', 'user.login', 'user.username', 'user_name'),
  needsRepository: true,
  read(event, body, repository) {
    const [kind, action = '', desc = ''] = event.split('.', 3)
    if (kind === 'push_hooks' || kind === 'tag_push_hooks') return push(body)
    if (kind === 'note_hooks') return action === 'comment' ? note(body, repository) : []
    if (kind !== 'merge_request_hooks') return []
    const is = action === 'update' ? updateOf(desc) : Object.hasOwn(actions, action) ? actions[action] : undefined
    return is ? [pullRequestOf(is, pullRequestFacts(body.at('pull_request'), repository))] : []
  },
}

/** Older deliveries do not say what has changed: there may be other commits. */
function updateOf(desc: string): PullRequestAction | undefined {
  if (desc === '') return 'updated'
  return Object.hasOwn(updates, desc) ? updates[desc] : undefined
}

function push(body: Part): ReadEvent[] {
  const after = body.at('after').commitOrNone()
  const head = after === '' ? body.at('nothing') : body.at('head_commit')
  const ref = body.at('ref').ref()
  const isTag = ref.startsWith('refs/tags/') && after !== '' && !head.isNothing
  return pushOf({
    ref,
    before: body.at('before').commitOrNone(),
    after: isTag ? head.at('id').commit() : after,
    message: head.at('message').shown(longestMessage, 'lines'),
    author: authorOf(head.at('author')),
  })
}

/** Of a pull request as deliveries and answers hold it. */
export function pullRequestFacts(pull: Part, repository: string): PullRequestFacts {
  const from = pull.at('head.repo')
  const head = from.isNothing ? '' : from.either('path_with_namespace', 'full_name').repository()
  return {
    number: pull.at('number').number(),
    title: pull.at('title').shown(longestTitle),
    url: pull.at('html_url').link(),
    draft: pull.at('draft').flag(),
    labels: labelsOf(pull.at('labels'), 'name'),
    author: pull.either('user.login', 'user.username').shown(longestName),
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

function note(body: Part, repository: string): ReadEvent[] {
  if (body.at('noteable_type').value !== 'PullRequest') return []
  const pull = body.at('pull_request')
  return [
    commentOf({
      number: pull.at('number').number(),
      body: body.either('comment.body', 'note').shown(longestComment, 'lines'),
      author: body.either('comment.user.login', 'comment.user.username', 'author.login').shown(longestName),
      pullRequest: pullRequestFacts(pull, repository),
    }),
  ]
}
