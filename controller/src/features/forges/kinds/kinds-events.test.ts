// The deliveries of GitLab, Gitea, Bitbucket and Gitee, and what a plain git server posts.
import { describe, expect, test } from 'vitest'
import * as sent from '../test/deliveries.ts'
import { changed, commits } from '../test/deliveries.ts'
import { bitbucket } from './bitbucket/bitbucket.ts'
import { git } from './git/git.ts'
import { gitea } from './gitea/gitea.ts'
import { gitee } from './gitee/gitee.ts'
import { gitlab } from './gitlab/gitlab.ts'

const zeros = '0'.repeat(40)
const ann = 'Ann <ann@example.org>'
const shop = { repository: 'acme/shop', sender: 'ann' }
const main = { kind: 'push', ref: 'refs/heads/main', branch: 'main', tag: '', before: commits.old, after: commits.now }
const facts = {
  number: 7,
  title: 'Faster checkout',
  draft: false,
  labels: ['speed'],
  author: 'ann',
  head: { branch: 'fast', commit: commits.now, repository: 'acme/shop' },
  base: { branch: 'main', commit: commits.old },
  fork: false,
}
const unknown = (event: string) => [{ kind: 'ignored', event, why: 'unknown', field: '' }]

describe('GitLab', () => {
  const read = (body: Parameters<typeof gitlab.read>[1]) => gitlab.read({}, body)
  const tools = { repository: 'acme/tools/shop', sender: 'ann' }
  const requestUrl = 'https://gitlab.example.org/acme/tools/shop/-/merge_requests/7'
  const request = {
    ...facts,
    url: requestUrl,
    head: { ...facts.head, repository: 'acme/tools/shop' },
    base: { branch: 'main', commit: '' },
  }
  const { gitlabMergeRequest: opened } = sent
  const updated = (over: Record<string, unknown>) =>
    read(changed(opened, { 'object_attributes.action': 'update', ...over }))

  test('pushes to branches and tags, and their ends', () => {
    expect(read(sent.gitlabPush)).toEqual([{ ...main, message: 'Sell more\n\nMuch more.', author: ann, ...tools }])
    expect(read(sent.gitlabTag)).toMatchObject([
      { ref: 'refs/tags/v1.0', branch: '', tag: 'v1.0', before: '', after: commits.now, author: ann },
    ])
    const gone = { after: zeros, checkout_sha: null, commits: [] }
    expect(read(changed(sent.gitlabPush, gone))).toMatchObject([{ branch: 'main', after: '', message: '' }])
  })

  test('merge requests', () => {
    expect(read(opened)).toEqual([{ kind: 'pull_request', action: 'opened', pullRequest: request, ...tools }])
    const other = {
      'object_attributes.source_project_id': 16,
      'object_attributes.source': { path_with_namespace: 'm/s' },
    }
    expect(read(changed(opened, other))).toMatchObject([{ pullRequest: { fork: true, head: { repository: 'm/s' } } }])
    const gone = { 'object_attributes.source_project_id': null, 'object_attributes.source': null }
    expect(read(changed(opened, gone))).toMatchObject([{ pullRequest: { fork: true, head: { repository: '' } } }])
    expect(read(changed(opened, { 'user.id': 43 }))).toMatchObject([{ pullRequest: { author: '' } }])
  })

  test.each([
    ['reopen', 'reopened'],
    ['close', 'closed'],
    ['merge', 'merged'],
  ])('a merge request: %s', (action, is) => {
    expect(read(changed(opened, { 'object_attributes.action': action }))).toMatchObject([{ action: is }])
  })

  test.each([
    ['other commits', { 'object_attributes.oldrev': commits.old, changes: { title: {} } }, 'updated'],
    ['no draft any more', { changes: { draft: { previous: true, current: false }, title: {} } }, 'ready'],
    ['one label more', { changes: { labels: { previous: [], current: [{ title: 'a' }] } } }, 'labeled'],
    ['one label less', { changes: { labels: { previous: [{ title: 'a' }], current: [] } } }, 'unlabeled'],
    ['another title', { changes: { title: { previous: 'a', current: 'b' } } }, 'edited'],
  ])('an update: %s', (_, over, is) => {
    expect(updated(over)).toMatchObject([{ kind: 'pull_request', action: is }])
  })

  test('comments, and only new ones of people on merge requests', () => {
    expect(read(sent.gitlabNote)).toEqual([
      {
        kind: 'comment',
        number: 7,
        body: '/run tests',
        author: 'ann',
        pullRequest: { ...request, labels: [], author: '' },
        ...tools,
      },
    ])
    const { action: _, ...old } = sent.gitlabNote.object_attributes as { action: string }
    expect(read({ ...sent.gitlabNote, object_attributes: old })).toMatchObject([{ kind: 'comment' }])
    for (const over of [{ action: 'update' }, { system: true }, { noteable_type: 'Issue' }]) {
      const [key, value] = Object.entries(over)[0]!
      const [event] = read(changed(sent.gitlabNote, { [`object_attributes.${key}`]: value }))
      expect(event).toMatchObject({ kind: 'ignored', why: 'unknown' })
    }
  })

  test('releases, and nothing of what starts nothing', () => {
    expect(read(sent.gitlabRelease)).toMatchObject([{ kind: 'release', action: 'published', tag: 'v1.0', name: 'One' }])
    expect(updated({ changes: { reviewers: {} } })).toMatchObject(unknown('merge_request.update'))
    expect(gitlab.read({ 'x-gitlab-event': 'Pipeline Hook' }, { project: null })).toMatchObject(
      unknown('Pipeline Hook'),
    )
  })

  test('what lacks a commit says where', () => {
    expect(read(changed(opened, { 'object_attributes.last_commit': null }))).toMatchObject([
      { kind: 'ignored', why: 'incomplete', field: 'object_attributes.last_commit.id' },
    ])
  })
})

