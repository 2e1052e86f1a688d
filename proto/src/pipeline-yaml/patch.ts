// Changes a text so that it says another tree, touching only the lines that say something else.
import { isMap, isScalar, isSeq, type Node, type Pair, Scalar, type YAMLMap, type YAMLSeq } from 'yaml'
import { renames } from './rename.ts'
import { type Edit, inOrder, isNodeLike, pairKey, type Source } from './source.ts'
import { renderEntry, renderItem, renderKey, renderValue } from './text.ts'
import { identity, isMapTree, sameTree, type Tree, type TreeMap } from './tree-value.ts'

/** The edits that turn `before` (what the source says) into `after`; throws when the text is written too unusually. */
export function patchEdits(source: Source, before: TreeMap, after: TreeMap): Edit[] {
  const root = source.document.contents
  if (!isMap(root)) throw new Error('the file is no map')
  const patch = new Patch(source)
  patch.map(root, before, after)
  return patch.edits
}

class Patch {
  readonly source: Source
  readonly edits: Edit[] = []

  constructor(source: Source) {
    this.source = source
  }

  edit(start: number, end: number, text: string): void {
    this.edits.push({ start, end, text })
  }

  /** Tries the finer way; what it did is taken back when it cannot. */
  attempt(run: () => void): boolean {
    const before = this.edits.length
    try {
      run()
      inOrder(this.edits.slice(before))
      return true
    } catch {
      this.edits.length = before
      return false
    }
  }

  map(node: YAMLMap, before: TreeMap, after: TreeMap): void {
    const pairs = new Map<string, Pair>()
    for (const pair of node.items) {
      const key = pairKey(pair)
      if (key !== undefined && !pairs.has(key)) pairs.set(key, pair)
    }
    const renamed = renames(before, after)
    for (const [from, to] of renamed) {
      const pair = pairs.get(from)
      if (pair === undefined) continue
      const range = (pair.key as Node).range!
      this.edit(range[0], range[1], renderKey(to))
      pairs.delete(from)
      pairs.set(to, pair)
    }
    const old = new Map([...before].map(([key, value]) => [renamed.get(key) ?? key, value]))
    const gone = [...old.keys()].filter((key) => !after.has(key)).map((key) => pairs.get(key))
    this.remove(node, new Set(gone.filter((pair) => pair !== undefined)))
    let previous: Pair | undefined
    for (const [key, value] of after) {
      const pair = pairs.get(key)
      if (pair === undefined) {
        if (!old.has(key) || !sameTree(old.get(key), value)) this.insert(node, previous, key, value)
        continue
      }
      previous = pair
      if (!old.has(key) || !sameTree(old.get(key), value)) this.change(pair, old.get(key), value)
    }
  }

  change(pair: Pair, before: Tree | undefined, after: Tree): void {
    const keyNode = pair.key as Node
    const node = isNodeLike(pair.value) ? pair.value : undefined
    if (node !== undefined && this.inside(node, before, after)) return
    const indent = this.source.column(keyNode.range![0])
    const flow = this.source.isFlow(keyNode.range![0])
    if (isScalar(node) && !isMapTree(after) && !Array.isArray(after)) {
      this.scalar(node, after, indent, flow)
      return
    }
    const colon = this.source.text.indexOf(':', keyNode.range![1])
    const end = node === undefined ? colon + 1 : this.source.contentEnd(node)
    this.put(colon + 1, Math.max(end, colon + 1), renderValue(after, { indent, flow, step: this.source.step }), flow)
  }

  /** Goes into collections of the same kind. */
  inside(node: Node, before: Tree | undefined, after: Tree): boolean {
    if (isMap(node) && isMapTree(before) && isMapTree(after) && after.size > 0 && node.items.length > 0) {
      return this.attempt(() => this.map(node, before, after))
    }
    if (isSeq(node) && Array.isArray(before) && Array.isArray(after) && after.length > 0) {
      return this.attempt(() => this.list(node, before, after))
    }
    return false
  }

