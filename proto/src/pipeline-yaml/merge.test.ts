// Typing in the file beside others who change the same pipeline: all that was written is where its author has put it, or is told.
import * as fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { parsePipeline } from '../pipeline-yaml.ts'
import { type LostValue, lostText, mergeTyped, putBack } from './merge.ts'

const base = `name: shop # the shop
steps:
  # first
  a:
    run: |
      echo a
      echo again
  # second
  b:
    needs: [a]
    run: |
      echo b
    timeout: 5m # long
  c: { needs: [b], run: echo c }
`
const both = (_base: string, mine: string, theirs: string) => `${mine}${theirs}`
const merge = (typed: string, theirs: string, renamed?: ReadonlyMap<string, string>) =>
  mergeTyped({ base, typed, theirs, mergeText: both, ...(renamed && { renamed }) })
const told = (lost: readonly LostValue[]) =>
  lost.map((each) => `${each.mine ? 'mine' : 'theirs'} ${each.path.join('.')}`)
const without = (key: string, text = base) =>
  text.replace(new RegExp(`  (?:# \\w+\n  )?${key}:(?:\n {4}.*| .*)+\n`), '')

describe('a file that is typed beside others', () => {
  it('has changes of different steps and of different fields of one', () => {
    const typed = base.replace('echo again', 'echo once more').replace('# second', '# the second one')
    const theirs = base.replace('timeout: 5m', 'timeout: 9m').replace('run: echo c', 'run: echo cc')
    expect(merge(typed, theirs)).toEqual({
      text: typed.replace('timeout: 5m', 'timeout: 9m').replace('run: echo c', 'run: echo cc'),
      lost: [],
    })
  })

  it('never puts a line that was typed in a step that others have deleted into another one', () => {
    const typed = base.replace('      echo b\n', '      echo b\n      echo mine\n')
    const theirs = without('b').replace('needs: [b], ', '')
    const merged = merge(typed, theirs)!
    expect(merged.text).toBe(theirs)
    expect(told(merged.lost)).toEqual(['mine steps.b'])
    expect(lostText(merged.lost[0]!)).toContain('echo mine')
    const back = parsePipeline(putBack(merged.text, merged.lost[0]!)!).graph.steps.find(({ id }) => id === 'b')
    expect(back).toMatchObject({ with: { script: 'echo b\necho mine\n' }, timeoutMs: 300_000 })
  })

  it('tells what others wrote in a step that was deleted here', () => {
    const typed = without('b').replace('needs: [b], ', '')
    const merged = merge(typed, base.replace('echo b', 'echo theirs'))!
    expect(merged.text).toBe(typed)
    expect(told(merged.lost)).toEqual(['theirs steps.b'])
  })

  it('keeps one value of a field that both have changed, and tells the other', () => {
    const merged = merge(base.replace('5m', '6m'), base.replace('5m', '7m'))!
    expect(merged.text).toBe(base.replace('5m', '6m'))
    expect(merged.lost.map((lost) => [...told([lost]), lostText(lost)])).toEqual([['theirs steps.b.timeout', '7m']])
    expect(putBack(merged.text, merged.lost[0]!)).toBe(base.replace('5m', '7m'))
    // Both have added the same key: it stands there once.
    const added = merge(
      base.replace('name: shop', 'name: shop\ntimeout: 1h'),
      base.replace('steps:', 'timeout: 2h\nsteps:'),
    )!
    expect(added.text.match(/timeout: \dh/g)).toEqual(['timeout: 1h'])
    expect(told(added.lost)).toEqual(['theirs timeout'])
  })

  it('brings texts together by what merges them', () => {
    const merged = merge(base.replace('echo again', 'echo mine'), base.replace('echo again', 'echo theirs'))!
    const [a] = parsePipeline(merged.text).graph.steps
    expect(a?.with?.['script']).toBe('echo a\necho mine\necho a\necho theirs\n')
  })

  it('follows a step that others have given another key', () => {
    const theirs = base.replace('  b:', '  build:').replace('[b]', '[build]').replace('5m', '8m')
    const typed = base.replace('echo b', 'echo mine').replace('# second', '# mine')
    const merged = merge(typed, theirs, new Map([['b', 'build']]))!
    expect(merged).toEqual({ text: theirs.replace('echo b', 'echo mine').replace('# second', '# mine'), lost: [] })
  })

  it('has the comments of both, also where both have written one', () => {
    const typed = base.replace('# first', '# mine').replace('5m # long', '5m # my time')
    const theirs = base
      .replace('# first', '# theirs')
      .replace('# second', '# of theirs')
      .replace('# the shop', '# a shop')
    expect(merge(typed, theirs)).toEqual({
      text: typed
        .replace('# mine', '# mine\n  # theirs')
        .replace('# second', '# of theirs')
        .replace('# the shop', '# a shop'),
      lost: [],
    })
    expect(merge(base.replace('  # first\n', ''), base.replace('echo c', 'echo cc'))?.text).not.toContain('# first')
  })

  it('waits while a text cannot be read', () => {
    for (const typed of [
      base.replace('steps:', 'steps'),
      base.replace('5m', '[5'),
      base.replace('5m', 'soon'),
      `${base}name: again\n`,
    ])
      expect(merge(typed, base.replace('5m', '7m'))).toBeUndefined()
  })
})

