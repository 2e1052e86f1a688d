// A checkout that names no address takes what the run is for; only that gets into a connected repository.
import { type GitFacts, GitFactsSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { reasonText } from '@ansflow/proto/reasons'
import { statusWord } from '@ansflow/proto/status'
import type { JsonObject } from '@bufbuild/protobuf'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { apply, graphOf, newWorld } from '../test/world.ts'

const repository = 'https://example.org/app.git'
const commit = 'c0ffee00'.repeat(5)
const own: MessageInitShape<typeof GitFactsSchema> = { repositoryId: 'r1', repository, commit, ref: 'refs/heads/main' }

function begun(params: JsonObject, git?: MessageInitShape<typeof GitFactsSchema>) {
  const world = newWorld(graphOf([{ id: 'a', uses: 'fetch_code', with: params }]))
  if (git) world.state.meta.origin.git = create(GitFactsSchema, git) as GitFacts
  const changes = apply(world, { type: 'started' })
  const step = world.state.steps.get('a')!
  const { job, spec } = changes.newJobs[0] ?? {}
  const value = spec?.execution.case === 'checkout' ? spec.execution.value : undefined
  return { step, secrets: job?.secrets, url: value?.url, ref: value?.ref }
}

const access = [{ name: '', env: false, repository: 'r1' }]

test.each([
  ['nothing', {}, own, { url: repository, ref: commit, secrets: access }],
  ['a ref', { ref: 'v1' }, own, { url: repository, ref: 'v1', secrets: access }],
  ['nothing, of no commit', {}, { ...own, commit: '' }, { url: repository, ref: 'refs/heads/main', secrets: access }],
  ['the same address', { url: repository }, own, { url: repository, ref: '', secrets: access }],
  ['another address', { url: `${repository}/` }, own, { url: `${repository}/`, ref: '', secrets: [] }],
  [
    'a password',
    { passwordSecret: 'TOKEN' },
    own,
    { url: repository, ref: commit, secrets: [{ name: 'TOKEN', env: false }] },
  ],
  ['nothing, for a fork', {}, { ...own, fork: true }, { url: repository, ref: commit, secrets: [] }],
  ['an address, for no repository', { url: repository }, { repository }, { url: repository, ref: '', secrets: [] }],
])('a step that says %s', (_says, params, git, expected) => {
  expect(begun(params, git)).toMatchObject(expected)
})

test.each([
  ['nothing', undefined],
  ['a repository that is not connected', { repository, commit }],
])('without an address, in a run for %s, it fails and says why', (_for, git) => {
  const { step, url } = begun({}, git)
  expect(url).toBeUndefined()
  expect(statusWord(step.status)).toBe('failed')
  expect(step.reason?.code).toBe('parameter')
  expect(reasonText(step.reason!)).toContain('this run is for no connected repository')
})
