// Nobody holds the controller's event loop: the largest of each kind through each door, while other people go on.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answerInputs } from './largest-answers.ts'
import { documentInputs } from './largest-documents.ts'
import { frameInputs } from './largest-frames.ts'
import { anonymousInputs, personInputs } from './largest-inputs.ts'
import { agentInputs, grpcInputs } from './largest-messages.ts'
import { runInputs } from './largest-runs.ts'
import { type Measured, startMeasured } from './measured-controller.ts'

const mostHeldMs = 50
const mostWaitMs = 100

let measured: Measured | undefined
beforeAll(async () => {
  measured = await startMeasured()
  // What is compiled when the first large input of all comes is no input's.
  for (let n = 0; n < 2; n += 1) await measured.during('forty bodies of 3.4 MB')
}, 240_000)
afterAll(() => measured?.[Symbol.asyncDispose]())

// The best of three: the machine has others to serve as well. On one database: none of it is its work.
describe.skipIf(process.env.ANSFLOW_TEST_DATABASE_URL).each([
  ['anonymous', anonymousInputs],
  ['a person', personInputs],
  ['people in a document', documentInputs],
  ['a run', runInputs],
  ['a socket', frameInputs],
  ['an agent', agentInputs],
  ['a person by gRPC', grpcInputs],
  ['who is told much', answerInputs],
])('%s', (_who, inputs) => {
  test.each(Object.keys(inputs))('%s', { retry: 2, timeout: 240_000 }, async (name) => {
    const figures = await measured!.during(name)
    if (process.env.ANSFLOW_TEST_FIGURES) process.stdout.write(`${name}: ${JSON.stringify(figures)}\n`)
    expect(figures.heldMs).toBeLessThan(mostHeldMs)
    expect(figures.p99Ms).toBeLessThan(mostWaitMs + 3 * figures.idleP99Ms)
  })
})
