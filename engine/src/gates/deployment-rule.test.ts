// Which runs may deploy to what a step names, and what the step has of it.
import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { type GitFacts, GitFactsSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { reasonText } from '@ansflow/proto/reasons'
import { statusWord } from '@ansflow/proto/status'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { apply, graphOf, newWorld } from '../../test/world.ts'
import type { RunEnvironment } from '../state.ts'
import { variablesOf } from '../values/variables-of.ts'
import { knownEnvironmentOf } from './environments.ts'

type Git = MessageInitShape<typeof GitFactsSchema>
type Steps = Parameters<typeof graphOf>[0]

const production: RunEnvironment = {
  ...{ id: 'e1', name: 'production', url: 'https://example.org' },
  ...{ branches: ['main', 'release/*', '!release/old'], tags: ['v*'] },
  variables: [{ name: 'LEVEL', value: 'environment' }],
}
const anywhere: RunEnvironment = { ...production, id: 'e2', name: 'preview', url: '', branches: [], tags: [] }

function begun(
  step: NonNullable<Steps>[number],
  git?: Git,
  env = [{ name: 'LEVEL', value: 'pipeline' }],
  verified = true,
) {
  const world = newWorld(graphOf([{ id: 'a', ...step }], { env }))
  Object.assign(world.state.meta, {
    environments: [production, anywhere],
    variables: [{ name: 'LEVEL', value: 'project', from: 'project' }],
  })
  if (git) world.state.meta.origin.git = create(GitFactsSchema, git) as GitFacts
  world.state.meta.origin.verified = verified
  const changes = apply(world, { type: 'started' })
  const state = world.state.steps.get('a')!
  const { job, spec } = changes.newJobs[0] ?? {}
  return {
    status: statusWord(state.status),
    reason: state.reason ? reasonText(state.reason) : '',
    env: Object.fromEntries(spec?.env.map(({ name, value }) => [name, value]) ?? []),
    secrets: job?.secrets,
    values: variablesOf(world.state, state)
      .find(({ name }) => name === 'LEVEL')!
      .values.map(({ from }) => from),
    environment: knownEnvironmentOf(world.state, state),
  }
}

const only = 'Only runs of main, release/*, !release/old, v* may deploy to production, and this one is of'
test.each<[string, string, Git | undefined, string]>([
  ['a branch of it', 'production', { branch: 'main' }, ''],
  ['a branch that a glob takes', 'production', { branch: 'release/2' }, ''],
  ['a tag of it', 'production', { tag: 'v1' }, ''],
  ['another branch', 'production', { branch: 'feature' }, `${only} feature.`],
  ['a branch that a glob takes away', 'production', { branch: 'release/old' }, `${only} release/old.`],
  ['another tag, whatever branch it is on', 'production', { tag: 'test', branch: 'main' }, `${only} test.`],
  ['a branch that is called like a tag', 'production', { branch: 'v1' }, `${only} v1.`],
  ['nothing', 'production', undefined, `${only} no branch or tag.`],
  ['a pull request, whatever its branch', 'production', { branch: 'main', pullRequest: 3 }, `${only} pull request #3.`],
  ['a pull request, where all may', 'preview', { branch: 'x', pullRequest: 3 }, ''],
  ['nothing, where all may', 'preview', undefined, ''],
  [
    'a pull request of a fork, where all may',
    'preview',
    { branch: 'main', pullRequest: 3, fork: true },
    'Runs of pull requests from forks deploy nothing to preview: this one is of #3.',
  ],
  [
    'a branch, to what is not there',
    'prod',
    { branch: 'main' },
    'The project has no environment prod. It has production, preview.',
  ],
])('a run of %s', (_of, name, git, refusal) => {
  const step = begun({ environment: { name } }, git)
  if (refusal === '') expect(step.status).toBe('queued')
  else expect([step.status, step.reason]).toEqual(['failed', refusal])
})

test('a run of which nobody but whoever started it says what it is for deploys only where all may', () => {
  const refused = begun({ environment: { name: 'production' } }, { branch: 'main' }, [], false)
  expect(refused.status).toBe('failed')
  expect(refused.reason).toMatch(/^Only runs of main, .* nobody but whoever started it says what it is for/)
  expect(begun({ environment: { name: 'preview' } }, { branch: 'main' }, [], false).status).toBe('queued')
})

test('its name and address may be expressions, and it has variables over the pipeline’s and secrets of its own', () => {
  const environment = { name: "${{ git.branch == 'main' ? 'production' : '' }}", url: 'https://${{ git.branch }}.test' }
  const there = begun(
    { environment, secrets: ['KEY'], env: [{ name: 'SEES', value: '${{ vars.LEVEL }} ${{ env.LEVEL }}' }] },
    { branch: 'main' },
  )
  expect(there.env).toMatchObject({
    LEVEL: 'environment',
    SEES: 'environment environment',
    CI_ENVIRONMENT_NAME: 'production',
    CI_ENVIRONMENT_URL: 'https://main.test',
  })
  expect(there.values).toEqual(['environment', 'pipeline', 'project'])
  expect(there.secrets).toEqual([{ name: 'KEY', env: true, environment: 'e1' }])
  expect(there.environment).toMatchObject({ id: 'e1', url: 'https://main.test' })
  const nowhere = begun({ environment, secrets: ['KEY'] }, { branch: 'other' })
  expect(nowhere.env).toMatchObject({ LEVEL: 'pipeline' })
  expect(nowhere.env).not.toHaveProperty('CI_ENVIRONMENT_NAME')
  expect(nowhere.secrets).toEqual([{ name: 'KEY', env: true }])
})

test('a name that reads the variables of the project is no circle', () => {
  const name = "${{ vars.LEVEL == 'project' && env.LEVEL == 'project' ? 'preview' : 'production' }}"
  expect(
    begun({ environment: { name } }, undefined, [{ name: 'LEVEL', value: '${{ vars.LEVEL }}' }]).environment?.id,
  ).toBe('e2')
})

test('a name of many lines fails the step and says why', () => {
  const step = begun({ environment: { name: "${{ 'a\\nb' }}" } })
  expect(step.status).toBe('failed')
  expect(step.reason).toMatch(/: The name of an environment has 1 to 64/)
})

test.each([
  ['is none', "${{ 'javascript:alert(1)' }}", /begins with http.*; here it is "javascript:alert\(1\)"/],
  ['has a space', "https://${{ 'a b' }}.test", /no spaces.*; here it is "https:\/\/a b\.test"/],
  ['is long', "https://${{ 'a' }}.test/?".padEnd(2100, 'x'), /at most 2048 characters/],
  ['cannot be told', '${{ [""][1] }}', /^What was deployed has no link: /],
])('an address that %s keeps nothing from being deployed; it is said that there is no link', (_what, url, text) => {
  const step = begun({ environment: { name: 'preview', url } })
  expect(step.status).toBe('queued')
  expect(step.env).toMatchObject({ CI_ENVIRONMENT_NAME: 'preview', CI_ENVIRONMENT_URL: '' })
  expect(step.environment?.url).toBe('')
  expect(reasonText(step.environment!.problem!)).toMatch(text)
})

const itself = 'https://${{ steps.a.outputs.host }}.test'

/** What is known of the environment of `a` once it has ended so. */
function ended(url: string, outcome: Outcome, outputs: Record<string, string>) {
  const world = newWorld(graphOf([{ id: 'a', outputs: ['host'], environment: { name: 'production', url } }]))
  Object.assign(world.state.meta, { environments: [{ ...production, branches: [], tags: [] }] })
  const spec = apply(world, { type: 'started' }).newJobs[0]!.spec
  const { id: jobId } = [...world.state.jobs.values()][0]!
  apply(world, { type: 'jobOffered', jobId, agentId: 'agent', agentName: 'agent' })
  apply(world, { type: 'jobFinished', jobId, epoch: 1, outcome, outputs })
  const { url: found, problem } = knownEnvironmentOf(world.state, world.state.steps.get('a')!)!
  const told = spec.env.find(({ name }) => name === 'CI_ENVIRONMENT_URL')?.value
  return { told, url: found, problem: problem && reasonText(problem) }
}

test('an address may read what the step itself sets: then it is known at its end', () => {
  expect(ended(itself, Outcome.SUCCEEDED, { host: 'pr-7' })).toEqual({
    ...{ told: '', url: 'https://pr-7.test', problem: null },
  })
  expect(ended(itself, Outcome.SUCCEEDED, { host: 'a b' }).problem).toMatch(/here it is "https:\/\/a b\.test"/)
  expect(ended(itself, Outcome.SUCCEEDED, {})).toMatchObject({ url: '', problem: expect.stringMatching(/no link/) })
  // Who has failed has not come to say it.
  expect(ended(itself, Outcome.FAILED, {})).toMatchObject({ url: '', problem: null })
  // Of what says nothing the environment's own counts.
  expect(ended('${{ steps.a.outputs.host }}', Outcome.SUCCEEDED, { host: '' }).url).toBe('https://example.org')
})

test('each copy of a step has the address that it has set', () => {
  const environment = { name: 'preview', url: itself }
  const values = ['x', 'y'].map((value) => ({ kind: { case: 'stringValue' as const, value } }))
  const matrix = { axes: [{ name: 'zone', values }] }
  const world = newWorld(graphOf([{ id: 'a', outputs: ['host'], matrix, environment }]))
  Object.assign(world.state.meta, { environments: [anywhere] })
  apply(world, { type: 'started' })
  for (const { id: jobId, step } of [...world.state.jobs.values()]) {
    apply(world, { type: 'jobOffered', jobId, agentId: 'agent', agentName: 'agent' })
    const outputs = { host: `h${step.copyIndex}` }
    apply(world, { type: 'jobFinished', jobId, epoch: 1, outcome: Outcome.SUCCEEDED, outputs })
  }
  const urls = ['a.0', 'a.1'].map((id) => knownEnvironmentOf(world.state, world.state.steps.get(id)!)!.url)
  expect(urls).toEqual(['https://h0.test', 'https://h1.test'])
})
