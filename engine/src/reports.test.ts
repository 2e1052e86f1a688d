// Steps with reports: which files their agent is asked for.

import { withDefaults } from '@ansflow/proto/defaults'
import { atOnce } from '@ansflow/proto/pieces'
import { parsePipeline } from '@ansflow/proto/pipeline-yaml'
import { reasonText } from '@ansflow/proto/reasons'
import { expect, test } from 'vitest'
import * as world from '../test/world.ts'
import { advance } from './advance.ts'
import { planRun } from './plan.ts'

function begun(step: string, given = '', defaults = '') {
  const { graph, problems } = parsePipeline(`name: x\n${defaults}inputs: { given: {} }\nsteps:\n  a: ${step}\n`)
  expect(problems).toEqual([])
  const state = atOnce(planRun(withDefaults(graph), { given }, world.testMeta(), world.epochStart))
  const { newJobs } = atOnce(advance(state, { type: 'started' }, world.epochStart))
  const why = state.steps.get('a')!.reason
  return { spec: newJobs[0]?.spec, why: why && reasonText(why) }
}

test('files are named by globs, by values too, and a value that gives nothing names none', () => {
  const said =
    '{ run: make, reports: { junit: ["**/a.xml", "out/${{ inputs.given }}/*.xml"], coverage: "${{ inputs.given }}" } }'
  expect(begun(said, 'web').spec?.reports).toMatchObject({ junit: ['**/a.xml', 'out/web/*.xml'], coverage: ['web'] })
  expect(begun('{ run: make, reports: { coverage: "${{ inputs.given }}" } }', ' ').spec?.reports).toBeUndefined()
})

test('defaults name them for scripts, and for nothing else', () => {
  const defaults = 'defaults: { reports: { junit: a.xml } }\n'
  expect(begun('{ run: make }', '', defaults).spec?.reports).toMatchObject({ junit: ['a.xml'], coverage: [] })
  expect(begun('{ run: make, reports: { coverage: b } }', '', defaults).spec?.reports).toMatchObject({ junit: [] })
  const fetch = '{ uses: fetch_code, with: { url: "https://example.org/x.git" } }'
  expect(begun(fetch, '', defaults).spec?.reports).toBeUndefined()
})

test.each(['../x.xml', '/etc/x.xml', 'a/{b', 'out/'])('a value cannot bring %s', (glob) => {
  const { spec, why } = begun('{ run: make, reports: { junit: "${{ inputs.given }}" } }', glob)
  expect(spec).toBeUndefined()
  expect(why).toMatch(/pattern|Paths/i)
})
