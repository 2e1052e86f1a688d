// What touches a graph takes time in proportion to it: ten times the steps may cost ten times as much, not a hundred times.
import type { PipelineGraph } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { describe, expect, it, vi } from 'vitest'
import { canonicalGraph } from './canonical.ts'
import { layOut } from './pipeline-doc/layout.ts'
import { applyGraph, newDoc, pasteYaml, project } from './pipeline-doc.ts'
import { parsePipeline, renderPipeline } from './pipeline-yaml.ts'
import { validateGraph } from './validate.ts'

vi.setConfig({ testTimeout: 120_000 })

type Needs = (i: number, count: number) => number[]

/** By the indexes of the steps that a step needs. */
const shapes: Record<string, Needs> = {
  fan: (i) => (i === 0 ? [] : [0]),
  'chain written backwards': (i, count) => (i === count - 1 ? [] : [i + 1]),
  'bands of a hundred, each step needs ten of the band before': (i) =>
    i < 100 ? [] : Array.from({ length: 10 }, (_, j) => Math.floor(i / 100) * 100 - 100 + ((i + j * 7) % 100)),
  'no edges': () => [],
}

function fileOf(needs: Needs, count: number, script = 'true', prefix = 's'): string {
  const steps = Array.from({ length: count }, (_, i) => {
    const list = needs(i, count).map((need) => `${prefix}${need}`)
    return `  ${prefix}${i}: { ${list.length > 0 ? `needs: [${list}], ` : ''}run: "${script}" }\n`
  })
  return `name: scale\nsteps:\n${steps.join('')}`
}

function cpuMs(run: () => unknown): number {
  const before = process.threadCpuUsage()
  run()
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1000
}

/** Of one of so many that together they are more than what the system's clock of processor time can tell. */
function cpuMsOfOne(run: () => unknown): number {
  const enoughMs = 20
  for (let times = 1; ; times *= 4) {
    const ms = cpuMs(() => {
      for (let n = 0; n < times; n += 1) run()
    })
    if (ms >= enoughMs) return ms / times
  }
}

const most = 2000
// A square would be 100 times as much; what is quicker than this at full size does not count.
const mostTimes = 35
const atOnce = 50

function expectInProportion(name: string, of: (count: number) => () => unknown): void {
  const small = cpuMsOfOne(of(most / 10))
  const large = of(most)
  let ms = cpuMs(large)
  if (ms > atOnce && ms > small * mostTimes) ms = Math.min(ms, cpuMs(large))
  expect(ms, `${name}: ${small.toFixed(1)} ms for ${most / 10} steps`).toBeLessThan(Math.max(atOnce, small * mostTimes))
}

describe.each(Object.entries(shapes))('%s', (_, needs) => {
  const graphs = new Map<number, PipelineGraph>()
  const graph = (count: number): PipelineGraph => {
    let found = graphs.get(count)
    if (found === undefined) {
      found = parsePipeline(fileOf(needs, count)).graph
      graphs.set(count, found)
    }
    return found
  }

  it('is read, checked, written and hashed in proportion', () => {
    expectInProportion('parse', (count) => {
      const text = fileOf(needs, count)
      return () => parsePipeline(text)
    })
    expect(validateGraph(graph(most))).toEqual([])
    expectInProportion('validate', (count) => () => validateGraph(graph(count)))
    expectInProportion('canonical', (count) => () => canonicalGraph(graph(count)))
    expectInProportion('render', (count) => () => renderPipeline(graph(count)))
    expectInProportion('patch', (count) => {
      const other = parsePipeline(fileOf(needs, count, 'echo')).graph
      return () => renderPipeline(other, fileOf(needs, count))
    })
  })

  it('is laid out, put into a document, changed there and read from it in proportion', () => {
    expectInProportion('layout', (count) => () => layOut(graph(count).steps, new Map()))
    expectInProportion('new document', (count) => () => newDoc(graph(count), ''))
    expectInProportion('project', (count) => {
      const doc = newDoc(graph(count), '')
      return () => project(doc)
    })
    expectInProportion('apply other scripts', (count) => {
      const other = parsePipeline(fileOf(needs, count, 'echo')).graph
      return () => applyGraph(newDoc(graph(count), ''), other, '', { user: 'me' })
    })
    expectInProportion('apply other keys', (count) => {
      const other = parsePipeline(fileOf(needs, count, 'true', 't')).graph
      return () => applyGraph(newDoc(graph(count), ''), other, '', { user: 'me' })
    })
    expectInProportion('apply other steps', (count) => {
      const other = parsePipeline(fileOf(needs, count, 'echo', 't')).graph
      return () => applyGraph(newDoc(graph(count), ''), other, '', { user: 'me' })
    })
    expectInProportion('paste', (count) => {
      const text = fileOf(needs, count)
      return () => pasteYaml(newDoc(graph(10), ''), text, { x: 0, y: 0 }, { user: 'me' })
    })
  })
})

it('a thousand mistakes among a thousand long names are found in a moment', () => {
  const name = (i: number) => 'abcdefghij'.repeat(5) + String(i).padStart(8, '0')
  const steps = Array.from({ length: 1000 }, (_, i) => `  ${name(i)}: { run: x, needs: [zzz${name(5000 + i)}] }\n`)
  const text = `name: x\nsteps:\n${steps.join('')}`
  const ms = cpuMs(() => expect(parsePipeline(text).problems).toHaveLength(1000))
  // Two hundred seconds, when each of them was compared with every name.
  expect(ms).toBeLessThan(10_000)
})
