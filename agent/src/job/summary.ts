// Owns the reading of a step's summary file: what it tells people, in Markdown, masked and within its limit.
import { limits } from '@ansflow/proto/limits'
import { readStepFile, Unreadable } from './step-file.ts'

/** So that a secret which the limit cuts is still known as one. */
const READ_BYTES = limits.summaryBytes + limits.maskBytes

export interface Summary {
  markdown: string
  cut: boolean
  /** English, one line, for the log. */
  problem?: string
}

/** It is for people: what is odd about it fails nobody. */
export function readSummary(path: string, masked: (text: string) => string): Summary {
  let file: Buffer
  try {
    file = readStepFile(path, 'summary file', READ_BYTES + 1, 'cut')
  } catch (error) {
    if (error instanceof Unreadable) return { markdown: '', cut: false, problem: `${error.message} It is left out.` }
    throw error
  }
  const hasMore = file.length > READ_BYTES
  const read = masked(
    file
      .subarray(0, READ_BYTES)
      .toString()
      .replace(/^\ufeff/, '')
      .replaceAll('\0', ''),
  )
  // What the end of the read part has cut in two is not known to be no secret.
  const known = hasMore ? read.slice(0, read.lastIndexOf('\n') + 1) : read
  const markdown = firstBytes(known, limits.summaryBytes)
  const cut = hasMore || markdown.length < known.length
  if (!cut) return { markdown: markdown.trim() === '' ? '' : markdown, cut }
  return { markdown, cut, problem: `The summary has more than ${limits.summaryBytes} bytes; the rest is left out.` }
}

/** Whole lines, where there are some. */
function firstBytes(text: string, most: number): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= most) return text
  let end = most
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--
  const cut = bytes.toString('utf8', 0, end)
  const line = cut.lastIndexOf('\n') + 1
  return line > cut.length / 2 ? cut.slice(0, line) : cut
}
