// Which runs need a person.
import { type Run, RunSchema, RunStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { byPerson } from '@ansflow/proto/triggers/run-origin'
import { create } from '@bufbuild/protobuf'
import { expect, it } from 'vitest'
import { needsMe } from './home.ts'

const run = (id: string, pipelineId: string, status: RunStatus, startedBy: string): Run =>
  create(RunSchema, { id, pipelineId, status, origin: byPerson(startedBy, 'Ada') })

const me = { userId: 'me', email: 'me@example.org' }

/** As a push brought it. */
function pushed(id: string, status: RunStatus, mail: string, facts: { branch?: string; pullRequest?: number }): Run {
  const origin = { git: { commit: 'a'.repeat(40), event: 'push', author: `Somebody <${mail}>`, ...facts } }
  return create(RunSchema, { id, pipelineId: 'a', status, origin })
}

it('shows the failed run of a commit that I made, until the same branch is green', () => {
  const mine = pushed('1', RunStatus.FAILED, 'Me@example.org', { branch: 'main' })
  const elsewhere = pushed('2', RunStatus.SUCCEEDED, 'you@example.org', { branch: 'dev' })
  const request = pushed('3', RunStatus.SUCCEEDED, 'you@example.org', { branch: 'main', pullRequest: 7 })
  expect(needsMe([request, elsewhere, mine], me)).toEqual([mine])
  expect(needsMe([pushed('4', RunStatus.SUCCEEDED, 'you@example.org', { branch: 'main' }), mine], me)).toEqual([])
  expect(needsMe([pushed('5', RunStatus.FAILED, 'you@example.org', { branch: 'main' })], me)).toEqual([])
})

it('shows my failed run until anybody makes the pipeline green again', () => {
  const mine = run('1', 'a', RunStatus.FAILED, 'me')
  expect(needsMe([mine], me)).toEqual([mine])
  expect(needsMe([run('2', 'a', RunStatus.SUCCEEDED, 'you'), mine], me)).toEqual([])
})

it('goes past runs that say nothing: under way or canceled', () => {
  const mine = run('1', 'a', RunStatus.LOST, 'me')
  const recent = [run('3', 'a', RunStatus.RUNNING, 'me'), run('2', 'a', RunStatus.CANCELED, 'me'), mine]
  expect(needsMe(recent, me)).toEqual([mine])
})

it("leaves other people's failures to them", () => {
  expect(needsMe([run('1', 'a', RunStatus.FAILED, 'you')], me)).toEqual([])
})
