// Reads pipeline files and drafts on a worker's thread: what comes in was written by others, what goes out is small or bytes.
import { graphHash, versionHash } from '@ansflow/proto/canonical'
import { demandsOf } from '@ansflow/proto/demands'
import { PipelineGraphSchema, type Problem, TriggersSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { GetPipelineResponseSchema } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { mergeFiles } from '@ansflow/proto/merge-files'
import { projectShape } from '@ansflow/proto/pipeline-doc'
import { isTemplateFile, parsePipeline, placesIn, renderPipeline } from '@ansflow/proto/pipeline-yaml'
import type { AgentLabels } from '@ansflow/proto/validate'
import { noRepositoryProblems } from '@ansflow/proto/validate/no-repository'
import { create, toBinary, toJsonString } from '@bufbuild/protobuf'
import type * as Y from 'yjs'
import { task } from '../../platform/worker-task.ts'
import { changeTo, docOf, fileOf, problemBytes } from './draft-content.ts'
import { includedFrom, includeOf, projectWhole, readWhole } from './includes/read-whole.ts'
import type { ReadIncludes } from './includes/resolve-includes.ts'
import { hasErrors } from './problems.ts'
import { type Seed, seedOf } from './seed.ts'

/** With the labels of each agent of its organization, and with what it includes, where that is known. */
interface File {
  yaml: string
  agents?: AgentLabels | undefined
  includes?: ReadIncludes | undefined
}

type Place = Pick<Problem, 'stepId' | 'field'>

interface Draft {
  updates: Uint8Array[]
  agents?: AgentLabels | undefined
  includes?: ReadIncludes | undefined
}

export const validateFile = task(({ yaml, agents }: File) => problemBytes(readWhole({ yaml, agents }).problems))

export const readFile = task((file: File) => {
  const { graph, problems } = readWhole(file)
  const isRight = !hasErrors(problems)
  const hash = isRight ? graphHash(graph) : ''
  const include = includeOf(graph)
  /** Unless it is a file of a repository. */
  const ofKept = problemBytes(noRepositoryProblems(graph))
  return {
    problems: problemBytes(problems),
    ofKept,
    isRight,
    name: graph.name,
    hash,
    demands: demandsOf(graph),
    include,
  }
})

/** Where problems stand in the file that were found elsewhere. */
export const placeProblems = task(({ yaml, problems }: { yaml: string; problems: Place[] }) => placesIn(yaml, problems))

export const seedFromFile = task((yaml: string): Seed => seedOf(parsePipeline(yaml).graph, yaml))

interface FileApplication {
  yaml: string
  /** The draft that the file was made of, and the draft as it is; `isSame`: nobody has typed since. */
  was: Uint8Array[]
  now: Uint8Array[]
  isSame: boolean
  includes: ReadIncludes | undefined
  /** Of what both have changed since. */
  prefers: 'draft' | 'file'
}

/** The change that makes the draft say what the file says, beside what was typed since; undefined: it does. `holds`: all of it. */
export const applyFile = task(({ yaml, was, now, isSame, includes, prefers }: FileApplication) => {
  const doc = docOf(now)
  if (isSame) return { change: changeTo(doc, yaml), holds: true }
  const [base, mine] = [textOf(docOf(was), includes), textOf(doc, includes)]
  if (mine === undefined && prefers === 'draft') return { change: undefined, holds: false }
  if (mine === undefined) return { change: changeTo(doc, yaml), holds: true }
  const sides = { base, mine, theirs: yaml }
  const merged = mergeFiles(sides, prefers === 'draft' ? 'mine' : 'theirs', includedFrom(includes).included)
  const change = merged.yaml === mine ? undefined : changeTo(doc, merged.yaml)
  return { change, holds: prefers === 'file' || merged.conflicts.length === 0 }
})

function textOf(doc: Y.Doc, includes: ReadIncludes | undefined): string | undefined {
  const { graph, source, comments } = projectWhole(doc, { includes })
  return fileOf(graph, source, comments, graphHash(graph))
}

/** Of a GetPipelineResponse: graph, yaml, problems and hash. */
export const describeDraft = task((draft: Draft) => {
  const { graph, problems, source, comments } = projectWhole(docOf(draft.updates), draft)
  const hash = graphHash(graph)
  const response = create(GetPipelineResponseSchema, {
    graph,
    yaml: renderPipeline(graph, source, comments),
    problems,
    hash,
  })
  const bytes = toBinary(GetPipelineResponseSchema, response)
  return { bytes, name: graph.name, hash, demands: demandsOf(graph), include: includeOf(graph) }
})

export const draftDemands = task(({ updates, includes }: Draft) => {
  const { graph } = projectShape(docOf(updates))
  graph.included = includedFrom(includes).included
  return { demands: demandsOf(graph), include: includeOf(graph) }
})

export const nameDraft = task((updates: Uint8Array[]) => {
  const { graph } = projectShape(docOf(updates))
  return { name: graph.name, hash: graphHash(graph) }
})

/** One that is a file is published by its repository alone. */
export const draftToPublish = task((draft: Draft) => {
  const { graph, problems: found, source, comments } = projectWhole(docOf(draft.updates), draft)
  const hash = graphHash(graph)
  const problems = [...found, ...noRepositoryProblems(graph)]
  return {
    name: graph.name,
    hash,
    versionHash: versionHash(graph),
    include: includeOf(graph),
    problems: problemBytes(problems),
    graph: toJsonString(PipelineGraphSchema, graph),
    demands: demandsOf(graph),
    triggers: graph.triggers && toBinary(TriggersSchema, graph.triggers),
    stepCount: graph.steps.length,
    yaml: fileOf(graph, source, comments, hash),
  }
})

/** A file as what a version of it is; `isRight`: it has no errors; `isTemplates`: it is no pipeline, and means to be none. */
export const fileToPublish = task((file: File) => {
  const { yaml } = file
  const { graph, problems } = readWhole(file)
  const isRight = !hasErrors(problems)
  return {
    isRight,
    isTemplates: !isRight && isTemplateFile(yaml),
    name: graph.name,
    hash: isRight ? graphHash(graph) : '',
    versionHash: isRight ? versionHash(graph) : '',
    include: includeOf(graph),
    problems: problemBytes(problems),
    graph: toJsonString(PipelineGraphSchema, graph),
    demands: demandsOf(graph),
    triggers: graph.triggers && toBinary(TriggersSchema, graph.triggers),
    stepCount: graph.steps.length,
    yaml,
  }
})

/** The stored updates of a draft, as what a run needs. */
export const draftToRun = task((draft: Draft) => {
  const { graph, problems } = projectWhole(docOf(draft.updates), draft)
  return {
    include: includeOf(graph),
    graph: toBinary(PipelineGraphSchema, graph),
    problems: problemBytes(problems),
    hash: versionHash(graph),
  }
})
