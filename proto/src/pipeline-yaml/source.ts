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
  readonly document: Document.Parsed
  readonly eol: string
  /** Spaces a level is indented by. */
  readonly step: number

  constructor(text: string, document: Document.Parsed) {
    this.text = text
    this.document = document
    this.eol = /\r\n/.test(text) ? '\r\n' : '\n'
    this.step = this.indentStep()
  }

  lineStart(offset: number): number {
    return this.text.lastIndexOf('\n', offset - 1) + 1
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
    const ordered = edits
      .map((edit, order) => ({ ...edit, order }))
      .sort((a, b) => a.start - b.start || a.end - b.end || a.order - b.order)
    let result = ''
    let at = 0
    for (const { start, end, text } of ordered) {
      // What is put inside of something that goes stands in its place.
      if (start < at && start < end) throw new Error('edits overlap')
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
    let inside = false
    const look = (node: unknown): void => {
      if (!(isMap(node) || isSeq(node)) || node.range == null || offset < node.range[0] || offset >= node.range[2])
        return
      if (node.flow) {
        inside = offset > node.range[0] && offset < node.range[1]
        return
      }
      for (const item of node.items as (Node | Pair)[]) {
        if (isNodeLike(item)) look(item)
        else if (isNodeLike(item.value)) look(item.value)
      }
    }
    look(this.document.contents)
    return inside
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

export function isNodeLike(value: unknown): value is Node {
  return isAlias(value) || isScalar(value) || isMap(value) || isSeq(value)
}

export function pairKey(pair: Pair): string | undefined {
  return isScalar(pair.key) ? scalarText(pair.key as Scalar) : undefined
}

export function pairOf(map: YAMLMap, key: string): Pair | undefined {
  return map.items.find((pair) => pairKey(pair) === key)
}
