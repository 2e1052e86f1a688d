// Names that every object of JavaScript has are names like others; the one that no object can hold is refused with that reason.

import { PipelineGraphSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { toJson } from '@bufbuild/protobuf'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { compileExpression, evaluate } from './expression.ts'
import { resolveInputs } from './inputs.ts'
import { newDoc, projectShape } from './pipeline-doc.ts'
import { parsePipeline, renderPipeline } from './pipeline-yaml.ts'
import { stepType, validateParams } from './steps/index.ts'

const file = (key: string, inMap = key) => `name: x
inputs: { ${key}: { type: string, default: a } }
env: { ${key}: v }
steps:
  ask:
    uses: http_request
    with: { url: "https://x", headers: { ${inMap}: v }, outputs: { ${inMap}: /id } }
  b:
    run: echo \${{ inputs.${key} }} \${{ env.${key} }} \${{ steps.ask.outputs.${inMap} }}
    needs: [ask]
    env: { ${key}: w }
    outputs: [${key}]
    secrets: [S_${key}]
`

it.each(['constructor', 'toString', 'valueOf', 'hasOwnProperty', 'isPrototypeOf', '__defineGetter__'])(
  '%s names inputs, variables, headers and outputs, in the file and in the live document',
  (key) => {
    const text = file(key, key === 'constructor' ? 'id' : key)
    const { graph, problems } = parsePipeline(text)
    expect(problems).toEqual([])
    const doc = newDoc(graph, text)
    const other = new Y.Doc()
    Y.applyUpdate(other, Y.encodeStateAsUpdate(doc))
    const read = projectShape(other).graph
    const plain = (of: typeof graph) =>
      (toJson(PipelineGraphSchema, of) as { steps: object[] }).steps.map((step) => ({
        ...step,
        nodeId: '',
        position: {},
      }))
    expect(plain(read)).toEqual(plain(graph))
    expect(renderPipeline(read, text)).toBe(text)
    expect(resolveInputs(graph.inputs, { [key]: 'given' }).values).toEqual({ [key]: 'given' })
    const context = { inputs: { [key]: 'given' }, env: {}, git: {}, run: {}, steps: {} }
    const needs = { success: true, failure: false, canceled: false }
    expect(evaluate(compileExpression(`inputs.${key}`).expression!, { ...context, needs })).toBe('given')
  },
)

it.each(['constructor', 'toString', '__proto__'])(
  '%s is no parameter, no key, no type and no word of a list',
  (key) => {
    const { problems } = parsePipeline(`name: x
steps:
  a: { uses: custom, with: { script: x, ${key}: 1 } }
  b: { run: x, ${key}: 1 }
  c: { uses: ${key} }
  d: { run: x, retry: { max: 1, on: [${key}] }, onLost: ${key} }
`)
    const said = problems.map(({ stepId, message }) => `${stepId}: ${message}`).join('\n')
    if (key !== '__proto__') {
      expect(said).toContain(`a: custom has no parameter "${key}".`)
      expect(said).toContain(`b: A step has no key "${key}".`)
    }
    expect(said).toContain(`c: There is no step type "${key}".`)
    expect(said).toContain(`d: "${key}" is nothing to retry on.`)
    expect(said).toContain('d: onLost must be one of fail, retry')
  },
)

it('constructor is refused in a map that the document holds in one piece, with that reason', () => {
  const { problems, unread } = parsePipeline(file('constructor'))
  expect(unread.map(({ stepId, field, message }) => `${stepId}/${field} ${message.slice(0, 36)}`)).toEqual([
    'ask/with.headers.constructor constructor cannot be a name here: p',
    'ask/with.outputs.constructor constructor cannot be a name here: p',
  ])
  expect(problems.filter(({ code }) => code === 'param')).toEqual([])
  const said = validateParams(stepType('http_request')!, { url: 'https://x', headers: { constructor: 'a' } })
  expect(said.map(({ field, said: { code } }) => `${field} ${code}`)).toEqual(['headers name_proto'])
})

it('__proto__ is refused wherever it names something, with that reason', () => {
  const { problems } = parsePipeline(file('__proto__'))
  const named = problems.filter(({ message }) => message.startsWith('__proto__ cannot be a name'))
  expect(named.map(({ stepId, field }) => `${stepId}/${field}`).sort()).toEqual([
    '/env.__proto__',
    '/inputs.__proto__',
    'ask/with.headers.__proto__',
    'ask/with.outputs.__proto__',
    'b/env.__proto__',
    'b/outputs',
  ])
})
