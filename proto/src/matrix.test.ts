// The copies that a matrix makes, as people know them.
import type { PipelineGraph } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { describe, expect, it } from 'vitest'
import { canonicalGraph, graphHash } from './canonical.ts'
import { evaluate, interpolateValue } from './expression.ts'
import { copyName, expandMatrix, knownCopies, type MatrixValues } from './matrix.ts'
import { parsePipeline, renderPipeline } from './pipeline-yaml.ts'
import { validateGraph } from './validate.ts'

const context = {
  inputs: { nodes: '[20, 22]' },
  env: {},
  git: {},
  run: {},
  steps: {},
  needs: { success: true, failure: false, canceled: false },
}
const parse = (matrix: string, more = 'run: x') =>
  parsePipeline(`name: x\nsteps: { a: { ${more}, matrix: ${matrix} } }\n`)
const matrixOf = (text: string) => parse(text).graph.steps[0]!.matrix!
const copies = (text: string) =>
  expandMatrix(matrixOf(text), (each) => interpolateValue(each, context)).map((values: MatrixValues) =>
    Object.entries(values)
      .map(([name, value]) => `${name}=${value}`)
      .join(' '),
  )
const problems = (matrix: string, more?: string) => parse(matrix, more).problems.map(({ message }) => message)

describe('expandMatrix', () => {
  it.each([
    ['{ a: [1, 2], b: [x, y] }', ['a=1 b=x', 'a=1 b=y', 'a=2 b=x', 'a=2 b=y']],
    ['{ a: [1, 2], b: [x, y], exclude: [{ a: 1, b: x }, { b: y, a: 2 }] }', ['a=1 b=y', 'a=2 b=x']],
    ['{ a: [1, 2], b: [x], exclude: [{ a: 1 }] }', ['a=2 b=x']],
    // A value is what it is: "1" is not 1.
    ['{ a: [1, 2], exclude: [{ a: "1" }] }', ['a=1', 'a=2']],
    ['{ include: [{ a: 1 }, { a: 2, b: x }] }', ['a=1', 'a=2 b=x']],
    // Added to what it agrees with; to all, when it names no axis; else one of its own.
    [
      '{ fruit: [apple, pear], animal: [cat, dog], include: [{ color: green }, { color: pink, animal: cat }, { fruit: apple, shape: circle }, { fruit: banana }, { fruit: banana, animal: cat }] }',
      [
        'fruit=apple animal=cat color=pink shape=circle',
        'fruit=apple animal=dog color=green shape=circle',
        'fruit=pear animal=cat color=pink',
        'fruit=pear animal=dog color=green',
        'fruit=banana',
        'fruit=banana animal=cat',
      ],
    ],
    // What was left out can be brought back.
    ['{ a: [1, 2], exclude: [{ a: 1 }], include: [{ a: 1, b: x }] }', ['a=2', 'a=1 b=x']],
    ['{ a: "${{ fromJSON(inputs.nodes) }}" }', ['a=20', 'a=22']],
    ['{ a: ["${{ size(inputs.nodes) }}", "v${{ 1 }}"] }', ['a=8', 'a=v1']],
    [`{ include: "\${{ fromJSON('[{\\"a\\": true}, {\\"a\\": 1.5}]') }}" }`, ['a=true', 'a=1.5']],
    ['{ a: "${{ [] }}" }', []],
  ])('%s', (text, expected) => {
    expect(copies(text)).toEqual(expected)
  })

  it.each([
    ['{ a: "${{ inputs.nodes }}" }', 'a must be a list, not "[20, 22]"'],
    ['{ a: "${{ [[1]] }}" }', 'The values of a must be text, numbers, true or false'],
    ['{ include: "${{ [1] }}" }', 'The entries of include must be maps of values, not 1.'],
    ['{ a: "${{ fromJSON(\'{\') }}" }', 'fromJSON() cannot read "{"'],
    [`{ a: [${'1,'.repeat(40)}], b: [${'1,'.repeat(40)}] }`, 'The matrix has 1600 copies; 1000 are possible.'],
    [`{ a: [${'1,'.repeat(999)}], b: [${'1,'.repeat(999)}] }`, 'The matrix has 998001 copies; 1000 are possible.'],
    [`{ a: [${'1,'.repeat(1000)}], include: [{ b: ${'x'.repeat(900)} }] }`, 'longer than 256 KiB'],
  ])('%s is refused', (text, message) => {
    expect(() => copies(text)).toThrow(message)
  })

  it('names copies by their values', () => {
    expect(copyName('test', { node: 22, os: 'a', slow: true })).toBe('test (22, a, true)')
    expect(copyName('test', { v: 'x'.repeat(200) })).toHaveLength(128)
  })
})

describe('fromJSON', () => {
  it('reads numbers, texts and maps, and nothing too deep', () => {
    expect(evaluate('fromJSON(\'{"a": [1, "b", null]}\').a', context)).toEqual([1, 'b', null])
    expect(() => evaluate(`fromJSON("${'['.repeat(1000)}${']'.repeat(1000)}")`, context)).toThrow('nested too deeply')
  })
})

