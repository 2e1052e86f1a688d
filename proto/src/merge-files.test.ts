// Two people have changed one pipeline file apart.
import { expect, test } from 'vitest'
import { mergeFiles } from './merge-files.ts'

const base = `# The build.
name: build
steps:
  # First of all.
  a: { run: echo a }
  b:
    needs: [a]
    run: echo b # quietly
  c: { run: echo c, needs: [b] }
`

const merge = (mine: string, theirs: string, prefers: 'mine' | 'theirs' = 'mine', of: string | undefined = base) =>
  mergeFiles({ base: of, mine, theirs }, prefers)

test('what only one has changed is as that one has it, byte by byte', () => {
  const other = base.replace('echo a', 'echo  "x"').replace('# First', '#   Before')
  expect(merge(other, base)).toEqual({ yaml: other, conflicts: [] })
  expect(merge(base, other)).toEqual({ yaml: other, conflicts: [] })
  expect(merge(other, other)).toEqual({ yaml: other, conflicts: [] })
})

test('changes apart stay, with the comments of both', () => {
  const mine = base
    .replace('needs: [a]\n', 'needs: [a]\n    timeout: 5m\n')
    .replace('# First of all.', '# First, at once.')
  const theirs = base.replace('[b] }', '[b] } # last').replace('name: build', 'name: build # here')
  const yaml = mine.replace('[b] }', '[b] } # last').replace('name: build', 'name: build # here')
  expect(merge(mine, theirs)).toEqual({ yaml, conflicts: [] })
  expect(merge(theirs, mine)).toEqual({ yaml, conflicts: [] })
})

test('changes of one line that say different things are merged by what they say', () => {
  const mine = base.replace('{ run: echo c, needs: [b] }', '{ run: echo c, needs: [b], timeout: 5m }')
  const theirs = base.replace('{ run: echo c, needs: [b] }', '{ run: echo c, needs: [a, b] }').replace('# F', '# f')
  const { yaml, conflicts } = merge(mine, theirs)
  expect(conflicts).toEqual([])
  expect(yaml).toContain('# first of all.')
  expect(yaml).toContain('c: { run: echo c, timeout: 5m, needs: [a, b] }')
})

test('what both have changed is said, and is as it is preferred', () => {
  const mine = base.replace('echo a', 'echo mine').replace('name: build', 'name: mine')
  const theirs = base.replace('echo a', 'echo theirs').replace('echo c', 'make c')
  for (const [prefers, word] of [
    ['mine', 'mine'],
    ['theirs', 'theirs'],
  ] as const) {
    const { yaml, conflicts } = merge(mine, theirs, prefers)
    expect(conflicts).toEqual(['a.with.script'])
    expect(yaml).toContain(`a: { run: echo ${word} }`)
    expect(yaml).toContain('name: mine')
    expect(yaml).toContain('run: make c')
    expect(yaml).toContain('# quietly')
  }
})

test('a step that one has taken away and the other has changed is said', () => {
  const mine = base.replace(/ {2}c: .*\n/, '')
  const theirs = base.replace('echo c', 'make c')
  expect(merge(mine, theirs).conflicts).toContain('c.with.script')
  expect(merge(theirs, mine).conflicts).toContain('c.with.script')
  const kept = merge(mine, base.replace('needs: [b] }', 'needs: [b], timeout: 1m }'))
  expect(kept.conflicts).toContain('c.timeout')
})

test('a step that both have added is one', () => {
  const mine = `${base}  d: { run: echo d }\n  e: { run: echo e }\n`
  const theirs = `${base}  d: { run: echo d }\n  f: { run: echo f }\n`
  const { yaml, conflicts } = merge(mine, theirs)
  expect(conflicts).toEqual([])
  for (const step of ['d', 'e', 'f']) expect(yaml.match(new RegExp(`^  ${step}:`, 'gm'))).toHaveLength(1)
})

test('comments that both have changed at one place are said', () => {
  const mine = base.replace('# quietly', '# mine')
  const theirs = base.replace('# quietly', '# theirs').replace('echo c', 'make c')
  const { yaml, conflicts } = merge(mine, theirs)
  expect(conflicts).toEqual(['comments'])
  expect(yaml).toContain('# mine')
  expect(yaml).toContain('make c')
})

test('where one is no pipeline, or nobody knows what both were, they have nothing in common', () => {
  const broken = `${base}  d: [\n`
  expect(merge(base.replace('echo a', 'x'), broken)).toEqual({ yaml: base.replace('echo a', 'x'), conflicts: ['file'] })
  const theirs = base.replace('echo a', 'x')
  expect(mergeFiles({ base: undefined, mine: base, theirs }, 'theirs')).toEqual({ yaml: theirs, conflicts: ['file'] })
  // What says the same is the same.
  const said = base.replace('# quietly', '# as they have it')
  expect(mergeFiles({ base: undefined, mine: base, theirs: said }, 'mine')).toEqual({ yaml: said, conflicts: [] })
})
