// For measured-controller.ts: sends the largest inputs from a process that leaves the machine to all others first.
import { setPriority } from 'node:os'
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
    do if (target) await inputs[message]?.(target)
    while (performance.now() < until)
    process.send?.({})
  } catch (error) {
    process.send?.(String(error))
  }
})
