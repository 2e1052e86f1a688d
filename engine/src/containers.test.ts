// Steps with an image: what an agent is told to do, and which agents may get a workspace of which some step needs a container.
import { ImagePull } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { atOnce } from '@ansflow/proto/pieces'
import { parsePipeline } from '@ansflow/proto/pipeline-yaml'
import { reasonText } from '@ansflow/proto/reasons'
import { expect, test } from 'vitest'
import * as world from '../test/world.ts'
import { advance } from './advance.ts'
import { planRun } from './plan.ts'

function begun(steps: string, given = '') {
  const { graph, problems } = parsePipeline(`name: x\ninputs: { given: {} }\nsteps:\n${steps}`)
  expect(problems).toEqual([])
  const state = atOnce(planRun(graph, { given }, world.testMeta(), world.epochStart))
  const { newJobs } = atOnce(advance(state, { type: 'started' }, world.epochStart))
  const why = state.steps.get('a')!.reason
  const capabilities = [...state.jobs.values()].map(({ step, capability }) => [step.id, capability])
  return { spec: newJobs[0]?.spec, capabilities: Object.fromEntries(capabilities), why: why && reasonText(why) }
}

test('a script runs in the image that it names, by a value too', () => {
  const { spec, capabilities } = begun(
    '  a: { run: make, shell: bash, workdir: web, image: "node:${{ inputs.given }}", pull: always }\n',
    '22',
  )
  const script = { shell: 'bash', script: 'make', workingDirectory: 'web' }
  const value = { script, image: 'node:22', pull: ImagePull.ALWAYS }
  expect(spec?.execution).toMatchObject({ case: 'container', value })
  expect(capabilities).toEqual({ a: 'container' })
})

test('a value that gives nothing gives no container', () => {
  const { spec } = begun('  a: { run: make, image: "${{ inputs.given }}" }\n', ' ')
  expect(spec?.execution).toMatchObject({ case: 'shell', value: { script: 'make' } })
})

test.each(['-v /:/host', 'node:22 --privileged', 'a b', 'https://x/y'])('a value cannot bring %s', (image) => {
  const { spec, why } = begun('  a: { run: make, image: "${{ inputs.given }}" }\n', image)
  expect(spec).toBeUndefined()
  expect(why).toContain('is no container image')
})

test('the agent of a workspace can run the containers of all its steps', () => {
  const { capabilities } = begun(`  a: { uses: fetch_code, with: { url: "https://example.org/x.git" } }
  b: { run: make, image: node, needs: [a] }
  c: { run: make }
  d: { run: make, workspace: other }
  e: { run: make, workspace: isolated }
  f: { run: make, image: node, workspace: isolated }
`)
  expect(capabilities).toEqual({
    a: 'checkout container',
    c: 'shell container',
    d: 'shell',
    e: 'shell',
    f: 'container',
  })
})
