// Merge keys: a map takes over another's entries that it does not have itself.
import { describe, expect, it } from 'vitest'
import { canonicalGraph } from '../canonical.ts'
import { parsePipeline, renderPipeline } from '../pipeline-yaml.ts'

const source = `name: x
x-common: &common # for all
  runsOn: [linux]
  timeout: 5m
  env: { A: "1" }
x-slow: &slow
  <<: *common
  timeout: 1h
steps:
  a: { <<: *common, run: make a }
  # the slow one
  b:
    <<: [*slow, *common]
    run: make b
    env:
      B: "2" # its own
`
const step = ({ graph }: ReturnType<typeof parsePipeline>, id: string) => graph.steps.find((each) => each.id === id)!
const codes = (text: string) => parsePipeline(text).problems.map(({ code, line }) => `${code} ${line}`)

describe('merge keys', () => {
  it('bring what a map does not have itself; the first of several wins', () => {
    const read = parsePipeline(source)
    expect(read.problems).toEqual([])
    expect(step(read, 'a')).toMatchObject({ runsOn: ['linux'], timeoutMs: 300_000, env: [{ name: 'A', value: '1' }] })
    expect(step(read, 'b')).toMatchObject({ runsOn: ['linux'], timeoutMs: 3_600_000, env: [{ name: 'B', value: '2' }] })
    const env = 'name: x\nx-e: &e { A: "1" }\nenv: { <<: *e, B: "2" }\nsteps: { a: { run: x } }\n'
    expect(parsePipeline(env).graph.env.map(({ name }) => name)).toEqual(['B', 'A'])
  })

  it('stay in the file, whatever is changed beside them', () => {
    const { graph } = parsePipeline(source)
    expect(renderPipeline(graph, source)).toBe(source)
    step({ graph } as never, 'b').env[0]!.value = '3'
    expect(renderPipeline(graph, source)).toBe(source.replace('B: "2"', 'B: "3"'))
    step({ graph } as never, 'a').timeoutMs = 60_000
    const changed = renderPipeline(graph, source)
    expect(changed).toContain('a: { <<: *common, run: make a, timeout: 1m }')
    expect(changed).toContain('x-common: &common # for all')
  })

  it('are written out where what they bring is taken away, with the comments', () => {
    const { graph } = parsePipeline(source)
    step({ graph } as never, 'b').runsOn = []
    const changed = renderPipeline(graph, source)
    expect(canonicalGraph(parsePipeline(changed).graph)).toBe(canonicalGraph(graph))
    expect(changed).toContain('# the slow one')
    expect(changed).toContain('B: "2" # its own')
  })

  it('are refused where they bring no map, and end where they bring themselves', () => {
    const body = (merged: string) => `name: x\nsteps:\n  a: { <<: ${merged}, run: x }\n`
    expect(codes(body('1'))).toEqual(['type 3'])
    expect(codes(body('*nothing'))).toEqual(['alias 3'])
    expect(codes('name: x\nsteps: { a: &a { <<: *a, run: x } }')).toEqual(['limit 2'])
    const wide = `[${'*m, '.repeat(5000)}*m]`
    const wider = `x-m: &m { <<: {} }\nx-n: &n { <<: ${wide} }\nx-o: &o { <<: ${wide.replaceAll('*m', '*n')} }\n`
    expect(codes(`${wider}name: x\nsteps: { a: { <<: *o, run: x } }`)).toEqual(['alias 2'])
    const bomb = Array.from(
      { length: 20 },
      (_, i) => `x-${i}: &m${i} { <<: [${i ? `*m${i - 1}, *m${i - 1}` : '{ retry: 1 }'}] }`,
    )
    expect(codes(`${bomb.join('\n')}\nname: x\nsteps: { a: { <<: *m19, run: x } }`).length).toBeGreaterThan(0)
  })

  it('are for maps of the pipeline: other keys of its own are none', () => {
    expect(codes('name: x\ny-common: &c {}\nsteps: { a: { run: x } }')).toEqual(['unknown_key 2'])
    expect(codes('name: x\nsteps: { a: { x-note: 1, run: x } }')).toEqual(['unknown_key 2'])
  })
})
