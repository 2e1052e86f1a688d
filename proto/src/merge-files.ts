// Two pipeline files that were made from one, merged: by their lines where that says what the merged pipelines say, else by what the
// steps say. Pure.
import type { IncludedTemplate, PipelineGraph, StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { diff3Merge } from 'node-diff3'
import { Lexer } from 'yaml'
import * as Y from 'yjs'
import { graphHash } from './canonical.ts'
import { fieldTexts } from './graph-diff.ts'
import { applyGraph, newDoc, project } from './pipeline-doc.ts'
import { parsePipeline, renderPipeline } from './pipeline-yaml.ts'

export interface MergedFile {
  yaml: string
  /**
   * What both have changed, each in its own way: "test.timeout", "on.push"; "comments"; "file" where they have nothing in common. It is
   * as the preferred one has it.
   */
  conflicts: string[]
}

interface Side {
  text: string
  graph: PipelineGraph
}

/** `base`: what both were made from; undefined: nobody knows. */
export function mergeFiles(
  { base, mine, theirs }: { base: string | undefined; mine: string; theirs: string },
  prefers: 'mine' | 'theirs',
  included: readonly IncludedTemplate[] = [],
): MergedFile {
  const sideOf = readSide(included)
  if (mine === theirs || base === theirs) return { yaml: mine, conflicts: [] }
  if (mine === base) return { yaml: theirs, conflicts: [] }
  const [a, o, b] = [sideOf(mine), base === undefined ? undefined : sideOf(base), sideOf(theirs)]
  if (a && b && graphHash(a.graph) === graphHash(b.graph) && (!o || commentsOf(mine) === commentsOf(o.text))) {
    return { yaml: theirs, conflicts: [] }
  }
  if (!a || !b || !o) return whole({ mine, theirs }, prefers)
  const { graph, conflicts } = mergeGraphs({ base: o, mine: a, theirs: b }, prefers)
  const written = writeMerged(graph, { base: o.text, mine, theirs }, { prefers, sideOf })
  if (!written) return whole({ mine, theirs }, prefers)
  return { yaml: written.yaml, conflicts: [...conflicts, ...written.conflicts] }
}

function whole(sides: { mine: string; theirs: string }, prefers: 'mine' | 'theirs'): MergedFile {
  return { yaml: sides[prefers], conflicts: ['file'] }
}

/** Undefined: it is no pipeline. */
function readSide(included: readonly IncludedTemplate[]) {
  return (text: string): Side | undefined => {
    const { graph, problems } = parsePipeline(text, undefined, included)
    return problems.some(({ severity }) => severity === Severity.ERROR) ? undefined : { text, graph }
  }
}

interface Sides<T> {
  base: T
  mine: T
  theirs: T
}

/** As two people who edit one document at once. */
function mergeGraphs({ base, mine, theirs }: Sides<Side>, prefers: 'mine' | 'theirs') {
  const here = new Set(base.graph.steps.map(({ id }) => id))
  const added = new Set(mine.graph.steps.map(({ id }) => id).filter((id) => !here.has(id)))
  // A step that both have added is one step: it begins as one that was deleted.
  const both = theirs.graph.steps.filter(({ id }) => added.has(id)).map((step) => ({ ...step, needs: [] }))
  const doc = newDoc({ ...base.graph, steps: [...base.graph.steps, ...both] }, base.text)
  if (both.length > 0) applyGraph(doc, base.graph, base.text, { user: '' })
  const state = Y.encodeStateAsUpdateV2(doc)
  // Of two that write the same at once, the one with the higher number is heard.
  for (const [side, clientID] of [
    [mine, prefers === 'mine' ? 2 : 1],
    [theirs, prefers === 'mine' ? 1 : 2],
  ] as const) {
    const own = new Y.Doc()
    Y.applyUpdateV2(own, state)
    own.clientID = clientID
    applyGraph(own, side.graph, side.text, { user: '' })
    Y.applyUpdateV2(doc, Y.encodeStateAsUpdateV2(own))
  }
  const { graph } = project(doc)
  const [was, a, b, all] = [base.graph, mine.graph, theirs.graph, graph].map(fieldTexts) as [
    Fields,
    Fields,
    Fields,
    Fields,
  ]
  const conflicts = [...new Set([...was.keys(), ...a.keys(), ...b.keys()])].filter((field) => {
    const [before, my, their] = [was.get(field), a.get(field), b.get(field)]
    const isLost = all.get(field) !== (their === before ? my : their)
    return isLost || (my !== before && their !== before && my !== their)
  })
  const preferred = prefers === 'mine' ? mine.graph : theirs.graph
  return { graph: { ...graph, steps: graph.steps.map((step) => settled(step, preferred, conflicts)) }, conflicts }
}

/** Of two texts that both have written, one: letter by letter they would be neither. */
function settled(step: StepDefinition, preferred: PipelineGraph, conflicts: string[]): StepDefinition {
  const found = preferred.steps.find(({ id }) => id === step.id)
  if (!found) return step
  const isMeant = (name: string) => conflicts.some((field) => `${field}.`.startsWith(`${step.id}.with.${name}.`))
  const given = { ...step.with }
  for (const name of new Set([...Object.keys(given), ...Object.keys(found.with ?? {})])) {
    if (!isMeant(name)) continue
    const value = found.with?.[name]
    if (value === undefined) delete given[name]
    else given[name] = value
  }
  return { ...step, with: given }
}

type Fields = Map<string, string>

/** The text that says this, with all comments of both where that is possible. */
function writeMerged(
  graph: PipelineGraph,
  texts: Sides<string>,
  { prefers, sideOf }: { prefers: 'mine' | 'theirs'; sideOf: ReturnType<typeof readSide> },
): MergedFile | undefined {
  const hash = graphHash(graph)
  const says = (yaml: string) => {
    const read = sideOf(yaml)
    return read !== undefined && graphHash(read.graph) === hash
  }
  const byLines = mergeLines(texts)
  if (byLines !== undefined && says(byLines)) return { yaml: byLines, conflicts: [] }
  const [was, mine, theirs] = [texts.base, texts.mine, texts.theirs].map(commentsOf)
  const isOneSided = mine === was || theirs === was || mine === theirs
  const source = isOneSided ? (mine === was ? texts.theirs : texts.mine) : texts[prefers]
  const yaml = renderPipeline(graph, source)
  return says(yaml) ? { yaml, conflicts: isOneSided ? [] : ['comments'] } : undefined
}

function mergeLines({ base, mine, theirs }: Sides<string>): string | undefined {
  const [a, o, b] = [mine, base, theirs].map((text) => text.split('\n')) as [string[], string[], string[]]
  const lines: string[] = []
  for (const block of diff3Merge(a, o, b, { excludeFalseConflicts: true })) {
    if (!block.ok) return undefined
    for (const line of block.ok) lines.push(line)
  }
  return lines.join('\n')
}

function commentsOf(text: string): string {
  return [...new Lexer().lex(text)].filter((token) => token.startsWith('#')).join('\n')
}
