// Owns the form of the files in which a step sets values: NAME=value and NAME<<DELIMITER blocks, as in GitHub's runner.
import { isUtf8 } from 'node:buffer'
import { unstorable } from '@ansflow/proto/characters'
import { limits } from '@ansflow/proto/limits'
import { readStepFile, Unreadable } from './step-file.ts'

/** With values that are not kept, and what is around them. */
const MAX_FILE_BYTES = 4 * limits.outputsBytes

/** `file`: "output file". `noun`: "output". Throws `Unreadable` at the first line that says nothing. */
export function readPairs(path: string, file: string, noun: string): [name: string, value: string][] {
  const pairs: [string, string][] = []
  const lines = readText(path, file).split(/\r?\n/)
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!
    if (line.trim() === '') continue
    const at = `Line ${i + 1} of the ${file}`
    const [, name, operator, rest = ''] = /^([^=<\s][^=<]*?)(=|<<)(.*)$/s.exec(line) ?? []
    if (name === undefined) throw new Unreadable(`${at} is neither NAME=value nor NAME<<DELIMITER.`)
    if (operator === '=') pairs.push([name, rest])
    else {
      const end = lines.indexOf(rest, i + 1)
      if (end < 0) {
        const which = `the ${noun} ${JSON.stringify(name)}, but no line ${JSON.stringify(rest)} ends it`
        throw new Unreadable(`${at} begins ${which}.`)
      }
      pairs.push([name, lines.slice(i + 1, end).join('\n')])
      i = end
    }
  }
  return pairs
}

/** A replaced character would be a value that the step did not write. */
export function readText(path: string, name: string): string {
  const file = readStepFile(path, name, MAX_FILE_BYTES)
  const text = file.toString().replace(/^\ufeff/, '')
  if (isUtf8(file) && unstorable(text) === undefined) return text
  for (const [i, line] of file.toString('latin1').split('\n').entries()) {
    const bytes = Buffer.from(line, 'latin1')
    const at = `Line ${i + 1} of the ${name}`
    if (!isUtf8(bytes)) throw new Unreadable(`${at} is not UTF-8.`)
    const wrong = unstorable(bytes.toString())
    if (wrong) throw new Unreadable(`${at} holds ${wrong.name}, which cannot be stored.`)
  }
  return text
}

/** UTF-8 bytes of names and values together. */
export function bytesOf(pairs: Iterable<[string, string]>): number {
  let bytes = 0
  for (const [name, value] of pairs) bytes += Buffer.byteLength(name) + Buffer.byteLength(value)
  return bytes
}
