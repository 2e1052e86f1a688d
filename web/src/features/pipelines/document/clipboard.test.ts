// Steps as text between tabs.
import { copySteps, newDoc, pasteYaml, projectShape } from '@ansflow/proto/pipeline-doc'
import { parsePipeline } from '@ansflow/proto/pipeline-yaml'
import { describe, expect, it } from 'vitest'
import { layoutSteps } from '../graph/layout.ts'
import { clipboardKind, clipboardText } from './clipboard.ts'
import { textFaults } from './yaml-state.ts'

const file = `name: p
steps:
  a: { run: echo a }
  b: { run: echo b, needs: [a] }
`

describe('the clipboard', () => {
  it('tells files, scripts and other text apart', () => {
    expect(clipboardKind(file)).toBe('pipeline')
    expect(clipboardKind(clipboardText('name: x'))).toBe('pipeline')
    expect(clipboardKind('npm ci\nnpm test')).toBe('script')
    expect(clipboardKind('https://example.com/x')).toBe('nothing')
    expect(clipboardKind('  ')).toBe('nothing')
  })

  it('carries steps with the lines among them to another document', () => {
    const from = newDoc(parsePipeline(file).graph)
    const text = clipboardText(
      copySteps(
        from,
        projectShape(from).graph.steps.map((step) => step.nodeId),
      ),
    )
    const to = newDoc(parsePipeline(file).graph)
    const { nodeIds } = pasteYaml(to, text, { x: 0, y: 400 }, { user: 'u' })
    expect(nodeIds).toHaveLength(2)
    const steps = projectShape(to).graph.steps
    expect(steps.map((step) => [step.id, step.needs.map((need) => need.stepId)])).toEqual([
      ['a', []],
      ['b', ['a']],
      ['a-2', []],
      ['b-2', ['a-2']],
    ])
  })
})

describe('typing the file', () => {
  /** The lines of what keeps it from being the graph. */
  const faults = (text: string) => [...new Set(textFaults(parsePipeline(text)).map(({ line }) => line))]

  it('stops for what cannot be read, not for what is wrong in it', () => {
    expect(faults('name: p\nsteps:\n  a: { run: [ }\n')).toEqual([3])
    expect(faults('name: p\nsteps:\n  a: { rum: x }\n')).toEqual([3])
    expect(faults('name: p\nsteps:\n  A b: { run: x }\n')).toEqual([3])
    expect(faults('name: p\nsteps:\n  a: { run: x, when: inputs.nothing }\n')).toEqual([])
    expect(faults(file)).toEqual([])
  })
})

describe('tidying', () => {
  it('goes from left to right and answers only what moves', () => {
    const places = layoutSteps({
      steps: [
        { id: 'a', x: 0, y: 0 },
        { id: 'b', x: 20, y: 300 },
        { id: 'c', x: 40, y: 600 },
      ],
      edges: [
        { source: 'a', target: 'b' },
        { source: 'b', target: 'c' },
      ],
    })
    expect(places['a']).toBeUndefined()
    expect(places['b']).toEqual({ x: 240, y: 0 })
    expect(places['c']).toEqual({ x: 480, y: 0 })
  })
})
