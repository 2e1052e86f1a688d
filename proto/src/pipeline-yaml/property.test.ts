// What holds for every pipeline file: nothing is lost on the way from graph to text and back.
import { readdirSync, readFileSync } from 'node:fs'
import { type PipelineGraph, PipelineGraphSchema, type StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { clone } from '@bufbuild/protobuf'
import * as fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { canonicalGraph } from '../canonical.ts'
import { someGraph, someText } from '../graph.arbitrary.ts'
import { parsePipeline, renderPipeline } from '../pipeline-yaml.ts'

const folder = new URL('../fixtures/', import.meta.url)
const fixtures = readdirSync(folder)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => ({ name, text: readFileSync(new URL(name, folder), 'utf8') }))

const read = (text: string) => canonicalGraph(parsePipeline(text).graph)

vi.setConfig({ testTimeout: 60_000 })

describe('graph → text → graph', () => {
  it('is the same graph', () => {
    fc.assert(
      fc.property(someGraph, (graph) => {
        expect(read(renderPipeline(graph))).toBe(canonicalGraph(graph))
      }),
      { numRuns: 200 },
    )
  })

  it('is the same graph when another one was in the text', () => {
    fc.assert(
      fc.property(someGraph, someGraph, (before, after) => {
        expect(read(renderPipeline(after, renderPipeline(before)))).toBe(canonicalGraph(after))
      }),
      { numRuns: 100 },
    )
  })
})

type Change = (graph: PipelineGraph, step: StepDefinition | undefined) => void

const changes: fc.Arbitrary<Change> = fc.oneof(
  someText.map(
    (name): Change =>
      (graph) =>
        Object.assign(graph, { name }),
  ),
  someText.map(
    (value): Change =>
      (graph) =>
        void graph.env.push({
          ...graph.env[0]!,
          name: free(
            'N',
            graph.env.map((pair) => pair.name),
          ),
          value,
        }),
  ),
  someText.map(
    (script): Change =>
      (_, step) =>
        step && Object.assign(step, { with: { ...step.with, script } }),
  ),
  fc.constantFrom(0, 90_000).map(
    (timeoutMs): Change =>
      (_, step) =>
        step && Object.assign(step, { timeoutMs }),
  ),
  fc.constantFrom('', 'always()').map(
    (when): Change =>
      (_, step) =>
        step && Object.assign(step, { when }),
  ),
  fc.constant<Change>((_, step) => step && Object.assign(step, { needs: step.needs.slice(1) })),
  fc.constant<Change>((graph, step) => {
    const other = graph.steps.find((each) => each !== step)
    if (step && other) step.needs = [...step.needs.filter((need) => need.stepId !== other.id), needOf(other.id)]
  }),
  fc.constant<Change>((graph) => void graph.steps.reverse()),
  fc.constant<Change>(
    (graph, step) => void Object.assign(graph, { steps: graph.steps.filter((each) => each !== step) }),
  ),
  fc.constant<Change>((_, step) => step && Object.assign(step, { id: `${step.id}x` })),
  fc.constant<Change>(
    (_, step) => step && Object.assign(step, { runsOn: ['linux', 'arm'], allowFailure: !step.allowFailure }),
  ),
  fc.constant<Change>((_, step) => step && Object.assign(step, { secrets: [], outputs: ['x'], env: [] })),
  fc.constant<Change>(
    (graph, step) =>
      step &&
      void graph.steps.push({
        ...step,
        id: free(
          'new',
          graph.steps.map((each) => each.id),
        ),
      }),
  ),
)

function free(word: string, taken: readonly string[]): string {
  return taken.includes(word) ? free(`${word}1`, taken) : word
}

function needOf(stepId: string): StepDefinition['needs'][number] {
  return parsePipeline(`name: x\nsteps:\n  a: { run: x, needs: ["${stepId}"] }\n`).graph.steps[0]!.needs[0]!
}

describe('fixtures', () => {
  it.each(fixtures)('$name stays byte for byte when nothing changes', ({ text }) => {
    const { graph } = parsePipeline(text)
    expect(renderPipeline(graph, text)).toBe(text)
    expect(read(renderPipeline(graph))).toBe(canonicalGraph(graph))
  })

  it.each(fixtures)('$name says what was changed, and keeps its comments', ({ text }) => {
    const comments = text.split('\n').filter((line) => line.trim().startsWith('#') && !/^ {6,}# /.test(line))
    fc.assert(
      fc.property(fc.array(fc.tuple(changes, fc.nat()), { minLength: 1, maxLength: 3 }), (all) => {
        const graph = clone(PipelineGraphSchema, parsePipeline(text).graph)
        let removed = false
        for (const [change, at] of all) {
          const steps = graph.steps.length
          change(graph, graph.steps[at % Math.max(1, graph.steps.length)])
          removed ||= graph.steps.length < steps
        }
        const result = renderPipeline(graph, text)
        expect(read(result)).toBe(canonicalGraph(graph))
        if (!removed) for (const comment of comments) expect(result).toContain(comment.trim())
      }),
      { numRuns: 60 },
    )
  })
})