  scalar(node: Scalar, after: Tree, indent: number, flow: boolean): void {
    const [start, end] = node.range!
    const quoted = node.type === Scalar.QUOTE_SINGLE || node.type === Scalar.QUOTE_DOUBLE
    const style = quoted ? { quote: node.type as Scalar.Type } : {}
    this.put(start, end, renderValue(after, { indent, flow, step: this.source.step, ...style }), flow)
  }

  /** Puts a value in the place of another; a comment behind it stays on the first line. */
  put(start: number, end: number, value: string, flow: boolean): void {
    const { text, eol } = this.source
    const endsLine = end > start && text[end - 1] === '\n'
    const spaced = /[\s[{,]/.test(text[start - 1] ?? ' ') || value.startsWith('\n') ? value : ` ${value}`
    let rendered = spaced.replaceAll('\n', eol)
    let stop = end
    if (!flow && rendered.includes('\n') && !endsLine) {
      const rest = /^[^\r\n]*/.exec(text.slice(end))![0]
      if (rest.trim() !== '') {
        if (!rest.trim().startsWith('#')) throw new Error('something stands behind the value')
        const cut = rendered.indexOf(eol)
        rendered = `${rendered.slice(0, cut)} ${rest.trim()}${rendered.slice(cut)}`
        stop = end + rest.length
      }
    }
    this.edit(start, stop, endsLine ? rendered + eol : rendered)
  }

  remove(node: YAMLMap, gone: ReadonlySet<Pair>): void {
    const { source } = this
    if (node.flow) {
      this.removeFlow(
        node.items.map((each) => this.flowRange(each)),
        node.items.map((each) => gone.has(each)),
      )
      return
    }
    for (const [i, pair] of node.items.entries()) {
      if (!gone.has(pair)) continue
      const start = (pair.key as Node).range![0]
      if (!source.beginsLine(start)) throw new Error('the key does not begin its line')
      // A comment above belongs to the entry, except at the head of the file.
      const head = source.column(start) === 0 ? source.lineStart(start) : 0
      const before = i > 0 ? source.endOfLines(source.pairContentEnd(node.items[i - 1]!)) : head
      const from = source.commentStart(source.lineStart(start), source.column(start), before)
      this.removeLines(before, from, source.endOfLines(source.pairContentEnd(pair)))
    }
  }

  /** An empty line above goes too when another one follows, or nothing. */
  removeLines(notBefore: number, from: number, to: number): void {
    const { text } = this.source
    const follows = to >= text.length || /^[ \t]*\r?\n/.test(text.slice(to, to + 200))
    let start = from
    while (follows && start > notBefore) {
      const previous = this.source.lineStart(start - 1)
      if (previous < notBefore || text.slice(previous, start).trim() !== '') break
      start = previous
      if (to < text.length) break
    }
    this.edit(start, to, '')
  }

  insert(node: YAMLMap, previous: Pair | undefined, key: string, value: Tree): void {
    const { source } = this
    const first = node.items[0]
    if (first === undefined) throw new Error('the map is empty')
    const start = (first.key as Node).range![0]
    if (node.flow) {
      const entry = renderEntry(key, value, { indent: 0, flow: true, step: source.step })
      const range = previous === undefined ? undefined : this.flowRange(previous)
      if (range === undefined) this.edit(start, start, `${entry}, `)
      else this.edit(range.end, range.end, `, ${entry}`)
      return
    }
    const column = source.column(start)
    if (previous === undefined && !source.beginsLine(start)) throw new Error('the map does not begin its line')
    const at = previous === undefined ? source.lineStart(start) : source.endOfLines(source.pairContentEnd(previous))
    const lines = renderEntry(key, value, { indent: column, flow: false, step: source.step })
    const apart = previous !== undefined && this.areApart(node) ? '\n' : ''
    this.edit(at, at, `${apart}${' '.repeat(column)}${lines}\n`.replaceAll('\n', source.eol))
  }

  /** Entries of several lines that all have an empty line between them. */
  areApart(node: YAMLMap): boolean {
    const { source } = this
    if (node.items.length < 2) return false
    return node.items.slice(1, 6).every((pair, i) => {
      const end = source.endOfLines(source.pairContentEnd(node.items[i]!))
      return /^[ \t]*\r?\n/.test(source.text.slice(end, (pair.key as Node).range![0]))
    })
  }

  list(node: YAMLSeq, before: readonly Tree[], after: readonly Tree[]): void {
    const items = node.items.filter(isNodeLike)
    const old = before.map(identity)
    const wanted = after.map(identity)
    const places = new Map(old.map((id, i) => [id, i]))
    const stays = new Set(wanted)
    if (items.length !== before.length || places.size < old.length || stays.size < wanted.length) {
      throw new Error('the items cannot be told apart')
    }
    const kept = wanted.filter((id) => places.has(id))
    if (kept.join('\n') !== old.filter((id) => stays.has(id)).join('\n')) throw new Error('the order changed')
    const ranges = items.map((item) =>
      node.flow ? { start: item.range![0], end: item.range![1] } : this.itemLines(item),
    )
    // An item in the place of another is written over it.
    const replaces = (i: number) => old.length === wanted.length && !places.has(wanted[i]!) && !stays.has(old[i]!)
    const gone = old.map((id, i) => !stays.has(id) && !replaces(i))
    if (node.flow) this.removeFlow(ranges, gone)
    else for (const [i, { start, end }] of ranges.entries()) if (gone[i]) this.edit(start, end, '')
    let previous = -1
    for (const [i, id] of wanted.entries()) {
      const at = replaces(i) ? i : (places.get(id) ?? -1)
      if (at < 0) this.insertItem(node, ranges, previous, after[i]!)
      else {
        previous = at
        if (!sameTree(before[at], after[i])) this.changeItem(items[at]!, node, before[at]!, after[i]!)
      }
    }
  }

  changeItem(item: Node, list: YAMLSeq, before: Tree, after: Tree): void {
    if (this.inside(item, before, after)) return
    const indent = this.source.column(item.range![0])
    const flow = list.flow === true || isMapTree(after)
    const value = renderValue(after, { indent, flow, step: this.source.step })
    this.put(item.range![0], this.source.contentEnd(item), value, flow)
  }

  insertItem(list: YAMLSeq, ranges: readonly { start: number; end: number }[], previous: number, value: Tree): void {
    const { source } = this
    const range = ranges[Math.max(0, previous)]!
    const at = previous < 0 ? range.start : range.end
    if (list.flow) {
      const item = renderValue(value, { indent: 0, flow: true, step: source.step })
      this.edit(at, at, previous < 0 ? `${item}, ` : `, ${item}`)
      return
    }
    const indent = /^ */.exec(source.text.slice(range.start))![0]
    this.edit(at, at, `${indent}${renderItem(value, indent.length, source.step)}\n`.replaceAll('\n', source.eol))
  }

  /** The lines of an item of a block list, which must begin with its dash. */
  itemLines(item: Node): { start: number; end: number } {
    const start = this.source.lineStart(item.range![0])
    if (!/^ *- +$/.test(this.source.text.slice(start, item.range![0])))
      throw new Error('the item does not begin its line')
    return { start, end: this.source.endOfLines(this.source.contentEnd(item)) }
  }

  flowRange(pair: Pair): { start: number; end: number } {
    const [start, keyEnd] = (pair.key as Node).range!
    return { start, end: isNodeLike(pair.value) ? Math.max(pair.value.range![1], keyEnd) : keyEnd }
  }

  /** Takes out runs of entries, each with the comma before or behind it. */
  removeFlow(ranges: readonly { start: number; end: number }[], gone: readonly boolean[]): void {
    for (let i = 0; i < ranges.length; i++) {
      if (!gone[i]) continue
      let last = i
      while (gone[last + 1]) last++
      const next = ranges[last + 1]
      const previous = ranges[i - 1]
      if (next !== undefined) this.edit(ranges[i]!.start, next.start, '')
      else if (previous !== undefined) this.edit(previous.end, ranges[last]!.end, '')
      else throw new Error('nothing would be left')
      i = last
    }
  }
}
