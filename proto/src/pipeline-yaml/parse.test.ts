// The pipeline file: what is reported where, and which lines a change touches.
import { type PipelineGraph, type Problem, Severity, type StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { describe, expect, it } from 'vitest'
import { canonicalGraph } from '../canonical.ts'
import { parsePipeline, renderPipeline } from '../pipeline-yaml.ts'
import { validateGraph } from '../validate.ts'

const problemsOf = (text: string): Problem[] => parsePipeline(text).problems
const found = (text: string) => problemsOf(text).map((p) => `${p.line}:${p.column} ${p.code} ${p.stepId}/${p.field}`)
const sentence = (text: string) => problemsOf(text).map((p) => p.message)
/** Errors that nobody hears of who has the graph and what could not be read. */
function untold(text: string): string[] {
  const { graph, problems, unread } = parsePipeline(text)
  const place = (p: Problem) => `${p.code} ${p.stepId}/${p.field}`
  const told = new Set([...unread, ...validateGraph(graph)].map(place))
  return problems.filter((p) => p.severity === Severity.ERROR && !told.has(place(p))).map(place)
}

function step(body: string): string {
  return `name: x\nsteps:\n  first:\n    run: "true"\n  second:\n${body.replace(/^/gm, '    ')}\n`
}

describe('parsePipeline', () => {
  it('says what is wrong with a line once', () => {
    const text = 'name: x\nsteps:\n  a: { run: x }\ntags: [: {\n    needs: [b]\n  b: { run: x }\n'
    expect(problemsOf(text).map((p) => `${p.line} ${p.message}`)).toEqual([
      '6 This is not valid YAML: Missing , between flow map items.',
      '7 The indentation does not fit the lines above.',
    ])
  })

  it('reads every key', () => {
    const { graph, problems } = parsePipeline(`
name: all
description: d
inputs: { n: { type: number, default: 2, required: true, description: how many } }
env: { A: 1.10, B: true, C: }
timeout: 1h30m
steps:
  a:
    name: The first
    run: make
    shell: bash
    with: { workingDirectory: sub }
    retry: { max: 2, delay: 500ms, backoff: 2, on: lost }
    timeout: 90
    allowFailure: true
    runsOn: linux
    workspace: isolated
    env: { X: y }
    secrets: [S]
    outputs: [o]
    onLost: retry
    disabled: true
  b: { uses: fetch_code, with: { url: /srv/a.git, ref: 1.10 }, needs: [{ step: a, on: failure, if: "\${{ inputs.n > 1 }}" }], when: "\${{ failure() }}" }
`)
    expect(problems).toEqual([])
    const [a, b] = graph.steps as [StepDefinition, StepDefinition]
    expect(graph.env.map((pair) => pair.value)).toEqual(['1.10', 'true', ''])
    expect(graph.timeoutMs).toBe(5_400_000)
    expect(a).toMatchObject({
      name: 'The first',
      uses: 'custom',
      with: { script: 'make', shell: 'bash', workingDirectory: 'sub' },
      retry: { max: 2, delayMs: 500, backoff: 2, on: [3] },
      timeoutMs: 90_000,
      runsOn: ['linux'],
      onLost: 2,
      disabled: true,
    })
    expect(b).toMatchObject({ when: 'failure()', with: { url: '/srv/a.git', ref: '1.10' } })
    expect(b.needs[0]).toMatchObject({ stepId: 'a', kind: 2, condition: 'inputs.n > 1' })
  })

  it('reads locks by name, and with a limit where more than one may have one', () => {
    const locksOf = (text: string) => {
      const { graph, problems } = parsePipeline(`name: x\nsteps: { a: { run: x, locks: ${text} } }`)
      expect(problems).toEqual([])
      const { locks, limitedLocks } = graph.steps[0]!
      return [locks, limitedLocks.map(({ name, limit }) => `${name} ${limit}`)]
    }
    expect(locksOf('db')).toEqual([['db'], []])
    expect(locksOf('[db, { name: gpu }, { name: x, limit: 1 }]')).toEqual([['db', 'gpu', 'x'], []])
    expect(locksOf('[db, { name: gpu, limit: 2 }]')).toEqual([[], ['db 1', 'gpu 2']])
    const written = renderPipeline(
      parsePipeline('name: x\nsteps: { a: { run: x, locks: [db, { name: gpu, limit: 2 }] } }').graph,
    )
    expect(parsePipeline(written).graph.steps[0]?.limitedLocks).toMatchObject([
      { name: 'db' },
      { name: 'gpu', limit: 2 },
    ])
  })

  it.each([
    ['', '1:1 empty /'],
    ['- a', '1:1 type /'],
    ['name: x\nsteps: {}', '2:8 empty /steps'],
    ['name: x\nsteps:\n  - run: a', '3:3 type /steps'],
    ['nme: x\nname: x\nsteps: { a: { run: x } }', '1:1 unknown_key /nme'],
    ['name: x\nname: y\nsteps: { a: { run: x } }', '2:1 duplicate_key /name'],
    ['name: x\nconcurrency: { grup: a }\nsteps: { a: { run: x } }', '2:16 unknown_key /concurrency.grup'],
    ['name: x\nconcurrency: 0\nsteps: { a: { run: x } }', '2:14 limit /concurrency'],
    ['name: x\nconcurrency: { queue: last }\nsteps: { a: { run: x } }', '2:23 choice /concurrency.queue'],
    ['name: x\nconcurrency: [a]\nsteps: { a: { run: x } }', '2:14 type /concurrency'],
    ['name: x\nsteps: { a: { run: x, locks: [{ name: g, limit: 0 }] } }', '2:49 limit a/locks.0.limit'],
    ['name: x\nsteps: { a: { run: x, locks: [{ limit: 2 }] } }', '2:31 type a/locks.0'],
    ['name: x\non: { pusch: {} }\nsteps: { a: { run: x } }', '2:7 unknown_key /on.pusch'],
    ['name: x\nsteps:\n  A b: { run: x }', '3:3 step_id A b/'],
    ['name: x\nsteps:\n\ta: { run: x }', '3:1 yaml /'],
    ['name: x\nsteps: { a: { run: x } }\n---\nname: y', '3:1 yaml /'],
    ['name: !!js/function x\nsteps: { a: { run: x } }', '1:7 yaml /'],
    ['name: x\nsteps: { a: *nothing }', '2:13 alias /steps.a'],
    ['name: x\ntimeout: soon\nsteps: { a: { run: x } }', '2:10 duration /timeout'],
    ['name: x\ninputs: { a: { type: strng } }\nsteps: { a: { run: x } }', '2:22 input_type /inputs.a.type'],
    [
      'name: x\ninputs: { a: { type: number, default: "3" } }\nsteps: { a: { run: x } }',
      '2:39 input_default /inputs.a.default',
    ],
    ['name: x\nenv: { A-B: x }\nsteps: { a: { run: x } }', '2:13 env_name /env.A-B'],
  ])('reports %j', (text, expected) => {
    expect(found(text)).toEqual([expected])
    expect(untold(text)).toEqual([])
  })

  it.each([
    ['needs: [third]\nrun: x', '6:13 unknown_need second/needs.third'],
    ['needs: second\nrun: x', '6:12 self_need second/needs.second'],
    ['needs: [first, first]\nrun: x', '6:20 duplicate_need second/needs.first'],
    ['needs: [{ stp: first }]\nrun: x', '6:15 unknown_key second/needs.stp'],
    ['needs: [{ step: first, on: fail }]\nrun: x', '6:32 choice second/needs'],
    ['runn: x', '6:5 unknown_key second/runn'],
    ['services: { db: x }\nrun: x', '6:5 unavailable second/services'],
    ['image: -v /:/host\nrun: x', '6:12 image second/image'],
    ['image: node\nuses: fetch_code\nwith: { url: /a }', '6:12 no_effect second/image'],
    ['image: node\npull: sometimes\nrun: x', '7:11 choice second/pull'],
    ['uses: nothing', '6:11 unknown_step_type second/uses'],
    ['uses: custom\nwith: { script: x, shel: sh }', '7:30 param second/with.shel'],
    ['run: x\nshell: zsh | x', '7:12 param second/with.shell'],
    ['run: " "', '6:10 param second/with.script'],
    ['run: x\nwhen: inputs.a', '7:11 unknown_reference second/when'],
    ['run: x\nwhen: 1 +', '7:11 expression second/when'],
    ['run: echo ${{ steps.first.status }}', '6:10 not_upstream second/with.script'],
    ['run: echo ${{ git.branch', '6:10 expression second/with.script'],
    ['run: x\nallowFailure: yes', '7:19 type second/allowFailure'],
    ['run: x\ntimeout: 0s', '7:14 duration second/timeout'],
    ['run: x\nretry: { max: 99 }', '7:19 retry second/retry.max'],
    ['run: x\nonLost: maybe', '7:13 choice second/onLost'],
    ['run: x\nworkspace: ../out', '7:16 workspace second/workspace'],
    ['run: x\nsecrets: [A B]', '7:14 secret_name second/secrets'],
    ['run: x\nuses: fetch_code\nwith: { url: /a }', '6:5 run_and_uses second/run'],
    ['uses: fetch_code\nwith: { url: "ext::sh -c id" }', '7:18 param second/with.url'],
    ['uses: fetch_code\nwith: { url: /a, depth: "1" }', '7:29 param second/with.depth'],
    ['run: x\nenv: { A: "${{ env.B }}" }', '7:15 unknown_reference second/env.A'],
  ])('reports in a step %j', (body, expected) => {
    expect(found(step(body))).toEqual([expected])
    expect(untold(step(body))).toEqual([])
  })

  it('names the way out', () => {
    expect(sentence(step('runn: x'))[0]).toBe('A step has no key "runn". Did you mean "run"?')
    expect(sentence(step('depends_on: first\nrun: x'))[0]).toContain('Here it is called needs.')
    expect(sentence(step('uses: deploy'))[0]).toBe('The step type "deploy" is not available in this version.')
    expect(sentence(step('uses: checkout'))[0]).toContain('Did you mean "fetch_code"?')
    expect(sentence(step('services: {}\nrun: x'))[0]).toContain('(services) are not available')
  })

  it('names the path of a cycle once', () => {
    const text = 'name: x\nsteps:\n  a: { run: x, needs: c }\n  b: { run: x, needs: a }\n  c: { run: x, needs: b }\n'
    expect(found(text)).toHaveLength(1)
    expect(sentence(text)[0]).toContain('a → b → c → a')
  })

  it('measures the depth of the tree, not of the text', () => {
    const dashes = '- '.repeat(100)
    for (const text of [
      `# ${dashes}`,
      `run: |\n  ${dashes}x`,
      `run: "${dashes}"`,
      `env: { A: a ${dashes}b }\nrun: x`,
    ]) {
      expect(found(step(text.includes('run:') ? text : `${text}\nrun: x`))).toEqual([])
    }
    const nested = (levels: number) => `name: x\nsteps: ${'['.repeat(levels)}${']'.repeat(levels)}`
    expect(found(nested(70))).toEqual([expect.stringMatching(/too_deep/)])
    expect(found(nested(60))).not.toEqual([expect.stringMatching(/too_deep/)])
  })

  it('survives what is made to hurt', { timeout: 180_000 }, () => {
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]']
    for (let i = 0; i < 12; i++)
      bomb.push(`${'bcdefghijklm'[i]}: &${'bcdefghijklm'[i]} [${Array(9).fill(`*${'abcdefghijklm'[i]}`).join(', ')}]`)
    const text = `name: x\nsteps:\n  s:\n    uses: custom\n    with:\n${bomb.map((line) => `      ${line}`).join('\n')}\n      script: x\n`
    expect(sentence(text).some((each) => each.includes('expand to too much'))).toBe(true)
    expect(sentence('name: x\nsteps: { s: { uses: custom, with: &a { script: x, b: *a } } }').length).toBeGreaterThan(0)
    for (const deep of ['[', '{a: ', '- ', '[{a: ']) {
      expect(found(`name: x\nsteps:\n  ${deep.repeat(1000)}`)).toEqual([expect.stringMatching(/^3:\d+ too_deep \/$/)])
    }
    for (const many of ['a,', '[],', ',', '!a b,', 'a: ,']) {
      expect(found(`name: x\nsteps: [${many.repeat((1024 * 1000) / many.length)}]`)).toEqual([
        expect.stringMatching(/^2:\d+ too_large \/$/),
      ])
    }
    // What is said of a value stays short, however long the value is.
    for (const { message } of problemsOf(`name: x\nsteps: { a: ${'x '.repeat(100_000)} }`)) {
      expect(message.length).toBeLessThan(1100)
    }
    expect(found(step(`run: "${'['.repeat(1000)}"`))).toEqual([])
    expect(
      found(`a:\n${Array.from({ length: 900 }, (_, i) => `${' '.repeat(i + 1)}a:`).join('\n')}`).length,
    ).toBeGreaterThan(0)
    expect(found(`name: ${'x'.repeat(1024 * 1024)}`)).toEqual(['1:1 too_large /'])
    const wrong = Array.from({ length: 5000 }, (_, i) => `k${i}: 1`).join('\n')
    expect(problemsOf(wrong)).toHaveLength(1000)
  })
})

