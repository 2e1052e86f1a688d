// Restoring a version is one change: taken back by who made it, it brings back all that everybody had written, and what came after it.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { someGraph } from '../graph.arbitrary.ts'
import { addStep, applyGraph, createUndo, newDoc, projectShape, setSetting, setStepField } from '../pipeline-doc.ts'
import { parsePipeline, renderPipeline } from '../pipeline-yaml.ts'

const me = { user: 'me' }
const you = { user: 'you' }

function fileOf(doc: Y.Doc): string {
  const { graph, source, comments } = projectShape(doc)
  return renderPipeline(graph, source, comments)
}

function sync(a: Y.Doc, b: Y.Doc): void {
  Y.applyUpdate(a, Y.encodeStateAsUpdate(b))
  Y.applyUpdate(b, Y.encodeStateAsUpdate(a))
}

describe('a restored version', () => {
  it('is taken back whole: file, comments and places, of any two graphs', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(someGraph, someGraph, (version, draft) => {
        const doc = newDoc(draft, renderPipeline(draft))
        const undo = createUndo(doc, me)
        const theirs = new Y.Doc()
        sync(doc, theirs)
        const step = addStep(
          theirs,
          { type: 'custom', key: 'theirs', pos: { x: 7, y: 7 }, params: { script: 'a' } },
          you,
        )
        setSetting(theirs, 'description', 'By them', you)
        sync(doc, theirs)
        const before = fileOf(doc)
        applyGraph(doc, version, renderPipeline(version), me)
        expect(undo.state().undo).toHaveLength(1)
        undo.undo()
        expect(fileOf(doc)).toBe(before)
        undo.redo()
        setStepField(theirs, step, 'params.script', 'ab', you)
        sync(doc, theirs)
        undo.undo()
        sync(doc, theirs)
        expect(fileOf(theirs)).toBe(fileOf(doc))
        const found = projectShape(doc).graph.steps.find(({ nodeId }) => nodeId === step)
        expect(found?.with).toEqual({ script: 'ab' })
      }),
      { numRuns: 6 },
    )
  })

  it('is taken back with the comments and the layout that the file had', () => {
    const text = `# Ours.\nname: shop\n\nsteps:\n  # First.\n  one:   { run: "make" } # quick\n\n  two:\n    needs: [ one ]\n    run: test\n`
    const old = `name: shop\nsteps:\n  one:\n    run: make all # slow\n`
    const doc = newDoc(parsePipeline(text).graph, text)
    expect(fileOf(doc)).toBe(text)
    const undo = createUndo(doc, me)
    applyGraph(doc, parsePipeline(old).graph, old, me)
    expect(fileOf(doc)).toBe(old)
    undo.undo()
    expect(fileOf(doc)).toBe(text)
    undo.redo()
    expect(fileOf(doc)).toBe(old)
  })
})
