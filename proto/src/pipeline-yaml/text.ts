// Trees → YAML text in the house style: lists of words in brackets, scripts as blocks, no line folding.

import type { PipelineGraph } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { Document, isMap, isScalar, isSeq, Scalar, visit, type YAMLMap, type YAMLSeq } from 'yaml'
import { pipelineTree } from './tree.ts'
import type { Tree, TreeMap } from './tree-value.ts'

const longestLine = 100

/** A whole file, steps apart by an empty line. */
export function prettyPipeline(graph: PipelineGraph): string {
  return prettyTree(pipelineTree(graph))
}

/** The same of what a whole file holds. */
export function prettyTree(tree: TreeMap): string {
  const document = toDocument(tree)
  const root = document.contents as YAMLMap
  for (const { key, value } of root.items) {
    const name = (key as Scalar).value
    if (['steps', 'inputs', 'env', 'defaults', 'outputs', 'include', 'templates'].includes(String(name)))
      (key as Scalar).spaceBefore = true
    if (name === 'steps' && isMap(value)) {
      for (const [i, { key: stepKey }] of value.items.entries()) if (i > 0) (stepKey as Scalar).spaceBefore = true
    }
  }
  return stringify(document)
}

export function toDocument(tree: Tree): Document {
  const document = new Document(tree, { version: '1.2', aliasDuplicateObjects: false })
  visit(document, {
    Seq: (_, node) => {
      node.flow =
        fits(node) &&
        node.items.every((item) => isScalar(item) || (isMap(item) && item.items.every((pair) => isScalar(pair.value))))
    },
    Map: (key, node, path) => {
      // { step: build, on: failure } in a list that is written in lines.
      const parent = path.at(-1)
      if (key !== null && isSeq(parent) && node.items.every((pair) => isScalar(pair.value)) && fits(node))
        node.flow = true
      if (node.items.length === 0) node.flow = true
    },
    Scalar: (key, node) => {
      if (key !== 'key' && typeof node.value === 'string' && node.value.includes('\n'))
        node.type = blockType(node.value)
    },
  })
  return document
}

function stringify(document: Document, indent = 2): string {
  return document.toString({ lineWidth: 0, flowCollectionPadding: false, indentSeq: true, indent })
}

/** How a value is written into a text that is there. */
export interface Style {
  /** Column of its key. */
  indent: number
  /** Inside brackets or braces. */
  flow: boolean
  /** Spaces of one level. */
  step: number
  quote?: Scalar.Type
}

/** What follows `key:`, without the space; lines after the first are indented. */
export function renderValue(value: Tree, style: Style): string {
  const entry = renderEntry('k', value, style)
  return entry.slice(2).replace(/^ /, '')
}

/** `key: value`, without the last line break. */
export function renderEntry(key: string, value: Tree, { indent, flow, step, quote }: Style): string {
  if (flow) {
    const document = toDocument([new Map([[key, value]])])
    visit(document, {
      Collection: (_, node) => {
        node.flow = true
      },
      Scalar: (at, node) => {
        if (at === 'key') return
        if (quote !== undefined) node.type = quote
        else if (node.type === Scalar.BLOCK_LITERAL) node.type = Scalar.QUOTE_DOUBLE
      },
    })
    const text = stringify(document).trimEnd()
    return text.replace(/^\[ ?\{ ?/, '').replace(/ ?\} ?\]$/, '')
  }
  const document = closed(toDocument(new Map([[key, value]])))
  const { value: node } = (document.contents as YAMLMap).items[0]!
  if (quote !== undefined && isScalar(node) && node.type !== Scalar.BLOCK_LITERAL) node.type = quote
  return indented(stringify(document, step).replace(/\n$/, ''), indent)
}

/** `- value`, without the last line break. */
export function renderItem(value: Tree, indent: number, step: number): string {
  const document = closed(toDocument([value]))
  if (isSeq(document.contents)) document.contents.flow = false
  return indented(stringify(document, step).replace(/\n$/, ''), indent)
}

/** A block that keeps the empty lines at its end would take those of the text that follows too: it is quoted. */
function closed(document: Document): Document {
  visit(document, {
    Scalar: (_, node) => {
      if (node.type === Scalar.BLOCK_LITERAL && String(node.value).endsWith('\n\n')) node.type = Scalar.QUOTE_DOUBLE
    },
  })
  return document
}

export function renderKey(key: string): string {
  const entry = renderEntry(key, 0, { indent: 0, flow: true, step: 2 })
  return entry.slice(0, -3)
}

function indented(text: string, indent: number): string {
  if (indent === 0) return text
  return text.replaceAll(/\n(?!\n|$)/g, `\n${' '.repeat(indent)}`)
}

function fits(node: YAMLMap | YAMLSeq): boolean {
  return JSON.stringify(node.toJSON()).length <= longestLine
}

function blockType(value: string): Scalar.Type {
  // A block cannot hold carriage returns or other control characters as they are.
  for (let i = 0; i < value.length; i++) {
    const unit = value.charCodeAt(i)
    if (
      (unit < 0x20 && unit !== 0x0a && unit !== 0x09) ||
      unit === 0x7f ||
      unit === 0x85 ||
      unit === 0x2028 ||
      unit === 0x2029 ||
      unit === 0xfeff
    ) {
      return Scalar.QUOTE_DOUBLE
    }
  }
  return value.trim() === '' ? Scalar.QUOTE_DOUBLE : Scalar.BLOCK_LITERAL
}
