// Whatever is said of a pipeline is said in both languages.
import { Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { someGraph } from '../graph.arbitrary.ts'
import { parsePipeline } from '../pipeline-yaml.ts'
import { problemText } from '../problem-text.ts'
import { validateGraph } from '../validate.ts'
import { problemTexts } from './problem-table.ts'
import { problemSentence, saidText } from './said-text.ts'
import { type ProblemCode, say } from './say.ts'
import { plain } from './template.ts'

const codes = Object.keys(problemTexts) as ProblemCode[]
const languages = ['en', 'zh-CN'] as const
const each = codes.flatMap((code) => languages.map((language) => [code, language] as const))
const nameOf = (param: string) => param.replace('?', '')

/** Three words of English in a row, outside of what was quoted from the file. */
const english = /[A-Za-z]{2,} [a-z]+ [a-z]+/
const unquoted = (text: string) => text.replaceAll(/`[^`]*`|"[^"]*"|“[^”]*”/g, '')

describe('the table of problems', () => {
  it.each(each)('%s says its parameters and no others (%s)', (code, language) => {
    const { params, [language]: text } = problemTexts[code]
    const said = new Set([...text.matchAll(/\{(\w+)/g)].map(([, name]) => name))
    // What one language says of a parameter the other may leave out, but not make up.
    for (const name of said) expect(params.map(nameOf)).toContain(name)
    if (language === 'en')
      expect([...said].sort()).toEqual(
        [...new Set(params.map(nameOf))].filter((name) => name !== 'type' || said.has(name)).sort(),
      )
  })

  it.each(each)('%s is a sentence with what it must say alone, and with all (%s)', (code, language) => {
    const { params } = problemTexts[code] as { params: readonly string[] }
    const required = params.filter((param) => !param.endsWith('?'))
    for (const given of [required, params]) {
      const values = Object.fromEntries(given.map((param) => [nameOf(param), nameOf(param).toUpperCase()]))
      const text = problemSentence(
        code,
        { ...values, ...(values.problem && { problem: 'wait_both' }) },
        language,
        plain,
      )
      expect(text).toMatch(/^\S.*\S$/)
      expect(text).not.toMatch(/undefined|\s{2}/)
      expect(text).toMatch(language === 'en' ? /[.?)]$/ : /[。？）]$/)
      if (language === 'zh-CN') {
        expect(text).toMatch(/\p{Script=Han}/u)
        expect(unquoted(text ?? '')).not.toMatch(english)
        expect(unquoted(text ?? '')).not.toMatch(/\p{Script=Han}[A-Za-z0-9]|[A-Za-z0-9]\p{Script=Han}/u)
      }
    }
  })

  it('keeps Chinese and what only a parameter brings apart', () => {
    expect(saidText(say('env_reserved', { name: 'TMPDIR', by: 'agent' }), 'zh-CN')).toBe(
      'TMPDIR 由 AnsFlow 自行设置。请换一个名称。',
    )
  })
})

describe('a sentence inside of another one', () => {
  it('keeps its parameters, however deep it stands', () => {
    const inner = say('expression_root', { name: 'foo', near: 'env' })
    const said = say('in_expression', { problem: inner, source: 'foo.x' })
    expect(saidText(said)).toBe(
      `There is no "foo" in expressions. Did you mean "env"? Text needs quotes: 'foo'. In \`foo.x\`.`,
    )
    const outer = say('input_default', { problem: say('evaluate_compile', { source: '`x`', problem: inner }) })
    expect(saidText(outer)).toContain('The default does not fit the input. `x`: There is no "foo"')
    expect(saidText(outer, 'zh-CN')).toContain('默认值与参数不符。`x`：表达式中没有“foo”')
  })

  it('does not read what a parameter holds as a text', () => {
    expect(saidText(say('unknown_input', { name: '{name} [a|b]' }))).toBe('The pipeline has no input {name} [a|b].')
  })
})

describe('problems in Chinese', () => {
  const files = [
    '',
    '[]',
    'steps: []',
    'name: x\nsteps: { a: hello }',
    'name: x\nsteps: { a: { run: 5, uses: wait, image: x, foo: 1, if: x } }',
    'name: x\nsteps:\n\ta: 1',
    'name: x\nnmae: y\nsteps: { a: { run: x, timeout: soon, retry: { delay: 1s, on: [tomorrow] }, needs: [{ on: x }] } }',
    'name: x\ninputs: { n: { type: number, default: "3" }, c: { type: chioce } }\nsteps: { a: { run: "${{ inputs.m }}" } }',
    'name: x\nenv: { 1a: x, PATH: "/a:$PATH" }\nsteps: { a: { uses: http_request, with: { url: ftp://x, method: GOT, retries: 99 } } }',
    'name: x\nsteps: { a: { uses: wait, env: { A: b }, secrets: [S], retry: 2, with: { until: 2030-01-01T09:00:00 } } }',
    'name: x\nsteps: { a: { uses: fetch_code, with: { url: "-x", ref: "a..b", path: /x } }, b: { uses: helm }, c: { uses: tset } }',
    'name: x\nsteps: { a: { run: x, when: "steps.b-c.status == 1" }, b-c: { run: x, when: "steps.a.outputs.x ==" } }',
    'name: x\non: { push: null, psuh: null }\nsteps: { a: { run: "!x", allowFailure: yes, runsOn: ["a b"], outputs: [a-b] } }',
  ]
  const chinese = (problem: Parameters<typeof problemText>[0]) => problemText(problem, 'zh-CN')

  it.each(files)('of %j hold no English sentence', (file) => {
    const { problems } = parsePipeline(file)
    expect(problems.length).toBeGreaterThan(0)
    for (const problem of problems) {
      expect(problemText(problem, 'en')).toBe(problem.message)
      expect(chinese(problem)).toMatch(/\p{Script=Han}/u)
      expect(unquoted(chinese(problem))).not.toMatch(english)
    }
  })

  it('of any graph hold no English sentence', () => {
    fc.assert(
      fc.property(someGraph, (graph) => {
        for (const problem of validateGraph(graph, [])) {
          expect(problemText(problem, 'en')).toBe(problem.message)
          expect(chinese(problem)).toMatch(/\p{Script=Han}/u)
          expect([Severity.ERROR, Severity.WARNING]).toContain(problem.severity)
        }
      }),
    )
  })

  it('name a parameter as the form does', () => {
    const [missing] = parsePipeline('name: x\nsteps: { a: { uses: http_request, with: {} } }').problems
    expect(missing?.message).toBe('Address (url) is missing. For example: `https://api.example.com/deployments`.')
    expect(chinese(missing!)).toBe('缺少地址（url）。例如：`https://api.example.com/deployments`。')
  })

  it('of a newer controller are said in its words', () => {
    expect(chinese({ code: 'moon', params: {}, message: 'The moon is full.' })).toBe('The moon is full.')
  })
})
