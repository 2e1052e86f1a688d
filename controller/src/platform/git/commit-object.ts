// Reads git's commit objects. Whoever made one may have written anything into it. Pure.
import type { GitCommit } from './git.ts'

/** As it crosses processes. */
export type CommitFacts = Omit<GitCommit, 'committedAt'> & { committedAt: number }

const mostMessage = 4096
const mostAuthor = 512
const mostParents = 64
/** The largest time that a Date can have, in seconds. */
const mostSeconds = 8_640_000_000_000

export function commitOf(id: string, content: Buffer): CommitFacts {
  const end = content.indexOf('\n\n')
  const head = content.subarray(0, end < 0 ? content.length : end)
  const fields = head.toString('latin1').split('\n')
  const encoding = fieldOf(fields, 'encoding')
  const parents = fields.filter((line) => /^parent [0-9a-f]+$/.test(line)).map((line) => line.slice('parent '.length))
  // A letter has four bytes at most.
  const message = content.subarray(end < 0 ? content.length : end + 2).subarray(0, mostMessage * 4)
  const committer = / (-?\d{1,15}) [+-]\d+$/.exec(fieldOf(fields, 'committer'))
  const seconds = Math.min(Math.max(Number(committer?.[1] ?? 0), 0), mostSeconds)
  return {
    id,
    parents: parents.slice(0, mostParents),
    author: personOf(decoded(Buffer.from(fieldOf(fields, 'author'), 'latin1'), encoding)),
    committedAt: seconds * 1000,
    message: cut(decoded(message, encoding), mostMessage).trimEnd(),
  }
}

function fieldOf(fields: string[], name: string): string {
  return fields.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1) ?? ''
}

/** Without the time. */
function personOf(text: string): string {
  return cut(text.replace(/ -?\d+ [+-]\d+$/, '').trim(), mostAuthor)
}

function decoded(bytes: Buffer, encoding: string): string {
  try {
    return new TextDecoder(encoding || 'utf-8').decode(bytes)
  } catch {
    return bytes.toString()
  }
}

/** Not in the middle of a letter. */
function cut(text: string, most: number): string {
  return text.slice(0, most).replace(/[\uD800-\uDBFF]$/, '')
}
