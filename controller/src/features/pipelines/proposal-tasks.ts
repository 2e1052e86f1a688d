// What a draft would make of the file that it is proposed for; on a worker's thread, as everything that reads drafts and files.
import { graphHash } from '@ansflow/proto/canonical'
import { demandsOf } from '@ansflow/proto/demands'
import { type PipelineGraph, PipelineGraphSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { ExplainProposalResponseSchema } from '@ansflow/proto/gen/ansflow/v1/proposals_pb'
import { graphDiff } from '@ansflow/proto/graph-diff'
import { mergeFiles } from '@ansflow/proto/merge-files'
import { parsePipeline } from '@ansflow/proto/pipeline-yaml'
import type { AgentLabels } from '@ansflow/proto/validate'
import { create, toBinary } from '@bufbuild/protobuf'
import { task } from '../../platform/worker-task.ts'
import { docOf, fileOf, problemBytes } from './draft-content.ts'
import { includedFrom, includeOf, projectWhole, readWhole } from './includes/read-whole.ts'
import type { ReadIncludes } from './includes/resolve-includes.ts'
import { hasErrors } from './problems.ts'
import { diffMarkdown } from './proposal-markdown.ts'

interface Asked {
  updates: Uint8Array[]
  agents: AgentLabels
  /** What the draft was made from; undefined: nobody knows. */
  base: string | undefined
  /** What the file says now; undefined: there is none. */
  theirs: string | undefined
  prefers: 'mine' | 'theirs'
  includes: ReadIncludes | undefined
}

export const proposeDraft = task(({ updates, base, theirs, prefers, ...around }: Asked) => {
  const { graph, problems: own, source, comments } = projectWhole(docOf(updates), around)
  const hash = graphHash(graph)
  const mine = fileOf(graph, source, comments, hash)
  const merged =
    mine === undefined || theirs === undefined
      ? { yaml: mine ?? '', conflicts: [] }
      : mergeFiles({ base, mine, theirs }, prefers, includedFrom(around.includes).included)
  const after = readWhole({ yaml: merged.yaml, ...around })
  // What others have made wrong is found in the whole of it.
  const problems = mine === undefined || hasErrors(own) || merged.yaml === mine ? own : after.problems
  const before = theirs === undefined ? undefined : parsePipeline(theirs).graph
  const isMoved = theirs !== undefined && base !== undefined && base !== theirs
  const response = create(ExplainProposalResponseSchema, {
    hash,
    yamlBefore: theirs ?? '',
    yamlAfter: merged.yaml,
    ...(before && { before }),
    after: after.graph,
    problems,
    conflicts: merged.conflicts.slice(0, 100),
    fileMoved: isMoved,
  })
  return {
    response: toBinary(ExplainProposalResponseSchema, response),
    include: includeOf(after.graph),
    hash,
    isRepresentable: mine !== undefined,
    yaml: merged.yaml,
    /** The draft says something else. */
    isMerged: mine !== undefined && merged.yaml !== mine,
    conflicts: merged.conflicts,
    problems: problemBytes(problems),
    name: after.graph.name,
    mergedHash: graphHash(after.graph),
    demands: demandsOf(after.graph),
    markdown: diffMarkdown(graphDiff(before ?? emptyGraph(), after.graph)),
  }
})

/** What is to be on a branch that others have pushed to as well. */
export const mergeProposed = task(
  ({ prefers, ...sides }: { base: string; mine: string; theirs: string; prefers: 'mine' | 'theirs' }) => {
    const merged = mergeFiles(sides, prefers)
    const { problems } = parsePipeline(merged.yaml)
    return { ...merged, isRight: !hasErrors(problems) }
  },
)

function emptyGraph(): PipelineGraph {
  return create(PipelineGraphSchema, {})
}