describe('Gitea', () => {
  const read = (event: string, body: Parameters<typeof gitea.read>[1]) => gitea.read({ 'x-gitea-event': event }, body)
  const url = 'https://git.example.org/acme/shop/pulls/7'
  const pullRequest = { ...facts, url }

  test('pushes, and the end of a branch, which is none', () => {
    expect(read('push', sent.giteaPush)).toEqual([{ ...main, message: 'Sell more', author: ann, ...shop }])
    const tag = { ref: 'refs/tags/v1.0', before: zeros, after: commits.tag }
    expect(read('push', changed(sent.giteaPush, tag))).toMatchObject([{ tag: 'v1.0', before: '', after: commits.now }])
    expect(read('delete', sent.giteaDelete)).toMatchObject([{ kind: 'push', branch: 'fast', before: '', after: '' }])
    expect(read('delete', changed(sent.giteaDelete, { ref_type: 'tag' }))).toMatchObject(unknown('delete'))
  })

  test('pull requests', () => {
    expect(read('pull_request', sent.giteaPullRequest)).toEqual([
      { kind: 'pull_request', action: 'opened', pullRequest, ...shop },
    ])
  })

  test.each([
    ['pull_request_sync', { action: 'synchronized' }, 'updated'],
    ['pull_request', { action: 'synchronized' }, 'updated'],
    ['pull_request', { action: 'closed' }, 'closed'],
    ['pull_request', { action: 'closed', 'pull_request.merged': true }, 'merged'],
    ['pull_request_label', { action: 'label_updated' }, 'labeled'],
    ['pull_request', { action: 'label_updated', changes: { removed_labels: [{}] } }, 'unlabeled'],
    ['pull_request', { action: 'label_cleared' }, 'unlabeled'],
    ['pull_request', { action: 'edited', changes: { title: { from: 'WIP: Faster' } } }, 'ready'],
    ['pull_request', { action: 'edited', changes: { title: { from: 'Slower' } } }, 'edited'],
    ['pull_request', { action: 'reopened' }, 'reopened'],
  ])('%s with %j is %s', (event, over, is) => {
    expect(read(event, changed(sent.giteaPullRequest, over))).toMatchObject([{ kind: 'pull_request', action: is }])
  })

  test('comments and releases', () => {
    const comment = { kind: 'comment', number: 7, body: '/run tests', author: 'ann', ...shop }
    expect(read('issue_comment', sent.giteaComment)).toEqual([comment])
    const withAll = { ...sent.giteaComment, pull_request: sent.giteaPullRequest.pull_request! }
    expect(read('pull_request_comment', withAll)).toEqual([{ ...comment, pullRequest }])
    const onIssue = changed(sent.giteaComment, { is_pull: false, 'issue.pull_request': null })
    expect(read('issue_comment', onIssue)).toMatchObject(unknown('issue_comment.created'))
    expect(read('release', sent.giteaRelease)).toEqual([
      { kind: 'release', action: 'published', tag: 'v1.0', name: 'One', prerelease: true, draft: false, ...shop },
    ])
    expect(read('fork', { repository: null })).toMatchObject(unknown('fork'))
  })

  test('the names of Forgejo are known', () => {
    expect(gitea.read({ 'x-forgejo-event': 'push' }, sent.giteaPush)).toMatchObject([main])
  })
})

