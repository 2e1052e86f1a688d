// What YAML would drop, change or read as something else in silence: refused at its place.
import type { Problem } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { describe, expect, it } from 'vitest'
import { parsePipeline } from '../pipeline-yaml.ts'

const problemsOf = (text: string): Problem[] => parsePipeline(text).problems
const found = (text: string) => problemsOf(text).map((p) => `${p.line}:${p.column} ${p.code} ${p.stepId}/${p.field}`)
const sentence = (text: string) => problemsOf(text).map((p) => p.message)

function step(body: string): string {
  return `name: x\nsteps:\n  first:\n    run: "true"\n  second:\n${body.replace(/^/gm, '    ')}\n`
}

describe('parsePipeline', () => {
  it.each([
    ['when: ! inputs.skip\nrun: x', '6:11 yaml /', '"! inputs.skip"'],
    ['when: !inputs.skip\nrun: x', '6:11 yaml /', '"!inputs.skip"'],
    ['needs: [{ step: first, if: ! inputs.skip }]\nrun: x', '6:32 yaml /', '! inputs.skip'],
    ['run: ! test -f x', '6:10 yaml /', '"! test -f x"'],
    ['run: ! test "$a" = 1', '6:10 yaml /', `'! test "$a" = 1'`],
    ['run: !!str true', '6:10 yaml /', '!!str'],
    ['run: !!binary aGk=', '6:10 yaml /', '!!binary'],
    ['run: !<tag:x> y', '6:10 yaml /', '!<tag:x>'],
    ['run: ! |\n  x', '6:10 yaml /', '!'],
    ['run: &a ! x', '6:13 yaml /', '! x'],
    ['! run: x', '6:5 yaml /', '! run: x'],
    ['? !a run\n: x', '6:7 yaml /', '!a'],
    ['env: !m { A: b }\nrun: x', '6:10 yaml /', '!m'],
    ['env: { A: !x }\nrun: x', '6:15 yaml /', '!x'],
    ['needs: !s [first]\nrun: x', '6:12 yaml /', '!s'],
  ])('drops no tag in silence: %s', (body, place, words) => {
    const text = step(body)
    expect(found(text)).toEqual([place])
    expect(sentence(text)[0]).toContain('quotes')
    expect(sentence(text)[0]).toContain(words)
  })

  it.each([
    ['%TAG ! tag:x\n---\nname: x', '1:1 yaml /'],
    ['%YAML 1.1\n---\nname: x', '1:1 yaml /'],
    ['name: x\nsteps: { a: { run: x } }\n---\nname: y\n', '3:1 yaml /'],
    ['name: x\nsteps: { ? [a, b] : { run: x } }', '2:12 type /steps'],
  ])('carries nothing out that is written in other ways of YAML: %j', (text, place) => {
    expect(found(text)).toContain(place)
  })

  it.each([
    ['\u00a0run: x', 'U+00A0'],
    ['run\u200b: x', 'U+200B'],
    ['\ufeffrun: x', 'U+FEFF'],
    ['\u201crun\u201d: x', 'U+201C'],
    ['run\uff1a x', 'U+FF1A'],
    ['run: x\nenv: { A\u00a0B: x }', 'U+00A0'],
    ['run: x\ntimeout\u3000: 1m', 'U+3000'],
  ])('names the character that only looks like a plain one: %j', (body, code) => {
    expect(sentence(step(body)).join('\n')).toContain(code)
  })

  it('says that an expression between braces needs quotes', () => {
    for (const text of [
      '{ when: ${{ inputs.a }}, run: x }',
      '{ run: echo ${{ inputs.a }} }',
      '{ run: x, needs: [${{ a }}] }',
    ]) {
      expect(sentence(`name: x\nsteps:\n  a: ${text}`)).toEqual([expect.stringContaining('needs quotes')])
    }
  })

  it.each([
    '9007199254740993',
    '-9007199254740993',
    '123456789012345678901234567890',
    '0.1000000000000000055',
    '1e400',
    '1e-400',
    '.inf',
    '.nan',
    '-0',
    '0x1F',
    '0o17',
    '010',
  ])('refuses the number %s, which would become another', (number) => {
    const input = `name: x\ninputs: { n: { type: number, default: ${number} } }\nsteps: { a: { run: x } }`
    expect(found(input)).toEqual(['2:39 number /inputs.n.default'])
    expect(found(step(`uses: fetch_code\nwith: { url: /a, depth: ${number} }`)).join()).toContain(
      'number second/with.depth',
    )
    expect(found(input.replace('number,', 'string,'))).toEqual([])
  })

  it.each(['0', '10', '-1.50', '1e3', '0.1', '9007199254740991'])('keeps the number %s', (number) => {
    const { graph, problems } = parsePipeline(
      `name: x\ninputs: { n: { type: number, default: ${number} } }\nsteps: { a: { run: x } }`,
    )
    expect(problems).toEqual([])
    expect(graph.inputs[0]?.defaultValue?.kind.value).toBe(Number(number))
  })

  it.each(['"\\ud83d"', '"\\ude00x"', '"a\\0b"', '"\\x00"'])('refuses the text %s, which cannot be stored', (text) => {
    expect(found(`name: x\nsteps: { a: { run: x, env: { A: ${text} } } }`)).toContain('2:33 characters /')
    expect(found(`name: ${text}\nsteps: { a: { run: x } }`)).toContain('1:7 characters /')
    expect(found(`name: x\nsteps: { a: { uses: custom, with: { ${text}: x, script: x } } }`)).toContain(
      '2:37 characters /',
    )
  })
})
