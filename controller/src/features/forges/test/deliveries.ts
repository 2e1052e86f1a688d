// Deliveries of the forges that publish none as files, written by hand after their documentation: the fields that are read, and some
// that are not.
import type { JsonObject } from '@bufbuild/protobuf'

export const commits = { old: '1'.repeat(40), now: 'ab12'.repeat(10), tag: 'c'.repeat(40) }
const zeros = '0'.repeat(40)

/** "a.b" to what stands there instead. */
export function changed(body: JsonObject, over: Record<string, unknown>): JsonObject {
  const copy = structuredClone(body) as Record<string, unknown>
  for (const [path, value] of Object.entries(over)) {
    const keys = path.split('.')
    const last = keys.pop()!
    let holder = copy
    for (const key of keys) holder = holder[key] as Record<string, unknown>
    holder[last] = value
  }
  return copy as JsonObject
}

const gitlabProject = {
  id: 15,
  name: 'Shop',
  web_url: 'https://gitlab.example.org/acme/tools/shop',
  git_http_url: 'https://gitlab.example.org/acme/tools/shop.git',
  path_with_namespace: 'acme/tools/shop',
  default_branch: 'main',
}
const gitlabUser = { id: 42, name: 'Ann', username: 'ann' }
const gitlabRequest = {
  id: 99,
  iid: 7,
  title: 'Faster checkout',
  state: 'opened',
  draft: false,
  source_branch: 'fast',
  target_branch: 'main',
  source_project_id: 15,
  target_project_id: 15,
  author_id: 42,
  source: gitlabProject,
  target: gitlabProject,
  last_commit: { id: commits.now, message: 'Cache it', author: { name: 'Ann', email: 'ann@example.org' } },
}

export const gitlabPush: JsonObject = {
  object_kind: 'push',
  event_name: 'push',
  before: commits.old,
  after: commits.now,
  ref: 'refs/heads/main',
  checkout_sha: commits.now,
  user_id: 42,
  user_username: 'ann',
  project: gitlabProject,
  commits: [
    { id: commits.old, message: 'Before', author: { name: 'Bob', email: 'bob@example.org' } },
    { id: commits.now, message: 'Sell more\n\nMuch more.\n', author: { name: 'Ann', email: 'ann@example.org' } },
  ],
  total_commits_count: 2,
}
/** `after` is the tag's own object. */
export const gitlabTag: JsonObject = {
  ...gitlabPush,
  object_kind: 'tag_push',
  ref: 'refs/tags/v1.0',
  before: zeros,
  after: commits.tag,
}
export const gitlabMergeRequest: JsonObject = {
  object_kind: 'merge_request',
  event_type: 'merge_request',
  user: gitlabUser,
  project: gitlabProject,
  object_attributes: {
    ...gitlabRequest,
    url: 'https://gitlab.example.org/acme/tools/shop/-/merge_requests/7',
    action: 'open',
  },
  labels: [{ id: 1, title: 'speed' }],
  changes: {},
}
export const gitlabNote: JsonObject = {
  object_kind: 'note',
  event_type: 'note',
  user: gitlabUser,
  project: gitlabProject,
  object_attributes: { id: 1244, note: '/run tests', noteable_type: 'MergeRequest', system: false, action: 'create' },
  merge_request: gitlabRequest,
}
export const gitlabRelease: JsonObject = {
  object_kind: 'release',
  id: 1,
  tag: 'v1.0',
  name: 'One',
  action: 'create',
  project: gitlabProject,
}

const giteaUser = { id: 1, login: 'ann', username: 'ann', email: 'ann@example.org' }
const giteaRepository = {
  id: 2,
  name: 'shop',
  full_name: 'acme/shop',
  html_url: 'https://git.example.org/acme/shop',
  clone_url: 'https://git.example.org/acme/shop.git',
  default_branch: 'main',
}
const giteaCommit = {
  id: commits.now,
  message: 'Sell more\n',
  author: { name: 'Ann', email: 'ann@example.org', username: 'ann' },
}
export const giteaPush: JsonObject = {
  ref: 'refs/heads/main',
  before: commits.old,
  after: commits.now,
  compare_url: 'https://git.example.org/acme/shop/compare/1...a',
  commits: [giteaCommit],
  head_commit: giteaCommit,
  repository: giteaRepository,
  pusher: giteaUser,
  sender: giteaUser,
}
export const giteaDelete: JsonObject = {
  ref: 'fast',
  ref_type: 'branch',
  pusher_type: 'user',
  repository: giteaRepository,
  sender: giteaUser,
}
const giteaRequest = {
  id: 5,
  number: 7,
  title: 'Faster checkout',
  html_url: 'https://git.example.org/acme/shop/pulls/7',
  state: 'open',
  draft: false,
  merged: false,
  user: giteaUser,
  labels: [{ id: 1, name: 'speed' }],
  head: { label: 'fast', ref: 'fast', sha: commits.now, repo_id: 2, repo: giteaRepository },
  base: { label: 'main', ref: 'main', sha: commits.old, repo_id: 2, repo: giteaRepository },
}
export const giteaPullRequest: JsonObject = {
  action: 'opened',
  number: 7,
  pull_request: giteaRequest,
  repository: giteaRepository,
  sender: giteaUser,
}
export const giteaComment: JsonObject = {
  action: 'created',
  issue: { id: 5, number: 7, pull_request: { merged: false } },
  comment: { id: 11, body: '/run tests', user: giteaUser },
  repository: giteaRepository,
  sender: giteaUser,
  is_pull: true,
}
export const giteaRelease: JsonObject = {
  action: 'published',
  release: { id: 3, tag_name: 'v1.0', name: 'One', draft: false, prerelease: true },
  repository: giteaRepository,
  sender: giteaUser,
}

