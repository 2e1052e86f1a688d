// Which runs may deploy to what a step names, and what the step has of it.
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

test.each([
  ['a name of many lines', { name: "${{ 'a\\nb' }}" }, /: The name of an environment has 1 to 64/],
  ['an address that is none', { name: 'preview', url: "${{ 'javascript:alert(1)' }}" }, /begins with http/],
])('%s fails the step and says why', (_what, environment, text) => {
  const step = begun({ environment })
  expect(step.status).toBe('failed')
  expect(step.reason).toMatch(text)
})
