// Owns the reading of a step's output file: NAME=value and NAME<<DELIMITER blocks, as in GitHub's runner.
import { isUtf8 } from 'node:buffer'
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { unstorable } from '@ansflow/proto/characters'
import { limits } from '@ansflow/proto/limits'

/** With values that are not declared, and what is around them. */
const MAX_FILE_BYTES = 4 * limits.outputsBytes

export interface StepOutputs {
  outputs: Map<string, string>
  /** English, one line each, for the log. */
  problems: string[]
  /** Why there are none: the step has failed. An English sentence. */
  failure?: string
}

/** The file cannot be meant as it is; the message is an English sentence. */
class Unreadable extends Error {}

/** Throws `Unreadable` at the first line that says nothing. */
function parseOutputs(text: string, declared: ReadonlySet<string>): StepOutputs {
  const outputs = new Map<string, string>()
  const problems: string[] = []
  const take = (name: string, value: string) => {
    if (declared.has(name)) outputs.set(name, value)
    else problems.push(`The output ${JSON.stringify(name)} is not declared by the step; it was dropped.`)
  }
  const lines = text.split(/\r?\n/)
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!
    if (line.trim() === '') continue
    const at = `Line ${i + 1} of the output file`
    const [, name, operator, rest = ''] = /^([^=<\s][^=<]*?)(=|<<)(.*)$/s.exec(line) ?? []
    if (name === undefined) throw new Unreadable(`${at} is neither NAME=value nor NAME<<DELIMITER.`)
    if (operator === '=') take(name, rest)
    else {
      const end = lines.indexOf(rest, i + 1)
      if (end < 0) {
        const which = `the output ${JSON.stringify(name)}, but no line ${JSON.stringify(rest)} ends it`
        throw new Unreadable(`${at} begins ${which}.`)
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
  let found: StepOutputs
  try {
    found = parseOutputs(textOf(readBounded(path)), new Set(declared))
  } catch (error) {
    if (error instanceof Unreadable) return { outputs: new Map(), problems: [], failure: error.message }
    throw error
  }
  const { outputs, problems } = found
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

/** A replaced character would be a value that the step did not write. */
function textOf(file: Buffer): string {
  const text = file.toString().replace(/^\ufeff/, '')
  if (isUtf8(file) && unstorable(text) === undefined) return text
  for (const [i, line] of file.toString('latin1').split('\n').entries()) {
    const bytes = Buffer.from(line, 'latin1')
    const at = `Line ${i + 1} of the output file`
    if (!isUtf8(bytes)) throw new Unreadable(`${at} is not UTF-8.`)
    const wrong = unstorable(bytes.toString())
    if (wrong) throw new Unreadable(`${at} holds ${wrong.name}, which cannot be stored.`)
  }
  return text
}

/** Follows no link, waits for no other end of a pipe. */
function readBounded(path: string): Buffer {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return Buffer.alloc(0)
    throw new Unreadable(`The output file ${code === 'ELOOP' ? 'is a link' : `cannot be read (${code})`}.`)
  }
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile())
      throw new Unreadable(`The output file is ${stat.isDirectory() ? 'a folder' : 'no regular file'}.`)
    if (stat.size > MAX_FILE_BYTES) {
      throw new Unreadable(`The output file has ${stat.size} bytes; it may have ${MAX_FILE_BYTES}.`)
    }
    return readFileSync(fd)
  } catch (error) {
    if (error instanceof Unreadable) throw error
    throw new Unreadable(`The output file cannot be read (${(error as NodeJS.ErrnoException).code}).`)
  } finally {
    closeSync(fd)
  }
}
