import { OnLost, PipelineGraphSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { graphDiff } from './graph-diff.ts'
import { parsePipeline } from './pipeline-yaml.ts'

const file = `name: p
steps:
  a: { run: echo a }
  b: { run: echo b, needs: [a] }
`

describe('graphDiff', () => {
  it('names added, removed and changed steps with their fields', () => {
    const before = parsePipeline(file).graph
    const after = parsePipeline(`name: q
steps:
  b: { run: echo changed, timeout: 10m }
  c: { run: echo c }
`).graph
    const diff = graphDiff(before, after)
    expect(diff.added.map((step) => step.key)).toEqual(['c'])
    expect(diff.removed.map((step) => step.key)).toEqual(['a'])
    expect(diff.changed).toEqual([
      {
        key: 'b',
        title: 'b',
        fields: [
          { field: 'with.script', before: 'echo b', after: 'echo changed' },
          { field: 'needs', before: 'a', after: '' },
          { field: 'timeout', before: '', after: '10m' },
        ],
      },
    ])
    expect(diff.settings).toEqual([{ field: 'name', before: 'p', after: 'q' }])
    expect(diff.count).toBe(4)
  })

  it('tells what of a template changed', () => {
    const of = (run: string) =>
      parsePipeline(`name: p
templates: { t: { params: { dir: {} }, steps: { a: { run: ${run} }, b: { run: b } } } }
steps: { w: { uses: template, with: { template: t } } }
`).graph
    expect(graphDiff(of('a'), of('c'))).toMatchObject({
      changed: [],
      settings: [{ field: 'templates.t.steps.a.run', before: 'a', after: 'c' }],
    })
  })

  it('tells of when a pipeline starts', () => {
    const of = (on: string) => parsePipeline(file.replace('steps:', `on: ${on}\nsteps:`)).graph
    const diff = graphDiff(of('{ manual: true }'), of('{ schedule: "@daily", manual: false }'))
    expect(diff.settings).toEqual([
      { field: 'on.manual', before: '', after: 'false' },
      { field: 'on.schedule', before: '', after: '[{"cron":"@daily"}]' },
    ])
  })

  it('finds nothing between a pipeline and itself', () => {
    const { graph } = parsePipeline(file)
    expect(graphDiff(graph, create(PipelineGraphSchema, graph)).count).toBe(0)
  })

  it('says what stands in a list of a parameter', () => {
    const step = (value: object) =>
      create(PipelineGraphSchema, { steps: [{ id: 'a', uses: 'x', with: { of: value as never } }] })
    const [change] = graphDiff(step([{ b: 1 }]), step([{ b: [2] }])).changed
    expect(change?.fields).toEqual([{ field: 'with.of', before: '[{"b":1}]', after: '[{"b":[2]}]' }])
  })

  it('says times and choices as the file does', () => {
    const step = { id: 'a', uses: 'custom' }
    const before = create(PipelineGraphSchema, { name: 'p', timeoutMs: 3_600_000, steps: [step] })
    const after = create(PipelineGraphSchema, {
      name: 'p',
      steps: [{ ...step, timeoutMs: 90_000, onLost: OnLost.RETRY, retry: { max: 2, delayMs: 10_000 } }],
    })
    const diff = graphDiff(before, after)
    const said = (changes: typeof diff.settings) => changes.map(({ field, before, after }) => [field, before, after])
    expect(said(diff.settings)).toEqual([['timeout', '1h', '']])
    expect(said(diff.changed[0]?.fields ?? []).sort()).toEqual([
      ['onLost', '', 'retry'],
      ['retry.delay', '', '10s'],
      ['retry.max', '', '2'],
      ['timeout', '', '1m30s'],
    ])
  })

  it('names the part of an input that changed', () => {
    const at = (text: string) => parsePipeline(`name: p\ninputs:\n  notes: ${text}\nsteps: {}\n`).graph
    expect(graphDiff(at('{ type: string, default: a }'), at('{ type: string, default: b }')).settings).toEqual([
      { field: 'inputs.notes.default', before: 'a', after: 'b' },
    ])
    const turned = graphDiff(at('{ type: boolean, default: true }'), at('{ type: boolean, default: false }')).settings
    expect(turned).toEqual([{ field: 'inputs.notes.default', before: 'true', after: 'false' }])
  })
})
