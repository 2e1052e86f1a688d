// For measured-controller.ts: sends the largest inputs from a process that leaves the machine to all others first.
import { setPriority } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { answerInputs } from './largest-answers.ts'
import { documentInputs } from './largest-documents.ts'
import { frameInputs } from './largest-frames.ts'
import { anonymousInputs, personInputs } from './largest-inputs.ts'
import { agentInputs, grpcInputs } from './largest-messages.ts'
import { runInputs } from './largest-runs.ts'
import type { Target } from './measured-controller.ts'

const inputs = {
  ...{ ...anonymousInputs, ...personInputs, ...documentInputs, ...frameInputs },
  ...{ ...agentInputs, ...grpcInputs, ...answerInputs, ...runInputs },
}

/** Long enough for the others to make a hundred calls. */
const leastMs = 1500
/** An input that waits longer waits for something that does not come. */
const mostMs = 60_000

const tooLong = async () => {
  await delay(mostMs, undefined, { ref: false })
  throw new Error(`It has had no answer for ${mostMs / 1000} s.`)
}

setPriority(10)
let target: Target | undefined
process.on('message', async (message: Target | string) => {
  if (message === 'stop') process.exit(0)
  if (typeof message !== 'string') {
    target = message
    process.send?.({})
    return
  }
  try {
    const until = performance.now() + leastMs
    do if (target) await Promise.race([inputs[message]?.(target), tooLong()])
    while (performance.now() < until)
    process.send?.({})
  } catch (error) {
    process.send?.(String(error))
  }
})