const bitbucketUser = { type: 'user', display_name: 'Ann A.', nickname: 'ann', uuid: '{a}' }
const bitbucketRepository = { type: 'repository', full_name: 'acme/shop', name: 'shop', uuid: '{b}' }
const bitbucketTarget = {
  type: 'commit',
  hash: commits.now,
  message: 'Sell more\n',
  author: { type: 'author', raw: 'Ann <ann@example.org>', user: bitbucketUser },
}
export const bitbucketPush: JsonObject = {
  actor: bitbucketUser,
  repository: bitbucketRepository,
  push: {
    changes: [
      {
        old: { type: 'branch', name: 'main', target: { ...bitbucketTarget, hash: commits.old } },
        new: { type: 'branch', name: 'main', target: bitbucketTarget },
        created: false,
        closed: false,
        forced: false,
      },
      { old: null, new: { type: 'tag', name: 'v1.0', target: bitbucketTarget }, created: true, closed: false },
      { old: { type: 'branch', name: 'fast', target: bitbucketTarget }, new: null, created: false, closed: true },
    ],
  },
}
const bitbucketRequest = {
  type: 'pullrequest',
  id: 7,
  title: 'Faster checkout',
  state: 'OPEN',
  draft: false,
  author: bitbucketUser,
  links: { html: { href: 'https://bitbucket.org/acme/shop/pull-requests/7' } },
  source: { branch: { name: 'fast' }, commit: { hash: 'ab12ab12ab12' }, repository: bitbucketRepository },
  destination: { branch: { name: 'main' }, commit: { hash: '111111111111' }, repository: bitbucketRepository },
}
export const bitbucketPullRequest: JsonObject = {
  actor: bitbucketUser,
  repository: bitbucketRepository,
  pullrequest: bitbucketRequest,
}
export const bitbucketComment: JsonObject = {
  ...bitbucketPullRequest,
  comment: { id: 11, content: { raw: '/run tests' }, user: bitbucketUser },
}

const giteeUser = { id: 1, login: 'ann', username: 'ann', name: 'Ann', email: 'ann@example.org' }
const giteeRepository = {
  id: 2,
  name: 'shop',
  full_name: 'acme/shop',
  path_with_namespace: 'acme/shop',
  html_url: 'https://gitee.com/acme/shop',
}
export const giteePush: JsonObject = {
  hook_name: 'push_hooks',
  hook_id: 1,
  timestamp: '1576754827988',
  sign: 'x',
  ref: 'refs/heads/main',
  before: commits.old,
  after: commits.now,
  created: false,
  deleted: false,
  commits: [giteaCommit],
  head_commit: giteaCommit,
  repository: giteeRepository,
  project: giteeRepository,
  user_name: 'ann',
  user: giteeUser,
  sender: giteeUser,
}
const giteeRequest = {
  id: 5,
  number: 7,
  state: 'open',
  html_url: 'https://gitee.com/acme/shop/pulls/7',
  title: 'Faster checkout',
  draft: false,
  labels: [{ id: 1, name: 'speed' }],
  user: giteeUser,
  head: { label: 'fast', ref: 'fast', sha: commits.now, repo: giteeRepository },
  base: { label: 'main', ref: 'main', sha: commits.old, repo: giteeRepository },
}
export const giteePullRequest: JsonObject = {
  hook_name: 'merge_request_hooks',
  action: 'open',
  pull_request: giteeRequest,
  iid: 7,
  repository: giteeRepository,
  project: giteeRepository,
  author: giteeUser,
  sender: giteeUser,
}
export const giteeNote: JsonObject = {
  hook_name: 'note_hooks',
  action: 'comment',
  noteable_type: 'PullRequest',
  noteable_id: 5,
  note: '/run tests',
  comment: { id: 11, body: '/run tests', user: giteeUser },
  pull_request: giteeRequest,
  repository: giteeRepository,
  project: giteeRepository,
  author: giteeUser,
  sender: giteeUser,
}

export const gitPush: JsonObject = { ref: 'refs/heads/main', before: commits.old, after: commits.now }

/** All of them, with the header that says what they are. */
export const handWritten: { forge: string; headers: Record<string, string>; body: JsonObject }[] = [
  ...[gitlabPush, gitlabTag, gitlabMergeRequest, gitlabNote, gitlabRelease].map((body) => ({
    forge: 'gitlab',
    headers: {},
    body,
  })),
  ...Object.entries({
    push: giteaPush,
    delete: giteaDelete,
    pull_request: giteaPullRequest,
    issue_comment: giteaComment,
    release: giteaRelease,
  }).map(([event, body]) => ({ forge: 'gitea', headers: { 'x-gitea-event': event }, body })),
  ...Object.entries({
    'repo:push': bitbucketPush,
    'pullrequest:created': bitbucketPullRequest,
    'pullrequest:comment_created': bitbucketComment,
  }).map(([event, body]) => ({ forge: 'bitbucket', headers: { 'x-event-key': event }, body })),
  ...[giteePush, giteePullRequest, giteeNote].map((body) => ({ forge: 'gitee', headers: {}, body })),
  { forge: 'git', headers: {}, body: gitPush },
]
