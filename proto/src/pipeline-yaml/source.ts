// A YAML text as lines and nodes: where pairs and items begin and end, and a list of edits to apply at once.
import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  type Scalar,
  visit,
  type YAMLMap,
} from 'yaml'
import { scalarText } from './reader.ts'

export interface Edit {
  start: number
  end: number
  text: string
}

export class Source {
  readonly text: string
  /** Where each line begins. */
  private readonly lineStarts: number[] = [0]
  /** The outermost flow collections, from where they begin to where they end. */
  private readonly flows: [start: number, end: number][] = []
  readonly document: Document.Parsed
  readonly eol: string
  /** Spaces a level is indented by. */
  readonly step: number

  constructor(text: string, document: Document.Parsed) {
    this.text = text
    this.document = document
    this.eol = /\r\n/.test(text) ? '\r\n' : '\n'
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.lineStarts.push(at + 1)
    visit(document, {
      Collection: (_, { flow, range }) => {
        if (!flow || range == null) return undefined
        this.flows.push([range[0], range[1]])
        return visit.SKIP
      },
    })
    this.step = this.indentStep()
  }

  lineStart(offset: number): number {
    return this.lineStarts[lastBefore(this.lineStarts, offset, (start) => start)] ?? 0
  }

  /** After the line break that ends the line of `offset`, or the end of the text. */
  nextLine(offset: number): number {
    const at = this.text.indexOf('\n', offset)
    return at < 0 ? this.text.length : at + 1
  }

  column(offset: number): number {
    return offset - this.lineStart(offset)
  }

  /** Only spaces stand before it in its line. */
  beginsLine(offset: number): boolean {
    return /^ *$/.test(this.text.slice(this.lineStart(offset), offset))
  }

  /** Where the text of a node ends, without comments and empty lines behind it. */
  contentEnd(node: Node): number {
    if (isCollection(node) && !node.flow && node.items.length > 0) {
      const last = node.items.at(-1) as Node | Pair
      if (isMap(node)) return this.pairContentEnd(last as Pair)
      return isNodeLike(last) ? this.contentEnd(last) : node.range![1]
    }
    return node.range![1]
  }

  pairContentEnd({ key, value }: Pair): number {
    const keyEnd = (key as Node).range![1]
    if (!isNodeLike(value)) return keyEnd + 1
    return Math.max(this.contentEnd(value), keyEnd + 1)
  }

  /** After the last line of content that ends at `end`: behind its comment, before empty lines. */
  endOfLines(end: number): number {
    if (end > 0 && this.text[end - 1] === '\n') {
      let at = end
      for (;;) {
        const previous = this.lineStart(at - 1)
        if (previous >= at || this.text.slice(previous, at).trim() !== '') return at
        at = previous
      }
    }
    return this.nextLine(end)
  }

  /** Where the comment lines directly above a line begin, if they are indented like it. */
  commentStart(lineStart: number, indent: number, notBefore: number): number {
    let at = lineStart
    while (at > notBefore) {
      const previous = this.lineStart(at - 1)
      const line = this.text.slice(previous, at)
      if (previous < notBefore || !line.trim().startsWith('#') || line.search(/\S/) !== indent) break
      at = previous
    }
    return at
  }

  apply(edits: readonly Edit[]): string {
    let result = ''
    let at = 0
    for (const { start, end, text } of inOrder(edits)) {
      result += this.text.slice(at, Math.max(at, start))
      // A last line without a line break gets one before something is put after it.
      if (text !== '' && start === this.text.length && result !== '' && !result.endsWith('\n') && text.endsWith('\n')) {
        result += this.eol + (this.eol === '\r\n' ? text.slice(0, -2) : text.slice(0, -1))
      } else result += text
      at = Math.max(at, end)
    }
    return result + this.text.slice(at)
  }

  /** Whether the offset stands inside a flow collection. */
  isFlow(offset: number): boolean {
    const flow = this.flows[lastBefore(this.flows, offset - 1, ([start]) => start)]
    return flow !== undefined && offset < flow[1]
  }

  private indentStep(): number {
    const root = this.document.contents
    if (!isMap(root)) return 2
    for (const { value } of root.items) {
      if (!isMap(value) || value.flow || value.items.length === 0) continue
      const column = this.column((value.items[0]!.key as Node).range![0])
      if (column > 0 && column <= 8) return column
    }
    return 2
  }
}

/** The edits from first to last; throws when they overlap. */
export function inOrder(edits: readonly Edit[]): Edit[] {
  const ordered = edits
    .map((edit, order) => ({ ...edit, order }))
    .sort((a, b) => a.start - b.start || a.end - b.end || a.order - b.order)
  let at = 0
  for (const { start, end } of ordered) {
    // What is put inside of something that goes stands in its place.
    if (start < at && start < end) throw new Error('edits overlap')
    at = Math.max(at, end)
  }
  return ordered
}

/** The index of the last item that begins at `offset` or before it; -1 when there is none. */
function lastBefore<T>(items: readonly T[], offset: number, startOf: (item: T) => number): number {
  let low = 0
  let high = items.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (startOf(items[middle]!) <= offset) low = middle + 1
    else high = middle
  }
  return low - 1
}

export function isNodeLike(value: unknown): value is Node {
  return isAlias(value) || isScalar(value) || isMap(value) || isSeq(value)
}

export function pairKey(pair: Pair): string | undefined {
  return isScalar(pair.key) ? scalarText(pair.key as Scalar) : undefined
}

export function pairOf(map: YAMLMap, key: string): Pair | undefined {
  return map.items.find((pair) => pairKey(pair) === key)
}
