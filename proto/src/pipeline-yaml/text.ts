// Trees → YAML text in the house style: lists of words in brackets, scripts as blocks, no line folding.

import type { PipelineGraph } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { Document, isMap, isScalar, isSeq, Scalar, visit, type YAMLMap, type YAMLSeq } from 'yaml'
import { pipelineTree, type Tree } from './tree.ts'

const longestLine = 100

/** A whole file, steps apart by an empty line. */
export function prettyPipeline(graph: PipelineGraph): string {
  const document = toDocument(pipelineTree(graph))
  const root = document.contents as YAMLMap
  for (const { key, value } of root.items) {
    const name = (key as Scalar).value
    if (name === 'steps' || name === 'inputs' || name === 'env') (key as Scalar).spaceBefore = true
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

export function stringify(document: Document): string {
  return document.toString({ lineWidth: 0, flowCollectionPadding: false, indentSeq: true })
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
