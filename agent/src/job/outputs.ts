// Owns the reading of a step's outputs, and of which of them are told.
import { limits } from '@ansflow/proto/limits'
import { bytesOf, readPairs } from './pairs.ts'
import { Unreadable } from './step-file.ts'

export interface StepOutputs {
  outputs: Map<string, string>
  /** English, one line each, for the log. */
  problems: string[]
  /** Why there are none: the step has failed. An English sentence. */
  failure?: string
}

/** Reads the file, whatever the step has made of it, and drops values that would tell a secret. */
export function readOutputs(
  path: string,
  declared: readonly string[],
  isSecret: (value: string) => boolean,
): StepOutputs {
  const outputs = new Map<string, string>()
  const problems: string[] = []
  let pairs: [string, string][]
  try {
    pairs = readPairs(path, 'output file', 'output')
  } catch (error) {
    if (error instanceof Unreadable) return { outputs, problems, failure: error.message }
    throw error
  }
  const known = new Set(declared)
  for (const [name, value] of pairs) {
    if (known.has(name)) outputs.set(name, value)
    else problems.push(`The output ${JSON.stringify(name)} is not declared by the step; it was dropped.`)
  }
  for (const [name, value] of outputs) {
    if (!isSecret(value)) continue
    outputs.delete(name)
    problems.push(`The output ${JSON.stringify(name)} holds a secret; it was dropped.`)
  }
  const bytes = bytesOf(outputs)
  if (bytes <= limits.outputsBytes) return { outputs, problems }
  const failure = `The outputs have ${bytes} bytes; a step may have ${limits.outputsBytes} of them.`
  return { outputs: new Map(), problems, failure }
}
