import { PipelineGraphSchema, StepDefinitionSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { GetRunResponseSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { atOnce } from '@ansflow/proto/pieces'
import { create, equals, fromBinary, fromJsonString, toBinary, toJson, toJsonString } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { describe, expect, test } from 'vitest'
import { isLarge, prepared, reading, readingJson, writingJson } from './message-pieces.ts'

function answerOf(steps: number) {
  const ids = Array.from({ length: steps }, (_, n) => `s${n}`)
  return create(GetRunResponseSchema, {
    run: {
      id: 'r',
      number: 7,
      createdAt: timestampFromDate(new Date(1_700_000_000_000)),
      inputs: { a: [1, 'two', null] },
      steps: ids.map((id) => ({ id, outputs: { [id]: 'é' }, attempts: [{ number: 1, exitCode: 0, logSize: 5n }] })),
    },
    graph: { name: 'p', steps: ids.map((id) => ({ id, needs: [{ stepId: 'x' }], with: { script: id } })) },
  })
}

const graphOf = (steps: number) => answerOf(steps).graph!

function pieces(work: Generator<void, unknown>): number {
  let count = 0
  for (const _ of work) count += 1
  return count
}

describe.each([0, 1, 10, 11, 3000])('of %i entries', (steps) => {
  const answer = answerOf(steps)

  test('what is prepared is written as the message itself', async () => {
    const bytes = toBinary(GetRunResponseSchema, (await prepared(GetRunResponseSchema, answer)) as typeof answer)
    expect(equals(GetRunResponseSchema, fromBinary(GetRunResponseSchema, bytes), answer)).toBe(true)
  })

  test('JSON says the same', () => {
    const text = atOnce(writingJson(GetRunResponseSchema, answer))
    expect(JSON.parse(text)).toEqual(toJson(GetRunResponseSchema, answer))
  })

  test('bytes are read to the same message', () => {
    const bytes = toBinary(GetRunResponseSchema, answer)
    expect(equals(GetRunResponseSchema, atOnce(reading(GetRunResponseSchema, bytes)), answer)).toBe(true)
  })

  test('JSON is read to the same message', () => {
    const text = toJsonString(PipelineGraphSchema, graphOf(steps))
    expect(atOnce(readingJson(PipelineGraphSchema, text))).toEqual(fromJsonString(PipelineGraphSchema, text))
  })
})

test('many entries are as many pieces', () => {
  const answer = answerOf(3000)
  expect(isLarge(GetRunResponseSchema, answer)).toBe(true)
  expect(pieces(writingJson(GetRunResponseSchema, answer))).toBe(6000)
  expect(pieces(reading(GetRunResponseSchema, toBinary(GetRunResponseSchema, answer)))).toBe(6000)
  expect(pieces(readingJson(PipelineGraphSchema, toJsonString(PipelineGraphSchema, graphOf(3000))))).toBe(3000)
})

test('a message that comes in two parts, as the format allows, is one', () => {
  const graph = create(PipelineGraphSchema, { steps: graphOf(2000).steps })
  const name = create(GetRunResponseSchema, { graph: create(PipelineGraphSchema, { name: 'p' }) })
  const rest = create(GetRunResponseSchema, { graph })
  const bytes = Buffer.concat([toBinary(GetRunResponseSchema, name), toBinary(GetRunResponseSchema, rest)])
  expect(
    equals(GetRunResponseSchema, atOnce(reading(GetRunResponseSchema, bytes)), fromBinary(GetRunResponseSchema, bytes)),
  ).toBe(true)
})

test('fields that are not known are passed over in JSON and kept in bytes', () => {
  const step = toJson(StepDefinitionSchema, create(StepDefinitionSchema, { id: 'a' })) as object
  const text = JSON.stringify({ steps: [{ ...step, later: 1 }], later: { x: 1 } })
  expect(atOnce(readingJson(PipelineGraphSchema, text)).steps.map(({ id }) => id)).toEqual(['a'])
})
