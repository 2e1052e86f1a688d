// What is wrong with templates is refused, once, where it stands.
import { Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { describe, expect, it } from 'vitest'
import { parsePipeline } from '../pipeline-yaml.ts'
import { build, file } from '../templates/example.ts'

const told = (yaml: string) =>
  parsePipeline(yaml).problems.map(({ severity, line, code, message }) => ({ severity, line, code, message }))
const errors = (yaml: string) => told(yaml).filter(({ severity }) => severity === Severity.ERROR)

describe('what is wrong with templates', () => {
  const use = (rest: string, more = '') => file(build, `  web: { uses: template${more}, with: ${rest} }`)
  const at = (code: string, line: number, text: string | RegExp) => ({
    code,
    line,
    message: text instanceof RegExp ? expect.stringMatching(text) : expect.stringContaining(text),
    severity: Severity.ERROR,
  })

  it.each([
    ['a template that is not there', use('{ template: biuld }'), at('template_unknown', 13, 'Did you mean "build"?')],
    [
      'one that an expression names',
      use('{ template: "${{ run.id }}" }'),
      at('template_computed', 13, 'write its name'),
    ],
    [
      'a parameter that is not there',
      use('{ template: build, params: { dir: a, nod: 1 } }'),
      at('template_param', 13, 'Did you mean "node"?'),
    ],
    ['one that is missing', use('{ template: build }'), at('template_value', 13, 'wants the parameter dir')],
    [
      'a field of one step',
      use('{ template: build, params: { dir: a } }', ', matrix: { a: [1] }'),
      at('template_field', 13, 'matrix'),
    ],
    ['a lock', use('{ template: build, params: { dir: a } }', ', locks: [a]'), at('template_field', 13, 'locks')],
    [
      'allowFailure',
      use('{ template: build, params: { dir: a } }', ', continueOnError: true'),
      at('template_field', 13, 'allowFailure'),
    ],
    [
      'a parameter outside',
      file(
        build,
        '  w: { uses: template, with: { template: build, params: { dir: a } } }\n  b: { run: "${{ params.dir }}" }',
      ),
      at('expression', 14, 'write inputs.dir'),
    ],
    [
      'its variable in its parameter',
      use('{ template: build, params: { dir: "${{ env.A }}" } }', ', env: { A: b }'),
      at('template_own_env', 13, 'A'),
    ],
    [
      'its status',
      file(
        build,
        '  w: { uses: template, with: { template: build, params: { dir: a } } }\n  b: { needs: [w], run: "${{ steps.w.status }}" }',
      ),
      at('unknown_reference', 14, 'stands for several steps'),
    ],
    [
      'an output that it has not',
      file(
        build,
        '  w: { uses: template, with: { template: build, params: { dir: a } } }\n  b: { needs: [w], run: "${{ steps.w.outputs.cover }}" }',
      ),
      at('unknown_output', 14, 'coverage'),
    ],
    [
      'its failure',
      file(
        build,
        '  w: { uses: template, with: { template: build, params: { dir: a } } }\n  b: { needs: [{ step: w, on: failure }], run: b }',
      ),
      at('template_failure', 14, 'when: failure()'),
    ],
    [
      'a step outside of it',
      file(
        '  t: { steps: { a: { run: "${{ steps.c.status }}" } } }',
        '  c: { run: c }\n  w: { uses: template, with: { template: t } }',
      ),
      at('unknown_reference', 3, 'c'),
    ],
    [
      'a need outside of it',
      file(
        '  t:\n    steps:\n      a: { needs: [c], run: a }',
        '  c: { run: c }\n  w: { uses: template, with: { template: t } }',
      ),
      at('unknown_need', 5, 'c'),
    ],
    [
      'its own parameter by another name',
      file(
        '  t:\n    params: { dir: {} }\n    steps:\n      a: { run: "${{ params.dri }}" }',
        '  w: { uses: template, with: { template: t } }',
      ),
      at('unknown_reference', 6, 'Did you mean "dir"?'),
    ],
    [
      'a parameter computed',
      file(
        '  t: { params: { dir: {} }, steps: { a: { run: "${{ params[inputs.a] }}" } } }',
        '  w: { uses: template, with: { template: t } }',
        'inputs: { a: {} }\n',
      ),
      at('unknown_reference', 4, 'by their names'),
    ],
    [
      'no steps',
      file('  t: { steps: {} }', '  w: { uses: template, with: { template: t } }'),
      at('template_empty', 3, 'no steps'),
    ],
    [
      'a circle',
      file(
        '  a: { steps: { x: { uses: template, with: { template: b } } } }\n  b: { steps: { x: { uses: template, with: { template: a } } } }',
        '  w: { uses: template, with: { template: a } }',
      ),
      at('template_cycle', 3, /a → b → a|b → a → b/),
    ],
    [
      'a wrong default',
      file(
        '  t: { params: { n: { type: number, default: x } }, steps: { a: { run: a } } }',
        '  w: { uses: template, with: { template: t } }',
      ),
      at('input_default', 3, 'default'),
    ],
    [
      'a wrong value',
      file(
        '  t: { params: { n: { type: number } }, steps: { a: { run: a } } }',
        '  w: { uses: template, with: { template: t, params: { n: x } } }',
      ),
      at('template_value', 5, 'number'),
    ],
    [
      'an unknown key',
      file('  t: { parameters: {}, steps: { a: { run: a } } }', '  w: { uses: template, with: { template: t } }'),
      at('unknown_key', 3, 'params'),
    ],
    [
      'an unknown key of a step',
      file('  t: { steps: { a: { run: a, needz: [] } } }', '  w: { uses: template, with: { template: t } }'),
      at('unknown_key', 3, 'needs'),
    ],
    [
      'a name',
      file('  A b: { steps: { a: { run: a } } }', '  w: { uses: template, with: { template: A b } }'),
      at('template_name', 3, 'small letters'),
    ],
    [
      'a condition that the inside does not hear',
      file(
        '  t: { steps: { a: { run: a }, b: { needs: [a], run: b, when: always() } } }',
        '  c: { run: c }\n  w: { uses: template, needs: [c], when: failure(), with: { template: t } }',
      ),
      at('template_when', 6, 'b'),
    ],
    [
      'a variable of another meaning',
      file(
        '  t: { params: { p: {} }, steps: { a: { run: "${{ params.p }}", env: { A: "1" } } } }',
        '  w: { uses: template, with: { template: t, params: { p: "${{ env.A }}" } } }',
        'env: { A: "2" }\n',
      ),
      at('template_inner_env', 4, 'w/a'),
    ],
    [
      'a value that does not fit where it goes',
      file(
        '  t: { params: { p: {} }, steps: { a: { run: a, workspace: "${{ params.p }}" } } }',
        '  w: { uses: template, with: { template: t, params: { p: "/x" } } }',
      ),
      at('workspace', 3, '/x'),
    ],
    [
      'a long key',
      file(
        `  t: { steps: { ${'a'.repeat(40)}: { run: a } } }`,
        `  ${'w'.repeat(40)}: { uses: template, with: { template: t } }`,
      ),
      at('template_key', 5, '64'),
    ],
  ])('is said once, where it stands: %s', (_, yaml, problem) => {
    expect(told(yaml).filter(({ severity }) => severity === Severity.ERROR)).toEqual([problem])
  })

  it('is said of too many, before they are written out, and of too deep ones', () => {
    const many = (name: string, of: string) =>
      `  ${name}: { steps: { ${Array.from({ length: 60 }, (_, i) => `s${i}: ${of}`).join(', ')} } }`
    const used = (name: string) => `{ uses: template, with: { template: ${name} } }`
    const wide = [many('a', '{ run: a }'), many('b', used('a')), many('c', used('b'))].join('\n')
    expect(errors(file(wide, `  w: ${used('c')}`))).toMatchObject([
      { code: 'limit', message: expect.stringContaining('216000 steps') },
    ])
    const deep = Array.from(
      { length: 6 },
      (_, i) => `  t${i}: { steps: { a: ${i === 0 ? '{ run: a }' : used(`t${i - 1}`)} } }`,
    )
    expect(errors(file(deep.join('\n'), `  w: ${used('t5')}`))).toMatchObject([
      { code: 'template_deep', message: expect.stringContaining('t5 → t4') },
    ])
    expect(errors(file(deep.slice(0, 5).join('\n'), `  w: ${used('t4')}`))).toEqual([])
  })

  it('is said of long ways by their ends', () => {
    const used = (to: number) => `{ uses: template, with: { template: ${'t'.repeat(40)}${to} } }`
    const chain = (last: string) =>
      Array.from({ length: 190 }, (_, i) => {
        return `  ${'t'.repeat(40)}${i}: { steps: { a: ${i === 189 ? last : used(i + 1)} } }`
      }).join('\n')
    const [deep] = errors(file(chain('{ run: a }'), `  w: ${used(0)}`))
    expect(deep).toMatchObject({ code: 'template_deep', message: expect.stringMatching(/t0 → .* → … → t+189\.$/) })
    const [circle] = errors(file(chain(used(0)), `  w: ${used(0)}`))
    expect(circle).toMatchObject({ code: 'template_cycle', message: expect.stringContaining(' → … → ') })
    for (const problem of [deep, circle]) expect(problem!.message.length).toBeLessThan(1000)
  })

  it('is said of needs and texts that templates multiply, before they are made', () => {
    const used = (name: string, more = '') => `{ uses: template, with: { template: ${name}${more} } }`
    const steps = (count: number, of: string) =>
      `{ ${Array.from({ length: count }, (_, i) => `s${i}: ${of}`).join(', ')} }`
    const wide = `  t: { steps: ${steps(500, '{ run: a }')} }`
    const between = `  a: ${used('t')}\n  b: { needs: [a], uses: template, with: { template: t } }`
    expect(errors(file(wide, between))).toMatchObject([{ code: 'limit', message: expect.stringContaining('200000') }])
    const deep = `  n: { steps: { a: ${used('t')}, b: { needs: [a], uses: template, with: { template: t } } } }\n${wide}`
    expect(errors(file(deep, `  w: ${used('n')}`))).toMatchObject([
      { code: 'limit', message: expect.stringContaining('200000') },
    ])
    const long = 'x'.repeat(20_000)
    const texts = `  t: { params: { p: {} }, steps: ${steps(900, '{ run: "${{ params.p }}" }')} }`
    expect(errors(file(texts, `  w: ${used('t', `, params: { p: ${long} }`)}`))).toMatchObject([
      { code: 'limit', message: expect.stringContaining('16 million') },
    ])
    const script = `  t: { steps: { a: { run: ${long} } } }`
    expect(
      errors(file(script, Array.from({ length: 900 }, (_, i) => `  w${i}: ${used('t')}`).join('\n'))),
    ).toMatchObject([{ code: 'limit', message: expect.stringContaining('16 million') }])
  })

  it('warns of one that nobody uses', () => {
    expect(told(file(build, '  a: { run: a }'))).toEqual([
      { severity: Severity.WARNING, line: 3, code: 'template_unused', message: expect.stringContaining('build') },
    ])
  })

  it('warns of labels that come together from templates, for agents that there are', () => {
    const yaml = file(
      '  t: { params: { l: {} }, steps: { a: { run: a, runsOn: ["${{ params.l }}"] } } }',
      '  w: { uses: template, with: { template: t, params: { l: mars } } }\n  v: { uses: template, with: { template: t, params: { l: mars } } }',
    )
    const { problems } = parsePipeline(yaml, [['linux']])
    expect(problems).toMatchObject([{ severity: Severity.WARNING, line: 3, message: expect.stringContaining('mars') }])
  })
})
