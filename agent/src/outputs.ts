// Owns the reading of a step's output file: NAME=value and NAME<<DELIMITER blocks, as in GitHub's runner.
import { constants, lstatSync, readFileSync } from 'node:fs'

/** More than this is refused as a whole. */
export const MAX_OUTPUT_BYTES = 1024 * 1024

const TOO_LARGE = `The outputs are larger than ${MAX_OUTPUT_BYTES} bytes; all were dropped.`

export interface ParsedOutputs {
  outputs: Map<string, string>
  /** English, one line each, for the log. */
  problems: string[]
}

/** A link may lead to what only the agent can read; a named pipe would be waited for. */
const OWN_FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** `declared` undefined: every name is wanted. */
export function parseOutputs(text: string, declared: ReadonlySet<string> | undefined): ParsedOutputs {
  const outputs = new Map<string, string>()
  const problems: string[] = []
  if (Buffer.byteLength(text) > MAX_OUTPUT_BYTES) return { outputs, problems: [TOO_LARGE] }
  const take = (name: string, value: string) => {
    if (declared === undefined || declared.has(name)) outputs.set(name, value)
    else problems.push(`The output ${JSON.stringify(name)} is not declared by the step; it was dropped.`)
  }
  const lines = text.split(/\r?\n/)
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!
    if (line === '') continue
    const [, name, operator, rest = ''] = /^([^=<\s][^=<]*?)(=|<<)(.*)$/.exec(line) ?? []
    if (name === undefined) {
      problems.push(`Line ${i + 1} of the output file is neither NAME=value nor NAME<<DELIMITER; it was dropped.`)
    } else if (operator === '=') take(name, rest)
    else {
      const end = lines.indexOf(rest, i + 1)
      if (end < 0) {
        problems.push(`The output ${JSON.stringify(name)} has no closing line ${JSON.stringify(rest)}; it was dropped.`)
        break
      }
      take(name, lines.slice(i + 1, end).join('\n'))
      i = end
    }
  }
  return { outputs, problems }
}

/** Reads the file and drops values that would tell a secret. */
export function readOutputs(
  path: string,
  declared: readonly string[],
  isSecret: (value: string) => boolean,
): ParsedOutputs {
  const size = lstatSync(path, { throwIfNoEntry: false })?.size ?? 0
  if (size > MAX_OUTPUT_BYTES) return { outputs: new Map(), problems: [TOO_LARGE] }
  const parsed = parseOutputs(
    size === 0 ? '' : readFileSync(path, { encoding: 'utf8', flag: OWN_FILE }),
    new Set(declared),
  )
  for (const [name, value] of parsed.outputs) {
    if (!isSecret(value)) continue
    parsed.outputs.delete(name)
    parsed.problems.push(`The output ${JSON.stringify(name)} holds a secret; it was dropped.`)
  }
  return parsed
}