describe('a matrix in the file', () => {
  it('is read, written and read again', () => {
    const text = `name: x
steps:
  test:
    run: npm test
    # Which ones we support.
    matrix:
      node: [20, 22] # LTS
      os: \${{ fromJSON(inputs.systems) }}
      exclude:
        - { node: 20 }
      maxParallel: 2
      failFast: false
inputs: { systems: { default: "[]" } }
`
    const { graph, problems: found } = parsePipeline(text)
    expect(found).toEqual([])
    expect(renderPipeline(graph, text)).toBe(text)
    const written = renderPipeline(graph)
    expect(canonicalGraph(parsePipeline(written).graph)).toBe(canonicalGraph(graph))
    const changed: PipelineGraph = {
      ...graph,
      steps: graph.steps.map((step) => ({ ...step, matrix: { ...step.matrix!, maxParallel: 3 } })),
    }
    expect(renderPipeline(changed, text)).toBe(text.replace('maxParallel: 2', 'maxParallel: 3'))
  })

  it('does not change the hash of what has none, and says the default in the hash of what has one', () => {
    const hash = (matrix: string) => graphHash(parse(matrix).graph)
    expect(hash('{ a: [1] }')).toBe(hash('{ a: [1], failFast: true }'))
    expect(hash('{ a: [1] }')).not.toBe(hash('{ a: [1], failFast: false }'))
    expect(canonicalGraph(parsePipeline('name: x\nsteps: { a: { run: x } }\n').graph)).not.toContain('matrix')
  })

  it.each([
    ['{}', 'The matrix has neither an axis nor include. Write one, such as node: [20, 22].'],
    ['{ a: [] }', 'The axis a has no values, so there would be no copies.'],
    ['{ a: x }', 'a must be a list, or one ${{ }} that gives a list, not the text "x".'],
    ['{ a: [[1]] }', 'The values of a must be text, numbers, true or false, not a list.'],
    ['{ a-b: [1] }', '"a-b" cannot be the name of an axis: use letters, digits and _, not beginning with a digit.'],
    ['{ a: [1], fail-fast: false }', 'matrix has no key fail-fast. Here it is called failFast.'],
    [
      '{ a: [1], maxParallel: 0 }',
      'maxParallel must be a whole number from 1 to 1000. Without it, all copies run at once.',
    ],
    ['{ a: [1], exclude: [{ b: 1 }] }', 'exclude names "b", which is no axis.'],
    ['{ a: [1], exclude: [{ a: 1 }] }', 'exclude leaves no combination, so the step is skipped.'],
    [
      '{ a: "x${{ run.id }}" }',
      'A list comes of one ${{ }} with nothing around it, such as ${{ fromJSON(steps.plan.outputs.list) }}.',
    ],
    ['"${{ fromJSON(inputs.m) }}"', 'matrix is a map of axes.'],
    [`{ a: [${'1,'.repeat(600)}], b: [1, 2] }`, 'The matrix has 1200 copies; 1000 are possible.'],
    ['{ a: "${{ matrix.b }}", b: [1] }', 'matrix is there in steps with a matrix only, and not in the matrix itself.'],
  ])('%s is a problem', (text, message) => {
    expect(problems(text)[0]).toContain(message)
  })

  it('says where expressions may read it, and what it holds', () => {
    expect(problems('{ os: [a] }', 'run: "${{ matrix.oss }}"')).toEqual([
      'The matrix of this step has no "oss". Did you mean "os"?',
    ])
    expect(problems('{ include: "${{ [] }}" }', 'run: "${{ matrix.any }}"')).toEqual([])
    const [outside] = parsePipeline('name: x\nsteps: { a: { run: "${{ matrix.os }}" } }\n').problems
    expect(outside?.message).toContain('matrix is there in steps with a matrix only')
    const everywhere =
      'name: "on ${{ matrix.os }}", runsOn: ["${{ matrix.os }}"], workspace: "w-${{ matrix.os }}", timeout: "${{ matrix.os }}m", when: matrix.os == "5", env: { A: "${{ matrix.os }}" }, run: x'
    expect(problems('{ os: [5] }', everywhere)).toEqual([])
  })

  it('warns of copies that ask for labels of their own in one workspace', () => {
    expect(problems('{ os: [a, b] }', 'run: x, runsOn: ["${{ matrix.os }}"]')[0]).toContain(
      'share the workspace shared',
    )
    expect(problems('{ os: [a, b] }', 'run: x, runsOn: ["${{ matrix.os }}"], workspace: isolated')).toEqual([])
  })

  it('may have 10,000 copies in all', () => {
    const step = (id: number) => `s${id}: { run: x, matrix: { a: [${'1,'.repeat(1000)}] } }`
    const of = (count: number) =>
      parsePipeline(`name: x\nsteps: { ${Array.from({ length: count }, (_, id) => step(id)).join(', ')} }\n`)
    expect(validateGraph(of(10).graph)).toEqual([])
    expect(validateGraph(of(11).graph)[0]?.message).toContain('11000 copies together; 10000 are possible')
    expect(knownCopies(of(1).graph.steps[0]!.matrix!)).toHaveLength(1000)
  })

  it('is looked at within limits, however many of them there are', () => {
    const values = JSON.stringify(Array.from({ length: 31 }, (_, value) => value))
    const { graph } = parse(`{ a: ${values}, b: ${values}, exclude: [{ a: 1 }] }`)
    const [step] = graph.steps
    const steps = Array.from({ length: 1500 }, (_, id) => ({ ...step!, id: `s${id}` }))
    const [found] = validateGraph({ ...graph, steps })
    expect(found?.code).toBe('limit')
    expect(Number(found?.params.count)).toBeLessThan(20_000)
  })
})