const source = `# head
name: x # the name

env:
  A: "1"   # one
steps:
  # builds
  build:
    run: |
      make
    timeout:  10m   # long

  # checks
  check:
    needs: [ build ]
    run: make check
    env: { 'X': "y" }
`

function after(
  change: (graph: PipelineGraph, build: StepDefinition, check: StepDefinition) => void,
  text = source,
): string {
  const { graph } = parsePipeline(text)
  const [build, check] = graph.steps
  change(graph, build!, check!)
  const result = renderPipeline(graph, text)
  expect(canonicalGraph(parsePipeline(result).graph)).toBe(canonicalGraph(graph))
  return result
}

describe('renderPipeline', () => {
  it.each<[string, (graph: PipelineGraph, build: StepDefinition, check: StepDefinition) => void, string, string]>([
    ['a scalar', (_, build) => void Object.assign(build, { timeoutMs: 1000 }), 'timeout:  10m   #', 'timeout:  1s   #'],
    ['the name', (graph) => void Object.assign(graph, { name: 'y: z' }), 'name: x #', 'name: "y: z" #'],
    ['a quoted text', (graph) => void Object.assign(graph.env[0]!, { value: '2' }), 'A: "1"', 'A: "2"'],
    [
      'a block',
      (_, build) => void Object.assign(build, { with: { script: 'a\nb\n' } }),
      '      make\n',
      '      a\n      b\n',
    ],
    [
      'a text to a block',
      (_, __, check) => void Object.assign(check, { with: { script: 'a\nb\n' } }),
      'run: make check',
      'run: |\n      a\n      b',
    ],
    ['a flow map', (_, __, check) => void Object.assign(check.env[0]!, { value: 'z' }), `'X': "y"`, `'X': "z"`],
    [
      'a new key',
      (_, __, check) => void Object.assign(check, { allowFailure: true }),
      `"y" }\n`,
      `"y" }\n    allowFailure: true\n`,
    ],
    [
      'a new key before the end',
      (_, build) => void Object.assign(build, { workspace: 'w' }),
      '    timeout:',
      '    workspace: w\n    timeout:',
    ],
    ['a key gone', (_, build) => void Object.assign(build, { timeoutMs: 0 }), '    timeout:  10m   # long\n', ''],
    ['the last need gone', (_, __, check) => void Object.assign(check, { needs: [] }), '    needs: [ build ]\n', ''],
    [
      'an id',
      (_, build, check) =>
        void Object.assign(build, { id: 'make' }, Object.assign(check.needs[0]!, { stepId: 'make' }) && {}),
      '  build:',
      '  make:',
    ],
  ])('changes only the lines of %s', (_, change, from, to) => {
    const expected = source.replace(from, to)
    const result = after(change)
    if (to === '  make:') expect(result).toBe(expected.replace('[ build ]', '[ make ]'))
    else expect(result).toBe(expected)
  })

  it('adds a step below the others, and removes one with its comment', () => {
    const added = after((graph, build) => void graph.steps.push({ ...build, id: 'new', timeoutMs: 0 }))
    expect(added).toBe(`${source}\n  new:\n    run: |\n      make\n`)
    const removed = after((graph) => void graph.steps.pop())
    expect(removed).toBe(source.slice(0, source.indexOf('\n  # checks')))
  })

  it('moves steps with their comments', () => {
    const moved = after((graph) => void graph.steps.reverse())
    expect(moved.indexOf('# checks')).toBeLessThan(moved.indexOf('  check:'))
    expect(moved.indexOf('  check:')).toBeLessThan(moved.indexOf('# builds'))
    expect(moved.split('\n').sort()).toEqual(source.split('\n').sort())
  })

  it('knows a step again that was renamed, moved and changed at once', () => {
    const text = `name: x
steps:
  first:
    uses: build
    run: make first
  # the middle
  middle:
    needs: [first]
    uses: build
    run: make middle # slow
  last:
    needs: [first]
    uses: build
    run: make last
`
    const { graph } = parsePipeline(text)
    const [first, middle, last] = graph.steps as [StepDefinition, StepDefinition, StepDefinition]
    const renamed = { ...middle, id: 'centre', allowFailure: true, runsOn: ['linux', 'arm'] }
    expect(renderPipeline({ ...graph, steps: [last, first, renamed] }, text)).toBe(`name: x
steps:
  last:
    needs: [first]
    uses: build
    run: make last
  first:
    uses: build
    run: make first
  # the middle
  centre:
    needs: [first]
    uses: build
    run: make middle # slow
    runsOn: [linux, arm]
    allowFailure: true
`)
    const other = { ...middle, id: 'other', needs: [], with: { script: 'make other' } }
    expect(renderPipeline({ ...graph, steps: [last, first, other] }, text)).not.toContain('# the middle')
  })

  it('keeps empty lines at the end of a script apart from those of the file', () => {
    const text = 'name: x\nsteps:\n  # one\n  a:\n    run: make\n\n  b:\n    run: test\n'
    const { graph } = parsePipeline(text)
    graph.steps[0]!.with = { script: 'make\n\n\n' }
    expect(renderPipeline(graph, text)).toBe(text.replace('run: make', 'run: "make\\n\\n\\n"'))
  })

  it('keeps CRLF, missing last line breaks and deep indentation', () => {
    const crlf = source.replaceAll('\n', '\r\n').trimEnd()
    const result = after(
      (_, build, check) => [build, check].forEach((each) => void Object.assign(each, { allowFailure: true })),
      crlf,
    )
    expect(result.replaceAll('\r\n', '')).not.toContain('\n')
    expect(result).toContain('allowFailure: true\r\n')
    const deep = 'name: x\nsteps:\n    a:\n        run: x\n    b:\n        run: y\n'
    const { graph } = parsePipeline(deep)
    graph.steps[1]!.env = [...parsePipeline('name: x\nenv: { A: b }\nsteps: { a: { run: x } }').graph.env]
    expect(renderPipeline(graph, deep)).toBe(`${deep}        env:\n            A: b\n`)
  })

  it('writes out aliases when one of their uses changes', () => {
    const text = 'name: x\nsteps:\n  a:\n    run: x\n    env: &e { A: b } # shared\n  b:\n    run: y\n    env: *e\n'
    const result = after((_, __, b) => void Object.assign(b.env[0]!, { value: 'c' }), text)
    expect(result).toContain('# shared')
  })

  it('writes a new file where the old one is broken', () => {
    const { graph } = parsePipeline(source)
    expect(renderPipeline(graph, 'name: [')).toBe(renderPipeline(graph))
  })
})
