// `git` in expressions, through runs: what the first checkout fetched.
import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { NeedKind } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { GitFactsSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { statusWord } from '@ansflow/proto/status'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { describe, expect, test } from 'vitest'
import { apply, graphOf, newWorld, proceed, type StepInit, type World } from '../../test/world.ts'
import type { JobState } from '../state.ts'

const need = (stepId: string) => ({ stepId, kind: NeedKind.SUCCESS, condition: '' })

function begun(steps: StepInit, git?: MessageInitShape<typeof GitFactsSchema>): World {
  const world = newWorld(graphOf(steps))
  if (git) world.state.meta.origin.git = create(GitFactsSchema, git)
  apply(world, { type: 'started' })
  return world
}

const job = (world: World, stepId: string): JobState => world.state.steps.get(stepId)!.attempts.at(-1)!
const statuses = (world: World) =>
  [...world.state.steps.values()].map(({ definition, status }) => `${definition.id}:${statusWord(status)}`).join(' ')

test('what the run is for, if its origin says so, whatever is fetched', () => {
  const world = begun(
    [
      { id: 'a', uses: 'fetch_code', with: { url: 'https://example.org/other.git' } },
      { id: 'b', when: "git.tag == 'v2' && git.branch == '' && git.pullRequest == '12'" },
      { id: 'c', needs: [need('a')], when: "git.repository == 'https://example.org/app.git'" },
    ],
    { repository: 'https://example.org/app.git', tag: 'v2', pullRequest: 12 },
  )
  for (let i = 0; i < 3; i++) proceed(world, job(world, 'a'))
  const { id, epoch } = job(world, 'a')
  apply(world, {
    type: 'jobFinished',
    jobId: id,
    epoch,
    outcome: Outcome.SUCCEEDED,
    exitCode: 0,
    outputs: { branch: 'x' },
  })
  expect(statuses(world)).toBe('a:succeeded b:queued c:queued')
})

test('what has happened is read in its own types, and scripts get it under the names that people know', () => {
  const steps = [
    {
      id: 'a',
      when: "git.event == 'pull_request' && git.fork && 'ci' in git.labels && git.changedCount > 2 && git.baseBranch == 'main'",
      env: [{ name: 'CI_COMMIT_BRANCH', value: 'mine' }],
    },
    { id: 'b', when: "git.action == 'opened' && !git.fork" },
  ]
  const world = newWorld(graphOf(steps))
  world.state.meta.origin.git = create(GitFactsSchema, {
    event: 'pull_request',
    action: 'updated',
    branch: 'fix',
    commit: 'c0ffee',
    baseBranch: 'main',
    pullRequest: 12,
    fork: true,
    labels: ['ci', 'x'],
    changedCount: 3,
  })
  const { spec } = apply(world, { type: 'started' }).newJobs[0]!
  expect(statuses(world)).toBe('a:queued b:skipped')
  expect(Object.fromEntries(spec.env.map(({ name, value }) => [name, value]))).toMatchObject({
    CI_COMMIT_SHA: 'c0ffee',
    CI_COMMIT_BRANCH: 'mine',
    CI_COMMIT_TARGET_BRANCH: 'main',
    CI_MERGE_REQUEST_IID: '12',
    CI_MERGE_REQUEST_LABELS: 'ci,x',
    CI_PIPELINE_EVENT: 'pull_request',
    ANSFLOW_FORK: 'true',
  })
  expect(spec.env.map(({ name }) => name)).not.toContain('CI_COMMIT_TAG')
})

test('changed() is what was found before the run began; what nobody has looked for counts as changed', () => {
  const asks = (changed?: Record<string, boolean>) =>
    statuses(
      begun(
        [
          { id: 'src', when: 'changed("src/**", "!src/docs/**")' },
          { id: 'docs', when: "changed('docs/**')" },
          { id: 'other', when: '!changed("other")' },
        ],
        changed && { branch: 'main', changed },
      ),
    )
  expect(asks({ '["src/**","!src/docs/**"]': true, '["docs/**"]': false })).toBe(
    'src:queued docs:skipped other:skipped',
  )
  expect(asks()).toBe('src:queued docs:queued other:skipped')
})

test('hashFiles() is what was found before the run began, wherever it is asked; empty where nobody has looked', () => {
  const hash = '5e'.repeat(32)
  const asks = (fileHashes?: Record<string, string>) => {
    const steps = [
      {
        id: 'a',
        when: 'hashFiles("**/go.sum") != ""',
        env: [{ name: 'KEY', value: 'go-${{ hashFiles("**/go.sum") }}' }],
      },
      { id: 'b', when: 'hashFiles("Cargo.lock") == ""' },
      { id: 'c', name: 'Cache ${{ hashFiles("**/go.sum") }}!' },
    ]
    const world = newWorld(graphOf(steps))
    if (fileHashes) world.state.meta.origin.git = create(GitFactsSchema, { branch: 'main', fileHashes })
    const { newJobs } = apply(world, { type: 'started' })
    const key = newJobs
      .find(({ job: { step } }) => step.definition.id === 'a')
      ?.spec.env.find(({ name }) => name === 'KEY')
    return [statuses(world), key?.value, world.state.steps.get('c')!.name]
  }
  expect(asks({ '["**/go.sum"]': hash, '["Cargo.lock"]': '' })).toEqual([
    'a:queued b:queued c:queued',
    `go-${hash}`,
    `Cache ${hash}!`,
  ])
  // Of a run that began before there was such a thing.
  expect(asks({})).toEqual(['a:skipped b:queued c:queued', undefined, 'Cache !'])
  expect(asks()).toEqual(['a:skipped b:queued c:queued', undefined, 'Cache !'])
})

describe('what the first checkout fetched', () => {
  const checkout = { uses: 'fetch_code', with: { url: 'https://example.org/app.git' } }
  const asks = (when: string) => [
    { id: 'a', ...checkout },
    { id: 'b', needs: [need('a')], when },
  ]

  test.each([
    [
      "git.commit == 'c0ffee' && git.branch == 'main' && git.tag == ''",
      { commit: 'c0ffee', ref: 'refs/heads/main', branch: 'main' },
      'queued',
    ],
    [
      "git.tag == 'v1' && git.repository == 'https://example.org/app.git'",
      { commit: 'c0ffee', ref: 'refs/tags/v1', branch: '' },
      'queued',
    ],
    ["git.branch == 'other'", { commit: 'c0ffee', ref: 'refs/heads/main', branch: 'main' }, 'skipped'],
  ])('%s', (when, outputs, expected) => {
    const world = begun(asks(when))
    for (let i = 0; i < 3; i++) proceed(world, job(world, 'a'))
    const { id, epoch } = job(world, 'a')
    apply(world, { type: 'jobFinished', jobId: id, epoch, outcome: Outcome.SUCCEEDED, exitCode: 0, outputs })
    expect(statuses(world)).toBe(`a:succeeded b:${expected}`)
  })

  test('says nothing before it has succeeded', () => {
    const world = begun([
      { id: 'b', when: "git.commit == ''" },
      { id: 'a', ...checkout },
    ])
    expect(statuses(world)).toBe('b:queued a:queued')
  })
})