describe('Bitbucket', () => {
  const read = (event: string, body: Parameters<typeof gitea.read>[1]) => bitbucket.read({ 'x-event-key': event }, body)
  // It tells the beginning of a commit alone.
  const pullRequest = {
    ...facts,
    labels: [],
    url: 'https://bitbucket.org/acme/shop/pull-requests/7',
    head: { ...facts.head, commit: '' },
    base: { branch: 'main', commit: '' },
  }

  test('a push of several refs is several', () => {
    const said = { message: 'Sell more', author: ann, ...shop }
    expect(read('repo:push', sent.bitbucketPush)).toEqual([
      { ...main, ...said },
      { kind: 'push', ref: 'refs/tags/v1.0', branch: '', tag: 'v1.0', before: '', after: commits.now, ...said },
      {
        ...{ kind: 'push', ref: 'refs/heads/fast', branch: 'fast', tag: '', before: commits.now, after: '' },
        ...{ message: '', author: '', ...shop },
      },
    ])
    const broken = JSON.parse(JSON.stringify(sent.bitbucketPush)) as {
      push: { changes: { new: { target: { hash: string } } }[] }
    }
    broken.push.changes[1]!.new.target.hash = 'abc'
    expect(read('repo:push', broken)).toMatchObject([
      { kind: 'ignored', why: 'incomplete', field: 'push.changes[1].new.target.hash' },
    ])
    expect(read('repo:push', changed(sent.bitbucketPush, { 'push.changes': [] }))).toMatchObject(unknown('repo:push'))
  })

  test.each([
    ['created', 'opened'],
    ['updated', 'updated'],
    ['fulfilled', 'merged'],
    ['rejected', 'closed'],
  ])('a pull request: %s', (event, action) => {
    expect(read(`pullrequest:${event}`, sent.bitbucketPullRequest)).toEqual([
      { kind: 'pull_request', action, pullRequest, ...shop },
    ])
  })

  test('comments, forks, and what starts nothing', () => {
    expect(read('pullrequest:comment_created', sent.bitbucketComment)).toEqual([
      { kind: 'comment', number: 7, body: '/run tests', author: 'ann', pullRequest, ...shop },
    ])
    const gone = changed(sent.bitbucketPullRequest, { 'pullrequest.source.repository': null })
    expect(read('pullrequest:created', gone)).toMatchObject([{ pullRequest: { fork: true, head: { repository: '' } } }])
    expect(read('pullrequest:approved', sent.bitbucketPullRequest)).toMatchObject(unknown('pullrequest:approved'))
  })
})

describe('Gitee', () => {
  const read = (body: Parameters<typeof gitea.read>[1]) => gitee.read({}, body)
  const pullRequest = { ...facts, url: 'https://gitee.com/acme/shop/pulls/7' }

  test('pushes', () => {
    expect(read(sent.giteePush)).toEqual([{ ...main, message: 'Sell more', author: ann, ...shop }])
    const tag = { hook_name: 'tag_push_hooks', ref: 'refs/tags/v1.0', before: zeros }
    expect(read(changed(sent.giteePush, tag))).toMatchObject([{ tag: 'v1.0', before: '', after: commits.now }])
    const gone = { after: zeros, deleted: true }
    expect(read(changed(sent.giteePush, gone))).toMatchObject([{ branch: 'main', after: '', message: '' }])
  })

  test.each([
    [{ action: 'open' }, 'opened'],
    [{ action: 'close' }, 'closed'],
    [{ action: 'merge' }, 'merged'],
    [{ action: 'update', action_desc: 'source_branch_changed' }, 'updated'],
    [{ action: 'update', action_desc: 'update_label' }, 'labeled'],
    [{ action: 'update', action_desc: 'target_branch_changed' }, 'edited'],
  ])('a pull request: %j', (over, action) => {
    expect(read(changed(sent.giteePullRequest, over))).toEqual([{ kind: 'pull_request', action, pullRequest, ...shop }])
  })

  test('comments, and what starts nothing', () => {
    expect(read(sent.giteeNote)).toEqual([
      { kind: 'comment', number: 7, body: '/run tests', author: 'ann', pullRequest, ...shop },
    ])
    expect(read(changed(sent.giteeNote, { noteable_type: 'Issue' }))).toMatchObject(unknown('note_hooks.comment'))
    expect(read(changed(sent.giteePullRequest, { action: 'tested' }))).toMatchObject(
      unknown('merge_request_hooks.tested'),
    )
  })
})

describe('a plain git server', () => {
  const plain = { message: '', author: '', repository: '', sender: '' }

  test('says one ref or several', () => {
    expect(git.read({}, sent.gitPush)).toEqual([{ ...main, ...plain }])
    const made = { ...sent.gitPush, before: zeros, ref: 'refs/tags/v1', message: 'One', author: ann, sender: 'ann' }
    expect(git.read({}, [made, sent.gitPush])).toEqual([
      {
        ...main,
        ref: 'refs/tags/v1',
        branch: '',
        tag: 'v1',
        before: '',
        message: 'One',
        author: ann,
        repository: '',
        sender: 'ann',
      },
      { ...main, ...plain, sender: 'ann' },
    ])
  })

  test('and what is wrong with one of them', () => {
    expect(git.read({}, [sent.gitPush, { ...sent.gitPush, after: 'HEAD' }])).toMatchObject([
      { kind: 'ignored', why: 'incomplete', field: '[1].after' },
    ])
    expect(git.read({}, [])).toMatchObject([{ kind: 'ignored', why: 'unknown' }])
    expect(git.read({}, 'refs/heads/main')).toMatchObject([{ kind: 'ignored', why: 'incomplete', field: 'ref' }])
  })
})
