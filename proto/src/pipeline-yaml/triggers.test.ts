import { RunResult } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { describe, expect, test } from 'vitest'
import { graphHash } from '../canonical.ts'
import { fitsBranch } from '../fields/run-triggers.ts'
import { parsePipeline, renderPipeline } from '../pipeline-yaml.ts'
import { givenInputs, takes } from '../triggers/trigger-inputs.ts'

const file = (on: string, more = '') => `name: x\non: ${on}\n${more}steps:\n  a: { run: "true" }\n`
const problems = (on: string, more = '') => parsePipeline(file(on, more)).problems.map(({ message }) => message)
const inputs = 'inputs: { n: { type: number }, s: { type: string } }\n'

describe('on: { run }', () => {
  test('is a name, or says results, branches and inputs', () => {
    const { graph, problems: none } = parsePipeline(
      file(
        '{ run: [build, { pipeline: shop/test, results: [failed, lost], branches: main, inputs: { s: "${{ outputs.v }}", n: 1 } }] }',
        inputs,
      ),
    )
    expect(none).toEqual([])
    expect(graph.triggers?.runs).toMatchObject([
      { pipeline: 'build', results: [], branches: [] },
      {
        pipeline: 'shop/test',
        results: [RunResult.FAILED, RunResult.LOST],
        branches: ['main'],
        inputs: { s: '${{ outputs.v }}', n: 1 },
      },
    ])
    const text = renderPipeline(graph)
    expect(parsePipeline(text).problems).toEqual([])
    expect(graphHash(parsePipeline(text).graph)).toBe(graphHash(graph))
  })

  test('is checked: results, inputs, and what its expressions read', () => {
    expect(problems('{ run: [{ results: failed }] }')[0]).toContain('pipeline: build')
    expect(problems('{ run: { pipeline: b, results: [faild] } }')[0]).toContain('Did you mean "failed"?')
    expect(problems('{ run: { pipeline: b, inputs: { m: 1 } } }', inputs)[0]).toContain('no input')
    expect(problems('{ run: { pipeline: b, inputs: { n: abc } } }', inputs)[0]).toContain('number')
    expect(problems('{ run: { pipeline: b, inputs: { s: "${{ steps.a.status }}" } } }', inputs)).toEqual([
      'steps is not known when a run starts by itself. There are: run, inputs, outputs, git.',
    ])
    expect(problems('{ run: { pipeline: b, inputs: { s: "${{ run.nmber }}" } } }', inputs)[0]).toContain('number')
  })

  test.each([
    [[], 'x', true],
    [['main'], 'main', true],
    [['main'], 'mainly', false],
    [['release/*'], 'release/1/2', true],
    [['release/*'], 'release', false],
    [['*-fix'], 'a-fix', true],
    [['a*b*c'], 'abc', true],
    [['a*b*c'], 'ac', false],
    [['ab*ba'], 'aba', false],
    [['*'], '', true],
  ])('branches %j: %s is %s', (branches, branch, fits) => expect(fitsBranch(branches, branch)).toBe(fits))
})

describe('on: { webhook }', () => {
  test('takes all, or says what it takes and makes of it', () => {
    for (const on of ['{ webhook: true }', '[webhook]', '{ webhook: {} }', 'webhook']) {
      const { graph, problems: none } = parsePipeline(file(on))
      expect([on, none, graph.triggers?.webhook?.filter]).toEqual([on, [], ''])
    }
    expect(parsePipeline(file('{ webhook: false }')).graph.triggers?.webhook).toBe(undefined)
    const on =
      '{ webhook: { filter: "${{ body.a == 1 }}", headers: [X-Kind], delivery: X-Id, signature: X-Sig, inputs: { s: "${{ headers[\'x-kind\'] }}" } } }'
    const { graph, problems: none } = parsePipeline(file(on, inputs))
    expect(none).toEqual([])
    expect(graph.triggers?.webhook).toMatchObject({
      filter: 'body.a == 1',
      headers: ['x-kind'],
      deliveryHeader: 'x-id',
      signatureHeader: 'x-sig',
    })
    const text = renderPipeline(graph)
    expect(graphHash(parsePipeline(text).graph)).toBe(graphHash(graph))
  })

  test('is checked: expressions, inputs, headers', () => {
    expect(problems('{ webhook: { filter: "body.a ==" } }')).toHaveLength(1)
    expect(problems('{ webhook: { filter: "inputs.a == 1" } }')[0]).toContain('There are: body, headers.')
    expect(problems(`{ webhook: { filter: "headers['x-a'] == 'b'" } }`)[0]).toContain('is not named in headers')
    expect(problems('{ webhook: { headers: [authorization] } }')[0]).toContain('nobody should see')
    expect(problems('{ webhook: { headers: ["a b"] } }')[0]).toContain('no name of a header')
    expect(problems('{ webhook: { inputs: { x: "${{ body }}" } } }')[0]).toContain('no input')
  })

  test('what it reads is for `on` alone', () => {
    const text = 'name: x\nsteps:\n  a: { run: "echo ${{ body.ref }}" }\n'
    expect(parsePipeline(text).problems.map(({ message }) => message)).toEqual([
      'body is for `on` alone: hand it on as an input.',
    ])
  })

  test('its filter and inputs are evaluated over what came', () => {
    const event = { body: { ref: 'main', list: [1, 2], nested: { on: true } }, headers: { 'x-kind': 'push' } }
    expect(takes('', event)).toBe(true)
    expect(takes('body.ref == "main" && headers["x-kind"] == "push"', event)).toBe(true)
    expect(takes('size(body.list) > 2', event)).toBe(false)
    expect(() => takes('body.gone == 1', event)).toThrow('body.gone')
    const given = givenInputs(
      { a: '${{ body.list }}', b: 'to ${{ body.ref }}', c: 3, d: '${{ body.nested.on }}' },
      event,
    )
    expect(given).toEqual({ a: [1, 2], b: 'to main', c: 3, d: true })
  })
})

test('what other systems call them is known', () => {
  expect(problems('{ workflow_run: {} }')[0]).toContain('Did you mean "run"?')
  expect(problems('repository_dispatch')[0]).toContain('Did you mean "webhook"?')
})

test('on: { api: false } is said and kept; true is the usual', () => {
  const { graph } = parsePipeline(file('{ api: false }'))
  expect(graph.triggers).toMatchObject({ manual: true, api: false })
  expect(renderPipeline(graph)).toContain('api: false')
  expect(graphHash(graph)).not.toBe(graphHash(parsePipeline(file('{ manual: true }')).graph))
  expect(graphHash(parsePipeline(file('{ api: true }')).graph)).toBe(graphHash(parsePipeline(file('[manual]')).graph))
})

test('outputs read all steps, at the end', () => {
  const text = (value: string) => `name: x\noutputs: { v: "${value}" }\nsteps:\n  a: { run: x, outputs: [o] }\n`
  expect(parsePipeline(text('${{ steps.a.outputs.o }}-${{ run.number }}')).problems).toEqual([])
  expect(parsePipeline(text('${{ steps.b.outputs.o }}')).problems).toHaveLength(1)
  expect(parsePipeline(text('${{ matrix.a }}')).problems).toHaveLength(1)
})
