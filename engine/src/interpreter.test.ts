// Which program runs a script is its author's to say; what an expression brings chooses among the shells only.
import { Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { atOnce } from '@ansflow/proto/pieces'
import { parsePipeline } from '@ansflow/proto/pipeline-yaml'
import { reasonText } from '@ansflow/proto/reasons'
import { expect, test } from 'vitest'
import * as world from '../test/world.ts'
import { advance } from './advance.ts'
import { planRun } from './plan.ts'

function begun(step: string, given: string) {
  const { graph, problems } = parsePipeline(`name: x\ninputs: { given: {} }\nsteps:\n  a: { ${step} }\n`)
  expect(problems.filter(({ severity }) => severity === Severity.ERROR)).toEqual([])
  const state = atOnce(planRun(graph, { given }, world.testMeta(), world.epochStart))
  const { newJobs } = atOnce(advance(state, { type: 'started' }, world.epochStart))
  const why = state.steps.get('a')!.reason
  return { spec: newJobs[0]?.spec, why: why && reasonText(why) }
}

test.each(['sh', 'bash', 'pwsh'])('an expression may choose %s', (shell) => {
  const { spec } = begun('run: x, shell: "${{ inputs.given }}"', shell)
  expect(spec?.execution).toMatchObject({ case: 'shell', value: { shell } })
})

test.each(['python3', 'node -e x', '/tmp/evil', 'sh -x'])('an expression may not bring %s', (shell) => {
  const { spec, why } = begun('run: x, shell: "${{ inputs.given }}"', shell)
  expect(spec).toBeUndefined()
  expect(why).toContain('sh, bash, pwsh')
})

test('the author may name any, with how its process stands; values that are not plain are for env', () => {
  const { spec } = begun('run: "print(1)", shell: python3 -u, umask: "027", nice: 5, workdir: web', '')
  expect(spec).toMatchObject({
    umask: '027',
    nice: 5,
    execution: { value: { shell: 'python3 -u', script: 'print(1)', workingDirectory: 'web' } },
  })
  expect(begun('run: "print(${{ inputs.given }})", shell: python3', 'x"y').why).toContain('another language')
})
