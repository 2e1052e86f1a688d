// Owns finding what a log marks for people, lines such as `::error file=a.ts,line=3::message`, as the log passes. Pure, and the same however
// the log is cut into pieces: who reads it again from its beginning finds the same. It is given what leaves the host, so masked.
import { type Annotation, AnnotationLevel, AnnotationSchema } from '@ansflow/proto/gen/ansflow/v1/reports_pb'
import { limits } from '@ansflow/proto/limits'
import { annotationLevels, annotationOf, readCommand } from '@ansflow/proto/workflow-command'
import { create } from '@bufbuild/protobuf'
import { beginsLine, lineOf, MAX_PREFIX } from './line-beginning.ts'

const NEWLINE = 10
const COLONS = Buffer.from('::')
/** Of a line that is looked at; its message is cut sooner. */
const MAX_LINE = 32 * 1024
/** In one piece; where there are more, lines are looked at one by one. */
const MOST_MISSES = 64
const words = annotationLevels.map((level) => `::${level}`)
const LONGEST = Math.max(...words.map((word) => word.length))
const BEGINS = beginsLine(...words)
const LEVELS = {
  notice: AnnotationLevel.NOTICE,
  warning: AnnotationLevel.WARNING,
  error: AnnotationLevel.ERROR,
} as const
// biome-ignore lint/suspicious/noControlCharactersInRegex: escapes are what is looked for
const ESCAPES = /\u001b(?:\[[0-9;:?]*[A-Za-z]|\(B|\][^\u0007\u001b\n]*(?:\u0007|\u001b\\))/g

export interface Annotations {
  annotations: Annotation[]
  leftOut: number
}

export class AnnotationFinder {
  readonly #found: Annotation[] = []
  #leftOut = 0
  /** Bytes that have passed. */
  #passed = 0
  /** The next byte begins a line. */
  #lineStarts = true
  /** A line that has not ended, and may be or become an annotation. */
  #line: Buffer | undefined
  #lineAt = 0

  pass(bytes: Buffer): void {
    let from = 0
    if (this.#line) {
      const newline = bytes.indexOf(NEWLINE)
      const end = newline < 0 ? bytes.length : newline
      this.#line = Buffer.concat([this.#line, bytes.subarray(0, Math.min(end, MAX_LINE - this.#line.length))])
      if (newline < 0) {
        if (!mayBe(this.#line)) this.#line = undefined
        this.#passed += bytes.length
        return
      }
      this.#take(this.#line, this.#lineAt)
      this.#line = undefined
      from = end + 1
      this.#lineStarts = true
    }
    this.#look(bytes, from)
    this.#passed += bytes.length
  }

  /** Of all that has passed; more may follow. */
  get all(): Annotations {
    const last = this.#line && this.#read(this.#line, this.#lineAt)
    const hasRoom = this.#found.length < limits.annotations
    return {
      annotations: last && hasRoom ? [...this.#found, last] : [...this.#found],
      leftOut: this.#leftOut + Number(last !== undefined && !hasRoom),
    }
  }

  /** From `from`, where a line begins unless that is 0. */
  #look(bytes: Buffer, from: number): void {
    let at = from
    let misses = 0
    for (let hit = bytes.indexOf(COLONS, at); hit >= 0; hit = bytes.indexOf(COLONS, at)) {
      at = hit + 1
      const line = isLevel(bytes[hit + 2]) ? lineOf(bytes, hit, this.#lineStarts) : -1
      if (line < 0) {
        // Such as the output of a C++ compiler: there are fewer lines than colons.
        if (++misses > MOST_MISSES) {
          this.#lookByLines(bytes, at)
          break
        }
        continue
      }
      const newline = bytes.indexOf(NEWLINE, hit)
      if (newline < 0) break
      this.#take(bytes.subarray(line, newline), this.#passed + line)
      at = newline + 1
    }
    const last = bytes.lastIndexOf(NEWLINE) + 1
    const tail = bytes.subarray(last)
    const isStart = last > 0 || this.#lineStarts
    this.#lineStarts = isStart && tail.length === 0
    if (!isStart || tail.length === 0 || !mayBe(tail)) return
    this.#line = Buffer.from(tail.subarray(0, MAX_LINE))
    this.#lineAt = this.#passed + last
  }

  /** Of the lines that begin behind `from`. */
  #lookByLines(bytes: Buffer, from: number): void {
    for (let line = bytes.indexOf(NEWLINE, from) + 1; line > 0; ) {
      const newline = bytes.indexOf(NEWLINE, line)
      if (newline < 0) return
      if (beginsAt(bytes, line)) this.#take(bytes.subarray(line, newline), this.#passed + line)
      line = newline + 1
    }
  }

  #take(line: Buffer, at: number): void {
    const annotation = this.#read(line, at)
    if (!annotation) return
    if (this.#found.length < limits.annotations) this.#found.push(annotation)
    else this.#leftOut++
  }

  #read(line: Buffer, at: number): Annotation | undefined {
    const text = line
      .subarray(0, MAX_LINE)
      .toString()
      .replace(/^\ufeff/, '')
      .replace(ESCAPES, '')
      .trim()
    const command = readCommand(text.replaceAll('\0', ''))
    const said = command && annotationOf(command)
    return said && create(AnnotationSchema, { ...said, level: LEVELS[said.level], logOffset: BigInt(at) })
  }
}

/** What may follow the colons. */
function isLevel(byte: number | undefined): boolean {
  // Of n, w, e and their capitals, or behind the end of what is there.
  return byte === undefined || byte === 110 || byte === 119 || byte === 101 || byte === 78 || byte === 87 || byte === 69
}

function beginsAt(bytes: Buffer, line: number): boolean {
  let at = line
  while (bytes[at] === 32 || bytes[at] === 9 || bytes[at] === 13) at++
  if (bytes[at] !== 58 && bytes[at] !== 27 && bytes[at] !== 0xef) return false
  const hit = bytes[at] === 58 ? at : bytes.indexOf(COLONS, at)
  return hit >= 0 && bytes[hit + 1] === 58 && isLevel(bytes[hit + 2]) && lineOf(bytes, hit, false) === line
}

function mayBe(line: Buffer): boolean {
  const begin = line.toString('latin1', 0, MAX_PREFIX + LONGEST)
  if (line.length <= MAX_PREFIX + LONGEST && BEGINS.test(begin)) return true
  const colons = begin.indexOf('::')
  return (
    colons >= 0 &&
    words.some((word) => begin.slice(colons, colons + word.length).toLowerCase() === word) &&
    lineOf(line, colons, true) === 0
  )
}
