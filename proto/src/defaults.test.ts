import { describe, expect, test } from 'vitest'
import { graphHash } from './canonical.ts'
import { withDefaults } from './defaults.ts'
import { parsePipeline, renderPipeline } from './pipeline-yaml.ts'

const text = `name: x
defaults:
  runsOn: [linux]
  timeout: 10m
  retry: 2
  workspace: isolated
  shell: bash
  secrets: [TOKEN]
  env: { A: a, B: b }
steps:
  plain: { run: "true" }
  own: { run: "true", runsOn: [macos], timeout: 1m, retry: 0, workspace: shared, shell: sh, secrets: [OTHER], env: { B: own, C: c } }
  pause: { uses: wait, with: { duration: 1s } }
`

describe('defaults', () => {
  test('are what steps have that do not say it themselves; the step’s own value wins', () => {
    const { graph, problems } = parsePipeline(text)
    expect(problems).toEqual([])
    const [plain, own, pause] = withDefaults(graph).steps
    expect(plain).toMatchObject({
      ...{ runsOn: ['linux'], timeoutMs: 600_000, retry: { max: 2 }, workspace: 'isolated', secrets: ['TOKEN'] },
      with: { script: 'true', shell: 'bash' },
    })
    expect(plain!.env.map(({ name, value }) => `${name}=${value}`)).toEqual(['A=a', 'B=b'])
    expect(own).toMatchObject({
      ...{ runsOn: ['macos'], timeoutMs: 60_000, retry: { max: 0 }, workspace: 'shared', secrets: ['OTHER'] },
      with: { script: 'true', shell: 'sh' },
    })
    expect(own!.env.map(({ name, value }) => `${name}=${value}`)).toEqual(['A=a', 'B=own', 'C=c'])
    // What no agent runs gets what counts there.
    expect(pause).toMatchObject({ runsOn: [], env: [], timeoutMs: 600_000, with: { duration: '1s' } })
    expect(pause!.retry).toBe(undefined)
  })

  test('stay in the file, and what steps say that is the usual stays different from saying nothing', () => {
    const { graph } = parsePipeline(text)
    for (const again of [renderPipeline(graph), renderPipeline(graph, text)]) {
      expect(graphHash(parsePipeline(again).graph)).toBe(graphHash(graph))
    }
    expect(renderPipeline(graph, text)).toBe(text)
    expect(graphHash(parsePipeline(text.replace(', workspace: shared', '')).graph)).not.toBe(graphHash(graph))
    expect(graphHash(parsePipeline(text.replace(', retry: 0', '')).graph)).not.toBe(graphHash(graph))
  })

  test('are checked, and where they count', () => {
    const problems = (defaults: string) =>
      parsePipeline(`name: x\ndefaults: ${defaults}\nsteps:\n  a: { run: "echo $A", workspace: shared }\n`).problems
    expect(problems(`{ shell: ${'x'.repeat(5000)} }`)[0]!.message).toContain('Shell')
    expect(problems('{ runsOn: ["bad label!"] }')[0]!.field).toBe('defaults.runsOn')
    expect(problems('{ env: { CI_OUTPUT: x } }')[0]!.field).toBe('defaults.env.CI_OUTPUT')
    expect(problems('{ uses: custom }')[0]!.message).toContain('uses')
    expect(problems('{ env: { A: "${{ inputs.gone }}" } }')[0]).toMatchObject({ stepId: 'a', field: 'env.A' })
  })
})
