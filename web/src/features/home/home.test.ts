// Which runs need a person.
import { type Run, RunSchema, RunStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { byPerson } from '@ansflow/proto/triggers/run-origin'
import { create } from '@bufbuild/protobuf'
import { expect, it } from 'vitest'
import { needsMe } from './home.ts'

const run = (id: string, pipelineId: string, status: RunStatus, startedBy: string): Run =>
  create(RunSchema, { id, pipelineId, status, origin: byPerson(startedBy, 'Ada') })

it('shows my failed run until anybody makes the pipeline green again', () => {
  const mine = run('1', 'a', RunStatus.FAILED, 'me')
  expect(needsMe([mine], 'me')).toEqual([mine])
  expect(needsMe([run('2', 'a', RunStatus.SUCCEEDED, 'you'), mine], 'me')).toEqual([])
})

it('goes past runs that say nothing: under way or canceled', () => {
  const mine = run('1', 'a', RunStatus.LOST, 'me')
  const recent = [run('3', 'a', RunStatus.RUNNING, 'me'), run('2', 'a', RunStatus.CANCELED, 'me'), mine]
  expect(needsMe(recent, 'me')).toEqual([mine])
})

it("leaves other people's failures to them", () => {
  expect(needsMe([run('1', 'a', RunStatus.FAILED, 'you')], 'me')).toEqual([])
})
