// Owns the reading of a step's output file: NAME=value and NAME<<DELIMITER blocks, as in GitHub's runner.
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { limits } from '@ansflow/proto/limits'

/** With values that are not declared, and what is around them. */
const MAX_FILE_BYTES = 4 * limits.outputsBytes

export interface ParsedOutputs {
  outputs: Map<string, string>
  /** English, one line each, for the log. */
  problems: string[]
}

export interface StepOutputs extends ParsedOutputs {
  /** Why there are none: the step has failed. An English sentence. */
  failure?: string
}

/** `declared` undefined: every name is wanted. */
export function parseOutputs(text: string, declared: ReadonlySet<string> | undefined): ParsedOutputs {
  const outputs = new Map<string, string>()
  const problems: string[] = []
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

/** Reads the file, whatever the step has made of it, and drops values that would tell a secret. */
export function readOutputs(
  path: string,
  declared: readonly string[],
  isSecret: (value: string) => boolean,
): StepOutputs {
  const file = readBounded(path)
  if ('failure' in file) return { outputs: new Map(), problems: [], failure: file.failure }
  const { outputs, problems } = parseOutputs(file.text, new Set(declared))
  for (const [name, value] of outputs) {
    if (!isSecret(value)) continue
    outputs.delete(name)
    problems.push(`The output ${JSON.stringify(name)} holds a secret; it was dropped.`)
  }
  const bytes = [...outputs].flat().reduce((sum, text) => sum + Buffer.byteLength(text), 0)
  if (bytes <= limits.outputsBytes) return { outputs, problems }
  const failure = `The outputs have ${bytes} bytes; a step may have ${limits.outputsBytes} of them.`
  return { outputs: new Map(), problems, failure }
}

/** Follows no link, waits for no other end of a pipe. */
function readBounded(path: string): { text: string } | { failure: string } {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return { text: '' }
    return { failure: `The output file ${code === 'ELOOP' ? 'is a link' : `cannot be read (${code})`}.` }
  }
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile()) return { failure: `The output file is ${stat.isDirectory() ? 'a folder' : 'no regular file'}.` }
    if (stat.size > MAX_FILE_BYTES)
      return { failure: `The output file has ${stat.size} bytes; it may have ${MAX_FILE_BYTES}.` }
    return { text: readFileSync(fd, 'utf8') }
  } catch (error) {
    return { failure: `The output file cannot be read (${(error as NodeJS.ErrnoException).code}).` }
  } finally {
    closeSync(fd)
  }
}
