import { FinishedSchema, Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { limits } from '@ansflow/proto/limits'
import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { resultOf } from './job-result.ts'

const finished = (more: object) => create(FinishedSchema, { outcome: Outcome.SUCCEEDED, exitCode: 0, ...more })

test.each([
  ['65,537 bytes', 'x'.repeat(65_537)],
  ['Han characters', '漢'.repeat(22_000)],
  ['as much as there may be', 'x'.repeat(limits.outputsBytes - 1)],
])('outputs are whole: %s', (_name, a) => {
  expect(resultOf(finished({ outputs: { a } }))).toMatchObject({ outcome: Outcome.SUCCEEDED, outputs: { a } })
})

test('more than a step may have is a failure, and no part of it is taken', () => {
  const outputs = { a: 'x'.repeat(limits.outputsBytes - 10), b: 'y'.repeat(10) }
  expect(resultOf(finished({ outputs }))).toMatchObject({
    outcome: Outcome.FAILED,
    reasonCode: 'agent_error',
    reason: `The outputs have ${limits.outputsBytes + 2} bytes; a step may have ${limits.outputsBytes} of them.`,
    outputs: {},
  })
  const failed = finished({
    outputs,
    outcome: Outcome.FAILED,
    exitCode: 3,
    reason: 'exit code 3',
    reasonCode: 'exit_code',
  })
  expect(resultOf(failed)).toMatchObject({ outcome: Outcome.FAILED, reasonCode: 'exit_code', outputs: {} })
  const many = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`n${i}`, '']))
  expect(resultOf(finished({ outputs: many }))).toMatchObject({ outcome: Outcome.FAILED, outputs: {} })
})

test('what cannot be stored is a failure', () => {
  expect(resultOf(finished({ outputs: { a: 'x\0y' } }))).toMatchObject({
    outcome: Outcome.FAILED,
    reason: 'An output holds the character NUL (U+0000), which cannot be stored.',
    outputs: {},
  })
})

test('a long reason is cut between characters', () => {
  const { reason } = resultOf(finished({ outcome: Outcome.FAILED, reason: `x${'😀'.repeat(2000)}` }))
  expect(reason!.isWellFormed()).toBe(true)
  expect(reason!.length).toBe(2000)
})
