// Every example of GitHub's own deliveries: what starts something is read exactly, and of all others it is said that nothing does.
import { createHmac } from 'node:crypto'
import type { JsonObject } from '@bufbuild/protobuf'
import { describe, expect, test } from 'vitest'
import { githubExamples as all } from '../../test/github-examples.ts'
import { github } from './github.ts'

const read = (name: string, body: JsonObject) => github.read({ 'x-github-event': name }, body)
const shop = { repository: 'Codertocat/Hello-World', sender: 'Codertocat' }
const commit = '6113728f27ae82c7b1a177c8d03f9e96e0adf246'

const tagGone = { kind: 'push', ref: 'refs/tags/simple-tag', branch: '', tag: 'simple-tag', before: commit, after: '' }
const tagMade = { kind: 'push', ref: 'refs/tags/simple-tag', branch: '', tag: 'simple-tag', before: '', after: commit }
const branchMade = { kind: 'push', ref: 'refs/heads/master', branch: 'master', tag: '', before: '', after: commit }
const headOf = (body: JsonObject) => (body.head_commit ?? null) as { message: string } | null

/** By the number of the example. */
const pushes = [tagMade, tagGone, tagGone, tagGone, branchMade, branchMade, tagGone]
const actions: Record<string, string> = {
  opened: 'opened',
  closed: 'closed',
  labeled: 'labeled',
  unlabeled: 'unlabeled',
  reopened: 'reopened',
  synchronize: 'updated',
  ready_for_review: 'ready',
}
const releases = ['published', 'created', 'edited', 'deleted']

function expected({ name, i, body }: (typeof all)[number]): object {
  const action = String(body.action ?? '')
  const from = {
    repository: (body.repository as { full_name?: string } | undefined)?.full_name ?? '',
    sender: (body.sender as { login?: string } | undefined)?.login ?? '',
  }
  if (name === 'ping') return { kind: 'ping', ...from }
  if (name === 'push') {
    const author = 'Codertocat <21031067+Codertocat@users.noreply.github.com>'
    const head = headOf(body)
    return { ...pushes[i], message: head?.message ?? '', author: head ? author : '', ...shop }
  }
  if (name === 'pull_request' && Object.hasOwn(actions, action)) {
    const pull = body.pull_request as unknown as Pull
    return {
      kind: 'pull_request',
      action: actions[action],
      pullRequest: {
        number: 2,
        title: 'Update the README with new information.',
        url: 'https://github.com/Codertocat/Hello-World/pull/2',
        draft: false,
        labels: pull.labels.map((each) => each.name),
        author: 'Codertocat',
        head: { branch: 'changes', commit: pull.head.sha, repository: 'Codertocat/Hello-World' },
        base: { branch: 'master', commit: pull.base.sha },
        fork: false,
        updatedAt: new Date(pull.updated_at),
      },
      ...shop,
    }
  }
  if (name === 'release' && releases.includes(action)) {
    return { kind: 'release', action, tag: '0.0.1', name: '', prerelease: false, draft: false, ...from }
  }
  if (action === 'rerequested' && (name === 'check_run' || name === 'check_suite')) {
    const checked = body[name] as { head_sha: string; external_id?: string }
    const of = name === 'check_run' ? (checked.external_id ?? '') : undefined
    return { kind: 'rerun', commit: checked.head_sha, of, ...from }
  }
  const event = action === '' ? name : `${name}.${action}`
  return { kind: 'ignored', event, why: 'unknown', field: '', ...from }
}

interface Pull {
  updated_at: string
  labels: { name: string }[]
  head: { sha: string }
  base: { sha: string }
}

test('there are 329 of them', () => {
  expect(all).toHaveLength(329)
})

test.each(all)('$name $i is read as what it is', (example) => {
  expect(read(example.name, example.body)).toEqual([expected(example)])
})

