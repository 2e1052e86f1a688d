// The comments and empty lines of a file, each under the entry that it belongs to, so that they can be kept, compared and put into
// another text of the same pipeline.
import { isMap, isScalar, isSeq, type Node, type Pair, type YAMLMap, type YAMLSeq } from 'yaml'
import { parseText } from './document.ts'
import { isNodeLike, pairKey, Source } from './source.ts'

/** What stands above an entry, line by line, and behind its first line. Both may be empty. */
export interface EntryComment {
  /** Without the entry's own indentation; an empty line is ''. */
  above: readonly string[]
  behind: string
}

/** By `commentPath`. Entries of which nothing is said are not in it. */
export type FileComments = ReadonlyMap<string, EntryComment>

/** An item of a list is named by what it says. */
export const commentPath = (path: readonly string[]) => path.join('\n')

export const noComment: EntryComment = { above: [], behind: '' }

export function sameComment(a: EntryComment, b: EntryComment): boolean {
  return a.behind === b.behind && a.above.join('\n') === b.above.join('\n')
}

/** Of a text that cannot be read: none. */
export function commentsOf(text: string): FileComments {
  const found = new Map<string, EntryComment>()
  for (const { path, above, behind } of placesOf(text)?.places ?? []) {
    if (above.length > 0 || behind !== '') found.set(commentPath(path), { above, behind })
  }
  return found
}

/** The text with these comments at the entries that it has; at all others its own. */
export function withComments(text: string, wanted: FileComments): string {
  if (wanted.size === 0) return text
  const found = placesOf(text)
  if (!found) return text
  const { source, places } = found
  const edits = places.flatMap((place) => {
    const comment = wanted.get(commentPath(place.path))
    if (!comment) return []
    const changes: { start: number; end: number; text: string }[] = []
    if (comment.above.join('\n') !== place.above.join('\n')) {
      const indent = ' '.repeat(place.column)
      const lines = comment.above.map((line) => (line === '' ? source.eol : indent + line + source.eol))
      changes.push({ start: place.from, end: place.lineStart, text: lines.join('') })
    }
    if (comment.behind !== place.behind && place.end !== undefined) {
      const [start, end] = place.end
      changes.push({ start, end, text: comment.behind === '' ? '' : ` ${comment.behind}` })
    }
    return changes
  })
  return source.apply(edits)
}

interface Place {
  path: readonly string[]
  column: number
  /** Where the lines above it begin, and where they end. */
  from: number
  lineStart: number
  above: readonly string[]
  behind: string
  /** Of what stands behind its first line; undefined where nothing can. */
  end: readonly [number, number] | undefined
}

function placesOf(text: string): { source: Source; places: Place[] } | undefined {
  const { document } = parseText(text)
  if (document === undefined || document.errors.length > 0 || !isMap(document.contents)) return undefined
  const source = new Source(text, document)
  const places: Place[] = []
  walkMap(source, document.contents, [], 0, places)
  return { source, places }
}

/** `floor`: where the content before it ends; what looks like a comment above that is none. */
function walkMap(source: Source, map: YAMLMap, path: readonly string[], floor: number, places: Place[]): void {
  if (map.flow) return
  let last = floor
  for (const pair of map.items) {
    const key = pairKey(pair)
    if (key === undefined) continue
    const own = [...path, key]
    const [start, keyEnd] = (pair.key as Node).range!
    const value = isNodeLike(pair.value) ? pair.value : undefined
    if (source.beginsLine(start)) places.push(placeAt(source, own, start, last, behindPair(source, pair, keyEnd)))
    if (isMap(value)) walkMap(source, value, own, keyEnd, places)
    if (isSeq(value)) walkList(source, value, own, keyEnd, places)
    last = source.pairContentEnd(pair)
  }
}

function walkList(source: Source, list: YAMLSeq, path: readonly string[], floor: number, places: Place[]): void {
  if (list.flow) return
  let last = floor
  for (const item of list.items) {
    if (!isNodeLike(item)) continue
    const [start, end] = item.range!
    const dash = source.text.lastIndexOf('-', start)
    const said = source.text.slice(start, end)
    // Of several lines it has entries of its own.
    if (isScalar(item) && source.beginsLine(dash) && !said.includes('\n'))
      places.push(placeAt(source, [...path, `- ${said}`], dash, last, end))
    last = source.contentEnd(item)
  }
}

/** `end`: where the content of the entry's first line ends. */
function placeAt(
  source: Source,
  path: readonly string[],
  start: number,
  floor: number,
  end: number | undefined,
): Place {
  const lineStart = source.lineStart(start)
  const column = start - lineStart
  let from = lineStart
  const above: string[] = []
  while (from > 0) {
    const previous = source.lineStart(from - 1)
    if (previous < floor) break
    const line = source.text.slice(previous, from).trimEnd()
    const trimmed = line.trimStart()
    if (trimmed !== '' && !trimmed.startsWith('#')) break
    above.unshift(trimmed === '' ? '' : ' '.repeat(Math.max(0, line.length - trimmed.length - column)) + trimmed)
    from = previous
  }
  const rest = end === undefined ? undefined : /^[^\r\n]*/.exec(source.text.slice(end))![0]
  const isFree = rest !== undefined && (rest.trim() === '' || /^\s+#/.test(rest))
  return {
    path,
    column,
    from,
    lineStart,
    above,
    behind: isFree ? rest.trim() : '',
    end: isFree && end !== undefined ? [end, end + rest.length] : undefined,
  }
}

function behindPair(source: Source, { key, value }: Pair, keyEnd: number): number | undefined {
  const colon = source.text.indexOf(':', (key as Node).range![1])
  if (colon < 0) return undefined
  if (!isNodeLike(value) || value.range![0] === value.range![1]) return Math.max(keyEnd, colon + 1)
  const [start, end] = value.range!
  const lineEnd = source.nextLine(colon)
  if (isScalar(value) && (value.type === 'BLOCK_LITERAL' || value.type === 'BLOCK_FOLDED')) {
    const header = /^[|>][-+0-9]*/.exec(source.text.slice(start))
    return header ? start + header[0].length : undefined
  }
  if (start >= lineEnd) return colon + 1
  return end <= lineEnd ? end : undefined
}
