// Templates in the shared document: what people change in different ones at the same time is all there.
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { applyGraph, projectShape } from '../pipeline-doc.ts'
import { parsePipeline, renderPipeline } from '../pipeline-yaml.ts'

const yaml = `name: x
templates:
  # one
  a: { steps: { s: { run: a } } }
  b: { steps: { s: { run: b } } } # two
steps:
  u: { uses: template, with: { template: a } }
  v: { uses: template, with: { template: b } }
`

function apply(doc: Y.Doc, text: string, user: string): void {
  applyGraph(doc, parsePipeline(text).graph, text, { user })
}

function fileOf(doc: Y.Doc): string {
  const { graph, source } = projectShape(doc)
  return renderPipeline(graph, source)
}

test('different templates that are changed at once are both changed, with the comments of the file', () => {
  const [mine, theirs] = [new Y.Doc(), new Y.Doc()]
  apply(mine, yaml, 'seed')
  Y.applyUpdate(theirs, Y.encodeStateAsUpdate(mine))
  apply(mine, yaml.replace('run: a', 'run: mine'), 'me')
  apply(theirs, yaml.replace('run: b', 'run: theirs'), 'they')
  Y.applyUpdate(mine, Y.encodeStateAsUpdate(theirs))
  Y.applyUpdate(theirs, Y.encodeStateAsUpdate(mine))
  const both = yaml.replace('run: a', 'run: mine').replace('run: b', 'run: theirs')
  expect(fileOf(mine)).toBe(both)
  expect(fileOf(theirs)).toBe(both)
})

test('templates keep their order, and one that is taken out is gone', () => {
  const doc = new Y.Doc()
  apply(doc, yaml, 'me')
  const turned = yaml
    .replace('  # one\n  a: { steps: { s: { run: a } } }\n', '')
    .replace('# two\n', '# two\n  a: { steps: { s: { run: a } } }\n')
  apply(doc, turned, 'me')
  expect(projectShape(doc).graph.templates.map(({ name }) => name)).toEqual(['b', 'a'])
  apply(doc, 'name: x\nsteps: { u: { run: u } }\n', 'me')
  expect(projectShape(doc).graph.templates).toEqual([])
})
