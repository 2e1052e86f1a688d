import { type GitFacts, GitFactsSchema, RunOriginSchema, RunSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { placeOf, saidBy, subjectOf } from './run-of.ts'

const git = (said: MessageInitShape<typeof GitFactsSchema>): GitFacts => create(GitFactsSchema, said)
const run = (version: number, said: MessageInitShape<typeof GitFactsSchema> | undefined, fileOf = '') =>
  create(RunSchema, { version, origin: create(RunOriginSchema, { ...(said && { git: git(said) }), fileOf }) })

test('a commit is known by the first line of its message', () => {
  expect(subjectOf(git({ message: 'Sell more\n\nMuch more.\n' }))).toBe('Sell more')
  expect(subjectOf(git({}))).toBe('')
})

test.each([
  [
    'a pull request by its number, also one from a fork whose branch is called as one here',
    { pullRequest: 7, branch: 'main' },
    'pullRequest',
    '#7',
  ],
  ['a tag', { tag: 'v1', branch: 'main' }, 'tag', 'v1'],
  ['a branch', { branch: 'main', ref: 'refs/heads/main' }, 'branch', 'main'],
  ['what was asked for', { ref: 'refs/changes/1' }, 'branch', 'refs/changes/1'],
])('where it stands is %s', (_, said, kind, name) => {
  expect(placeOf(git(said))).toEqual({ kind, name })
})

test('a run of nothing stands nowhere', () => {
  expect(placeOf(git({}))).toBeUndefined()
})

test.each([
  ['what was published', run(3, { event: 'push', branch: 'main' }), { kind: 'version' }],
  ['the draft that somebody tries', run(0, { branch: 'dev', commit: 'a'.repeat(40) }), { kind: 'draft' }],
  ['the draft, for no commit', run(0, undefined), { kind: 'draft' }],
  ['the file of the branch that was pushed', run(0, { event: 'push', branch: 'dev' }), { kind: 'file', of: 'dev' }],
  [
    'the file of the pull request',
    run(0, { event: 'comment', pullRequest: 7, branch: 'main' }),
    { kind: 'file', of: '#7' },
  ],
  [
    'the file of the branch a stranger wants it in, as it was published',
    run(3, { event: 'pull_request', branch: 'x' }, 'main'),
    { kind: 'file', of: 'main' },
  ],
  ['the file of the tag', run(0, { event: 'tag', tag: 'v1' }), { kind: 'file', of: 'v1' }],
  [
    'the file of the branch a stranger wants it in',
    run(0, { event: 'pull_request', branch: 'x' }, 'main'),
    { kind: 'file', of: 'main' },
  ],
])('%s says what runs', (_, of, expected) => {
  expect(saidBy(of)).toEqual(expected)
})
