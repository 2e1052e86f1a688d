// Owns the look of dumps (xxd, hexdump, od): how their lines go on, and what one of their cells shows. Pure.
import { type Bytes, controlOf, digit } from './escapes.ts'

const SPACE = 32
const NEWLINE = 10
const BACKSLASH = 92
const COLON = 58
/** Longer lines are none of a dump; nor are longer columns of text. */
const MAX_LINE = 160
const MAX_TEXT = 40
const MIN_OFFSET = 6
const MAX_OFFSET = 16
const CELL = 4

/** Where the line ends that goes on at `at`, or -1. Where no more input is, it ends. */
function lineEnd(input: Bytes, at: number, most: number): number {
  for (let end = at; end - at < most; end++) {
    const byte = input.at(end)
    if (byte === NEWLINE || byte < 0) return end
  }
  return -1
}

/** Behind the offset with which the next line begins, when the one that goes on at `at` has no more bytes to show; or -1. */
export function nextLine(input: Bytes, at: number): number {
  const first = input.at(at)
  if (first !== NEWLINE && (first !== SPACE || input.at(at + 1) !== SPACE || isHex(input, at + 2))) return -1
  const end = lineEnd(input, at, MAX_TEXT)
  return end < 0 || input.at(end) < 0 ? -1 : behindOffset(input, end + 1)
}

/** Two bytes more of the same line, behind the gap in its middle. */
function isHex(input: Bytes, at: number): boolean {
  return [at, at + 1, at + 3, at + 4].every((place) => digit(input.at(place), 16) >= 0) && input.at(at + 2) === SPACE
}

/** Where the hex digits of an offset, its colon and the blanks behind it end, or -1. */
function behindOffset(input: Bytes, begin: number): number {
  let at = begin
  while (at - begin < MAX_OFFSET && digit(input.at(at), 16) >= 0) at++
  if (at - begin < MIN_OFFSET) return -1
  if (input.at(at) === COLON) at++
  const blanks = at
  while (at - blanks < CELL && input.at(at) === SPACE) at++
  return at > blanks ? at : -1
}

/** The end of the line, when there is a column behind what stands at `at` that shows the same as text; else `at`. */
export function behindText(input: Bytes, at: number): number {
  const end = lineEnd(input, at, MAX_LINE)
  for (let i = at; i + 2 < end; i++) {
    if (input.at(i) === SPACE && input.at(i + 1) === SPACE && input.at(i + 2) !== SPACE) return end
  }
  return at
}

export interface Cell {
  byte: number
  next: number
}

/** The cell of `od -c`, `od -b`, `od -a` or `hexdump -c` at `at`, or the first one of the next line. */
export function cellAt(input: Bytes, at: number): Cell | undefined {
  if (input.at(at) !== NEWLINE) return cell(input, at)
  let begin = at + 1
  while (begin - at <= MAX_OFFSET && digit(input.at(begin), 16) >= 0) begin++
  return cell(input, begin)
}

/** Four characters, what they show at the right. */
function cell(input: Bytes, at: number): Cell | undefined {
  if (input.at(at) !== SPACE) return undefined
  const byte = shown(input.at(at + 1), input.at(at + 2), input.at(at + 3))
  return byte < 0 ? undefined : { byte, next: at + CELL }
}

function shown(first: number, second: number, third: number): number {
  if (first === SPACE && second === SPACE) return third < SPACE ? -1 : third
  if (first === SPACE && second === BACKSLASH) return Math.max(-1, controlOf(third & 255))
  if (first === SPACE) return names.get(String.fromCharCode(second, third)) ?? -1
  return octal(first, second, third)
}

/** Of `od -a`. */
const names = new Map([
  ['sp', SPACE],
  ['nl', NEWLINE],
  ['ht', 9],
  ['cr', 13],
])

/** Of three digits, or -1. */
function octal(first: number, second: number, third: number): number {
  const digits = [first, second, third].map((byte) => digit(byte, 8))
  return digits.includes(-1) ? -1 : digits.reduce((value, one) => value * 8 + one) & 255
}
