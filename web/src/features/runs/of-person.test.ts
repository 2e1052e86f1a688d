import { GitFactsSchema, RunSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { byPerson } from '@ansflow/proto/triggers/run-origin'
import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { isOfPerson } from './of-person.ts'

test('a run is of who started it, and of whose commit it is for', () => {
  const anna = { userId: 'a', email: 'anna@example.org' }
  const run = (userId: string, author: string) =>
    create(RunSchema, { origin: byPerson(userId, 'Somebody', create(GitFactsSchema, { author })) })
  expect(isOfPerson(run('a', ''), anna)).toBe(true)
  expect(isOfPerson(run('b', 'A. <Anna@Example.org>'), anna)).toBe(true)
  expect(isOfPerson(run('b', 'anna@example.org'), anna)).toBe(false)
  expect(isOfPerson(run('b', 'B <b@example.org>'), anna)).toBe(false)
  expect(isOfPerson(create(RunSchema, {}), anna)).toBe(false)
  expect(isOfPerson(run('b', ''), { userId: 'a', email: '' })).toBe(false)
})