vi.setConfig({ testTimeout: 60_000 })

it('whatever two do to a file at once, every value is that of one of them, and a key stands once', () => {
  type Steps = Record<string, Record<string, string>>
  const keys = ['a', 'b', 'c', 'd'] as const
  const edit = fc.record({
    step: fc.constantFrom(...keys),
    field: fc.constantFrom('run', 'timeout', 'name', 'when', 'step'),
    value: fc.nat(3),
  })
  const values: Record<string, (n: number) => string> = {
    run: (n) => `echo ${n}`,
    timeout: (n) => `${n + 1}m`,
    name: (n) => `name ${n}`,
    when: (n) => `inputs.x == "${n}"`,
  }
  const start: Steps = { a: { run: 'echo a' }, b: { run: 'echo b', timeout: '5m' }, c: { run: 'echo c', name: 'see' } }
  const text = (steps: Steps) =>
    `name: x # of all\nsteps:\n${Object.entries(steps)
      .map(
        ([key, fields]) =>
          `  # of ${key}\n  ${key}:\n${Object.entries(fields)
            .map(([f, v]) => `    ${f}: ${v} # ${f}\n`)
            .join('')}`,
      )
      .join('')}`
  const change = (edits: readonly { step: string; field: string; value: number }[]) => {
    const steps: Steps = structuredClone(start)
    for (const { step, field, value } of edits) {
      const other: Record<string, string> = steps[step] ?? { run: `echo ${step}` }
      if (field === 'step') {
        if (value > 1 && Object.keys(steps).length > 1) delete steps[step]
        else steps[step] = other
      } else steps[step] = { ...other, [field]: values[field]!(value) }
    }
    return steps
  }
  const read = (of: string) =>
    new Map(
      parsePipeline(of).graph.steps.map((s) => [
        s.id,
        { script: s.with?.['script'], timeout: s.timeoutMs, name: s.name, when: s.when },
      ]),
    )
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 6 }), fc.array(edit, { maxLength: 6 }), (one, other) => {
      const [mine, theirs] = [text(change(one)), text(change(other))]
      const merged = mergeTyped({ base: text(start), typed: mine, theirs, mergeText: both })!
      const { problems } = parsePipeline(merged.text)
      expect(problems.filter(({ code }) => code === 'duplicate_key' || code === 'yaml')).toEqual([])
      const [b, m, t, now] = [text(start), mine, theirs, merged.text].map(read)
      for (const key of keys) {
        const [was, my, their, is] = [b, m, t, now].map((steps) => steps?.get(key))
        if (!my || !their) {
          const isThere = was ? false : my !== undefined || their !== undefined
          // A renamed step is another one's place: only what both leave alone is certain then.
          if (m!.size === b!.size && t!.size === b!.size) continue
          if (!is && isThere) expect(m!.has(key) || t!.has(key)).toBe(true)
          continue
        }
        if (!is) throw new Error(`${key} is gone`)
        for (const field of ['script', 'timeout', 'name', 'when'] as const) {
          const mineCounts = my[field] !== was?.[field] && (my[field] || their[field] === was?.[field])
          const wanted = mineCounts ? my[field] : their[field]
          if (was) expect([key, field, is[field]]).toEqual([key, field, wanted])
          // Where one has taken it out, the value of the other stays.
          const lost =
            my[field] !== was?.[field] &&
            their[field] !== was?.[field] &&
            my[field] !== their[field] &&
            my[field] &&
            their[field]
          const path = field === 'script' ? 'run' : field
          if (lost && was) expect(told(merged.lost)).toContain(`theirs steps.${key}.${path}`)
        }
      }
    }),
    { numRuns: 150 },
  )
})
