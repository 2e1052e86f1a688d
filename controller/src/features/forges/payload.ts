// What others wrote, field by field: each is asked for with the form that it must have, and only a body's own fields are seen.
import { gitRefProblem } from '@ansflow/proto/steps/git-url'
import type { JsonValue } from '@bufbuild/protobuf'

export const longestName = 255
/** What a column holds. */
const farFuture = Date.UTC(9999, 0)

/** A field is not there, or is no such thing. `path`: "pull_request.head.sha". */
export class IncompleteError extends Error {
  override readonly name = 'IncompleteError'
  readonly path: string

  constructor(path: string) {
    super(`The field ${path} is missing, or is not of the form that it must have.`)
    this.path = path
  }
}

/** A value and where it stands; those that ask for something throw `IncompleteError` where it is something else. */
export class Part {
  readonly value: JsonValue | undefined
  readonly path: string

  constructor(value: JsonValue | undefined, path = '') {
    this.value = value
    this.path = path
  }

  /** "head.sha". Nothing where there is no such field, and where what should hold it is no object. */
  at(path: string): Part {
    let part: Part = this
    for (const key of path.split('.')) {
      const { value } = part
      const isHolder = typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, key)
      part = new Part(isHolder ? value[key] : undefined, part.path === '' ? key : `${part.path}.${key}`)
    }
    return part
  }

  get isNothing(): boolean {
    return this.value === undefined || this.value === null
  }

  /** The first of the fields that is there; the first of all where none is. */
  either(...paths: string[]): Part {
    const parts = paths.map((path) => this.at(path))
    return parts.find((part) => !part.isNothing) ?? parts[0]!
  }

  /** At most so many of the list; none where it is nothing. */
  items(most: number): Part[] {
    if (this.isNothing) return []
    if (!Array.isArray(this.value)) throw this.wrong()
    return this.value.slice(0, most).map((value, i) => new Part(value, `${this.path}[${i}]`))
  }

  text(): string {
    if (typeof this.value !== 'string') throw this.wrong()
    return this.value
  }

  /** For people to read: without what they do not see, and no longer than that. Empty where it is nothing. */
  shown(most: number, lines: 'lines' | 'line' = 'line'): string {
    return this.isNothing ? '' : shownText(this.text(), most, lines)
  }

  /** `shown`, and there is something to show. */
  name(): string {
    const text = shownText(this.text(), longestName, 'line')
    if (text === '') throw this.wrong()
    return text
  }

  /** `shown`, and empty where it is something else altogether: for what nothing depends on. */
  shownOrNone(most: number): string {
    return typeof this.value === 'string' ? shownText(this.value, most, 'line') : ''
  }

  /** False where it is nothing. */
  flag(): boolean {
    if (this.isNothing) return false
    if (typeof this.value !== 'boolean') throw this.wrong()
    return this.value
  }

  /** From 1. */
  number(): number {
    if (typeof this.value !== 'number' || !Number.isSafeInteger(this.value) || this.value < 1) throw this.wrong()
    return this.value
  }

  /** Undefined where it is something else altogether: for what nothing breaks without. */
  timeOrNone(): Date | undefined {
    const at = typeof this.value === 'string' && this.value.length <= 64 ? Date.parse(this.value) : Number.NaN
    return at >= 0 && at < farFuture ? new Date(at) : undefined
  }

  /** In small letters. */
  commit(): string {
    const text = this.text().toLowerCase()
    if (!isCommit(text) || isZero(text)) throw this.wrong()
    return text
  }

  /** Empty where it is nothing, "" or zeros. */
  commitOrNone(): string {
    if (this.isNothing || this.value === '') return ''
    const text = this.text().toLowerCase()
    return isCommit(text) && isZero(text) ? '' : this.commit()
  }

  /** "refs/heads/main", or something else below refs/. */
  ref(): string {
    const text = this.text()
    if (!text.startsWith('refs/') || gitRefProblem(text)) throw this.wrong()
    return text
  }

  /** The name of a branch or tag. */
  refName(under: 'refs/heads/' | 'refs/tags/'): string {
    const text = this.text()
    if (text === '' || text.startsWith('-') || gitRefProblem(under + text)) throw this.wrong()
    return text
  }

  /** "acme/shop", "acme/tools/shop". */
  repository(): string {
    const text = this.text()
    if (!isRepositoryName(text)) throw this.wrong()
    return text
  }

  /** For people to follow: of the web, and without a user or password in it. */
  link(): string {
    const text = this.text()
    if (!isLink(text)) throw this.wrong()
    return text
  }

  wrong(): IncompleteError {
    return new IncompleteError(this.path)
  }
}

export function isCommit(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text)
}

export function isRepositoryName(text: string): boolean {
  return text.length <= longestName && /^[\w.-]+(?:\/[\w.-]+)+$/.test(text) && !/(?:^|\/)\.{1,2}(?:\/|$)/.test(text)
}

export function isLink(text: string): boolean {
  const url = text.length <= 2048 ? URL.parse(text) : null
  return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
}

/** Signs that nobody sees, that turn the direction of what follows, or that end a line where it does not look so. */
const unseen = /[\p{Cc}\p{Zl}\p{Zp}\u061C\u200B\u200E\u200F\u202A-\u202E\u2066-\u2069\uFEFF]+/gu
const unseenInLines = /[^\P{Cc}\n\t]|[\p{Zl}\p{Zp}\u061C\u200B\u200E\u200F\u202A-\u202E\u2066-\u2069\uFEFF]/gu

/** `most`: in UTF-16 units. Half characters become U+FFFD, and none is cut in half. */
export function shownText(text: string, most: number, lines: 'lines' | 'line'): string {
  // What is cut off is not looked at: others decide how long it is.
  const whole = text.slice(0, most * 2).toWellFormed()
  const clean = lines === 'line' ? whole.replace(unseen, ' ') : whole.replace(/\r\n?/g, '\n').replace(unseenInLines, '')
  const cut = clean.trim().slice(0, most)
  return (/[\uD800-\uDBFF]$/.test(cut) ? cut.slice(0, -1) : cut).trimEnd()
}

function isZero(text: string): boolean {
  return /^0+$/.test(text)
}