const pull = all.find(({ name, body }) => name === 'pull_request' && body.action === 'opened')!.body
/** A copy with some of it changed, by paths. */
function changed(body: JsonObject, over: Record<string, unknown>): JsonObject {
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

describe('a pull request', () => {
  test.each([
    ['from another repository', { 'pull_request.head.repo.full_name': 'mallory/Hello-World' }, 'mallory/Hello-World'],
    ['from one that is gone', { 'pull_request.head.repo': null }, ''],
  ])('%s is of a fork', (_, over, repository) => {
    const [event] = read('pull_request', changed(pull, over))
    expect(event).toMatchObject({ pullRequest: { fork: true, head: { repository, branch: 'changes' } } })
  })

  test('is merged where it is closed and so', () => {
    const [event] = read('pull_request', changed(pull, { action: 'closed', 'pull_request.merged': true }))
    expect(event).toMatchObject({ kind: 'pull_request', action: 'merged' })
  })

  test('has texts that can be shown, and no more labels than a hundred', () => {
    const labels = Array.from({ length: 300 }, (_, i) => ({ name: `l${i}` }))
    const title = `\u202Eab\u0007c\n${'x'.repeat(9999)}`
    const [event] = read('pull_request', changed(pull, { 'pull_request.title': title, 'pull_request.labels': labels }))
    expect(event).toMatchObject({ pullRequest: { title: `ab c ${'x'.repeat(251)}` } })
    expect(event?.kind === 'pull_request' && event.pullRequest.labels).toHaveLength(100)
  })

  test.each([
    ['pull_request.head.sha', 'abc'],
    ['pull_request.head.sha', '0'.repeat(40)],
    ['pull_request.head.sha', 7],
    ['pull_request.head.ref', '--upload-pack=x'],
    ['pull_request.head.ref', 'a..b'],
    ['pull_request.head.ref', 'x'.repeat(300)],
    ['pull_request.head.repo.full_name', '../../etc'],
    ['pull_request.number', '2'],
    ['pull_request.number', 1.5],
    ['pull_request.draft', 'no'],
    ['pull_request.html_url', 'javascript:alert(1)'],
    ['pull_request.html_url', 'https://a:b@example.org/'],
    ['pull_request.title', { a: 1 }],
    ['pull_request.labels', 'bug'],
    ['repository.full_name', null],
    ['repository.full_name', 'no slash'],
    ['pull_request', []],
  ])('with %s as %j is incomplete', (path, value) => {
    const field = path === 'pull_request' ? 'pull_request.head.repo' : path
    const [event] = read('pull_request', changed(pull, { [path]: value }))
    if (path === 'pull_request') expect(event).toMatchObject({ kind: 'ignored', why: 'incomplete' })
    else expect(event).toMatchObject({ kind: 'ignored', event: 'pull_request.opened', why: 'incomplete', field })
  })
})

test('a comment on a pull request is one, and only where it is new', () => {
  const { body } = all.find(({ name, body }) => name === 'issue_comment' && body.action === 'created')!
  const onPull = changed(body, {
    'issue.pull_request': { url: 'https://api.github.com/x' },
    'comment.body': '/run\r\nit',
  })
  expect(read('issue_comment', onPull)).toEqual([
    { kind: 'comment', number: 1, body: '/run\nit', author: 'Codertocat', ...shop },
  ])
  expect(read('issue_comment', changed(onPull, { action: 'edited' }))).toMatchObject([
    { kind: 'ignored', event: 'issue_comment.edited', why: 'unknown' },
  ])
})

test('the end of a branch, a push by force and one of 64 digits are pushes', () => {
  const { body } = all.find(({ name, i }) => name === 'push' && i === 4)!
  const [before, after] = ['a'.repeat(64), 'B'.repeat(64)]
  const forced = changed(body, { before, after, created: false, forced: true })
  expect(read('push', forced)).toMatchObject([{ branch: 'master', before, after: 'b'.repeat(64) }])
  const gone = changed(body, { before, after: '0'.repeat(64), deleted: true, head_commit: null })
  expect(read('push', gone)).toMatchObject([{ branch: 'master', before, after: '', message: '', author: '' }])
})

test('a tag with a text stands on the commit that it is of', () => {
  const { body } = all.find(({ name, i }) => name === 'push' && i === 4)!
  const tag = changed(body, { ref: 'refs/tags/v1', after: 'a'.repeat(40) })
  expect(read('push', tag)).toMatchObject([{ tag: 'v1', after: commit }])
})

test('what is pushed neither to a branch nor to a tag is nothing', () => {
  const { body } = all.find(({ name, i }) => name === 'push' && i === 4)!
  expect(read('push', changed(body, { ref: 'refs/notes/x' }))).toMatchObject([{ kind: 'ignored', why: 'unknown' }])
})

test('a check that is to be run again names what had said so, and all of a commit nothing', () => {
  const sha = 'c'.repeat(40)
  const one = {
    action: 'rerequested',
    check_run: { head_sha: sha, external_id: 'r1' },
    repository: { full_name: 'a/b' },
  }
  expect(read('check_run', one)).toMatchObject([{ kind: 'rerun', commit: sha, of: 'r1', repository: 'a/b' }])
  expect(read('check_run', changed(one, { 'check_run.external_id': null }))).toMatchObject([{ kind: 'rerun', of: '' }])
  expect(read('check_run', changed(one, { action: 'requested_action' }))).toMatchObject([{ why: 'unknown' }])
  const wrong = changed(one, { 'check_run.head_sha': 'x' })
  expect(read('check_run', wrong)).toMatchObject([{ why: 'incomplete', field: 'check_run.head_sha' }])
  const all = { action: 'rerequested', check_suite: { head_sha: sha }, repository: { full_name: 'a/b' } }
  expect(read('check_suite', all)).toEqual([
    { kind: 'rerun', commit: sha, of: undefined, repository: 'a/b', sender: '' },
  ])
})

test('is signed with its secret or not at all', () => {
  const body = Buffer.from('{"a":1}')
  const signed = createHmac('sha256', 'right').update(body).digest('hex')
  const isSigned = (signature: string, secret: string, bytes = body) =>
    github.isSigned({ 'x-hub-signature-256': signature }, bytes, secret, new Date())
  expect(isSigned(`sha256=${signed}`, 'right')).toBe(true)
  expect(isSigned(`sha256=${signed}`, 'wrong')).toBe(false)
  expect(isSigned(`sha256=${signed}`, 'right', Buffer.from('{"a":2}'))).toBe(false)
  expect(isSigned(`sha1=${signed}`, 'right')).toBe(false)
  expect(isSigned('', 'right')).toBe(false)
  expect(isSigned(`sha256=${createHmac('sha256', '').update(body).digest('hex')}`, '')).toBe(false)
})
