// People who write comments of one file at the same time all keep theirs, and undo takes back one's own alone.
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import {
  applyGraph,
  createUndo,
  type EditOrigin,
  newDoc,
  projectShape,
  renameStep,
  setStepField,
} from '../pipeline-doc.ts'
import { parsePipeline, renderPipeline } from '../pipeline-yaml.ts'

const text = `# head
name: x
steps:
  # of a
  a:
    run: echo a # run a
  b:
    needs: [a]
    run: echo b
`
const file = (doc: Y.Doc) => {
  const { graph, source, comments } = projectShape(doc)
  return renderPipeline(graph, source, comments)
}
const type = (doc: Y.Doc, change: (text: string) => string, origin: EditOrigin) => {
  const next = change(file(doc))
  applyGraph(doc, parsePipeline(next).graph, next, origin)
}

function people() {
  const first = newDoc(parsePipeline(text).graph, text)
  const docs = [first, new Y.Doc(), new Y.Doc()] as const
  const meet = () => {
    const all = Y.mergeUpdates(docs.map((doc) => Y.encodeStateAsUpdate(doc)))
    for (const doc of docs) Y.applyUpdate(doc, all)
  }
  meet()
  return docs
    .map((doc, index) => ({ doc, origin: { user: `${index}` }, undo: createUndo(doc, { user: 'x' }) }))
    .map((person) => {
      person.undo.destroy()
      return { ...person, undo: createUndo(person.doc, person.origin), meet }
    })
}

it('comments that two write at once are both there, beside what a third does on the canvas', () => {
  const [a, b, c] = people() as [
    ReturnType<typeof people>[0],
    ReturnType<typeof people>[0],
    ReturnType<typeof people>[0],
  ]
  type(a.doc, (now) => now.replace('# of a', '# by the first').replace('  b:', '  # new\n  b:'), a.origin)
  type(b.doc, (now) => now.replace('# run a', '# by the second').replace('echo b', 'echo bb # more'), b.origin)
  renameStep(c.doc, projectShape(c.doc).graph.steps[0]!.nodeId, 'first', c.origin)
  a.meet()
  const all = text
    .replace('# of a', '# by the first')
    .replace('  b:', '  # new\n  b:')
    .replace('# run a', '# by the second')
    .replace('echo b', 'echo bb # more')
    .replace('  a:', '  first:')
    .replace('[a]', '[first]')
  for (const { doc } of [a, b, c]) expect(file(doc)).toBe(all)

  // Undo of one takes back theirs.
  a.undo.undo()
  a.meet()
  const less = all.replace('# by the first', '# of a').replace('  # new\n', '')
  for (const { doc } of [a, b, c]) expect(file(doc)).toBe(less)
  a.undo.redo()
  a.meet()
  for (const { doc } of [a, b, c]) expect(file(doc)).toBe(all)
})

it('a comment that was taken out stays out, and what no comment is never gets into the file', () => {
  const [a, b] = people() as [ReturnType<typeof people>[0], ReturnType<typeof people>[0]]
  type(a.doc, (now) => now.replace('  # of a\n', ''), a.origin)
  type(b.doc, (now) => now.replace('echo b', 'echo c'), b.origin)
  a.meet()
  expect(file(b.doc)).toBe(text.replace('  # of a\n', '').replace('echo b', 'echo c'))
  b.doc.getMap('comments').set('name', { above: ['evil: true', '# fine'], behind: 'x\ny: 1' })
  expect(file(b.doc)).toContain('# fine\nname: x\n')
  expect(parsePipeline(file(b.doc)).problems).toEqual([])
})

it('whatever three people write and undo at once, each comment stands at its entry, and all see one file', () => {
  const places = ['# head', '# of a', '# run a'] as const
  const action = fc.record({
    who: fc.nat(2),
    what: fc.constantFrom('comment', 'comment', 'field', 'undo', 'redo', 'meet'),
    place: fc.nat(2),
    value: fc.nat(99),
  })
  fc.assert(
    fc.property(fc.array(action, { maxLength: 16 }), (actions) => {
      const all = people()
      for (const { who, what, place, value } of actions) {
        const { doc, origin, undo, meet } = all[who]!
        const start = places[place]!
        if (what === 'meet') meet()
        else if (what === 'undo' || what === 'redo') undo[what]()
        else if (what === 'comment')
          type(doc, (now) => now.replace(new RegExp(`${start}.*`), `${start} ${who}.${value}`), origin)
        else setStepField(doc, projectShape(doc).graph.steps[place % 2]!.nodeId, 'name', `n${value}`, origin)
      }
      all[0]!.meet()
      const files = all.map(({ doc }) => file(doc))
      expect(new Set(files).size).toBe(1)
      const lines = files[0]!.split('\n')
      expect(lines[0]).toMatch(/^# head( \d\.\d+)?$/)
      expect(lines[lines.indexOf('  a:') - 1]).toMatch(/^ {2}# of a( \d\.\d+)?$/)
      expect(files[0]).toMatch(/\n {4}run: echo a # run a( \d\.\d+)?\n/)
      expect(files[0]!.match(/#/g)).toHaveLength(3)
    }),
    { numRuns: 150 },
  )
}, 60_000)
