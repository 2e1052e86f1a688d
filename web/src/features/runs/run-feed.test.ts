// Runs that change while a list of them is shown.
import { RunSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { create } from '@bufbuild/protobuf'
import { expect, it } from 'vitest'
import { withRun } from './run-feed.ts'

const run = (id: string, seq: number) => create(RunSchema, { id, seq })
const shown = [run('c', 3), run('b', 2), run('a', 1)]
const told = (list: readonly ReturnType<typeof run>[]) => list.map(({ id, seq }) => `${id}${seq}`).join(' ')

it.each([
  ['a change in its place', run('b', 5), 'c3 b5 a1'],
  ['what is older than what is shown not at all', run('b', 1), 'c3 b2 a1'],
  ['a new one on top', run('d', 1), 'd1 c3 b2 a1'],
  ['one between', run('bb', 1), 'c3 bb1 b2 a1'],
  ['an old one at the end', run('0', 1), 'c3 b2 a1 01'],
])('shows %s', (_, change, expected) => {
  expect(told(withRun(shown, change))).toBe(expected)
})
