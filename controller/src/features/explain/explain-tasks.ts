// Goes through a run that is only foreseen, on a worker's thread: its graph was written by others.
import { explainWait } from '@ansflow/engine/explain'
import { type Foreseen, type ForeseenExpression, foresee } from '@ansflow/engine/foresee'
import type { ForeseenPiece, ForeseenValue } from '@ansflow/engine/foresee-pieces'
import { groupWanted } from '@ansflow/engine/foresee-waits'
import { supersedes } from '@ansflow/engine/locks'
import { type AgentView, type Candidate, fits, lackedCapability } from '@ansflow/engine/pick-job'
import { planRun } from '@ansflow/engine/plan'
import type { JobState, RunMeta } from '@ansflow/engine/state'
import {
  type ExplainedChange,
  ExplainedChangeSchema,
  ExplainedExpressionSchema,
  ExplainedOutcome,
  ExplainedPieceKind,
  ExplainedPieceSchema,
  type ExplainedPlace,
  ExplainedPlaceSchema,
  type ExplainedStep,
  ExplainedStepSchema,
  ExplainRunResponseSchema,
} from '@ansflow/proto/gen/ansflow/v1/explain_pb'
import { type PipelineGraph, PipelineGraphSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { ReasonSchema, RunOriginSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { matcher } from '@ansflow/proto/globs'
import { atOnce } from '@ansflow/proto/pieces'
import { type Reason, reasonText } from '@ansflow/proto/reasons'
import { saidText } from '@ansflow/proto/texts/said-text'
import { changedKey, changedPatterns } from '@ansflow/proto/triggers/changed'
import { create, fromBinary, fromJson, type JsonObject, type JsonValue, toBinary } from '@bufbuild/protobuf'
import { ValueSchema } from '@bufbuild/protobuf/wkt'
import { uuidv7 } from '../../platform/ids.ts'
import { task } from '../../platform/worker-task.ts'
import type { Wanted } from './waits-now.ts'

interface Asked {
  /** ansflow.v1.PipelineGraph. */
  graph: Uint8Array
  inputs: JsonObject
  meta: Omit<RunMeta, 'origin' | 'newId'>
  /** ansflow.v1.RunOrigin. */
  origin: Uint8Array
  failing: string[]
  /** Paths; empty: what the origin says has changed. */
  changedFiles: string[]
  organizationId: string
  /** As they are now. */
  agents: AgentView[]
  now: Date
}

const mostAgents = 20
/** Of a value that is shown. */
const longest = 1000

/** An ansflow.v1.ExplainRunResponse, and what the run and its steps would have to themselves. */
export const explain = task(
  ({
    inputs,
    failing,
    changedFiles,
    agents,
    organizationId,
    now,
    ...asked
  }: Asked): { answer: Uint8Array; wanted: Wanted } => {
    const graph = fromBinary(PipelineGraphSchema, asked.graph)
    const meta: RunMeta = { ...asked.meta, origin: fromBinary(RunOriginSchema, asked.origin), newId: uuidv7 }
    const { untrusted } = meta.origin
    const changes = changesOf(graph, changedFiles, meta.origin.git?.changed ?? {})
    const changed = Object.fromEntries(
      changes.flatMap((each) => (each.assumed ? [] : [[changedKey(each.patterns), each.changed]])),
    )
    const found = atOnce(foresee(graph, inputs, meta, now, { failing: new Set(failing), changed }))
    const steps = found.map((one) => stepMessage(one, placeOf(one.job, agents, { organizationId, untrusted })))
    const answer = create(ExplainRunResponseSchema, { steps, graph, version: meta.version, changes })
    const state = atOnce(planRun(graph, inputs, { ...meta, foresees: true, changed }, now))
    const wanted: Wanted = {
      group: groupWanted(state, graph),
      makesRoom: supersedes(state) !== 'none',
      locks: found.flatMap(({ id, locks }) => (locks.length > 0 ? [{ stepId: id, wants: locks }] : [])),
    }
    return { answer: toBinary(ExplainRunResponseSchema, answer), wanted }
  },
)

const mostFiles = 100

function changesOf(
  graph: PipelineGraph,
  paths: readonly string[],
  known: Readonly<Record<string, boolean>>,
): ExplainedChange[] {
  return changedPatterns(graph).map((patterns) => {
    const key = changedKey(patterns)
    const files = paths.filter(matcher(patterns))
    const assumed = paths.length === 0 && !Object.hasOwn(known, key)
    const changed = assumed || (paths.length > 0 ? files.length > 0 : known[key]!)
    return create(ExplainedChangeSchema, {
      patterns,
      changed,
      assumed,
      files: files.slice(0, mostFiles),
      count: files.length,
    })
  })
}

const outcomes: Record<Foreseen['outcome'], ExplainedOutcome> = {
  runs: ExplainedOutcome.RUNS,
  maybe: ExplainedOutcome.DEPENDS,
  skipped: ExplainedOutcome.SKIPPED,
  fails: ExplainedOutcome.FAILS,
}

function stepMessage(found: Foreseen, place: ExplainedPlace | undefined): ExplainedStep {
  const { id, name, copyOf, copies, matrix, waitsFor, openMatrix, wave } = found
  return create(ExplainedStepSchema, {
    id,
    name,
    copyOf,
    copies,
    ...(matrix && { matrix: { ...matrix } }),
    outcome: outcomes[found.outcome],
    ...reasonMessage(found.reason),
    waitsFor,
    openCopies: openMatrix,
    wave,
    ...(place && { place }),
    expressions: found.expressions.map(expressionMessage),
  })
}

function reasonMessage(why: Reason | null) {
  return why ? { reason: reasonText(why), reasonInfo: create(ReasonSchema, why) } : {}
}

function expressionMessage({ field, pieces = [], ...found }: ForeseenExpression) {
  return create(ExplainedExpressionSchema, { field, ...foundMessage(found), pieces: pieces.map(pieceMessage) })
}

const kinds: Record<ForeseenPiece['kind'], ExplainedPieceKind> = {
  plain: ExplainedPieceKind.PLAIN,
  all: ExplainedPieceKind.ALL,
  any: ExplainedPieceKind.ANY,
  not: ExplainedPieceKind.NOT,
}

function pieceMessage({ depth, kind, unasked, reads, ...found }: ForeseenPiece) {
  const seen = reads.map(({ source, value }) => ({ source, value: valueMessage(value) }))
  return create(ExplainedPieceSchema, { depth, kind: kinds[kind], unasked, reads: seen, ...foundMessage(found) })
}

function foundMessage({ source, value, waitsFor, atStart, problem }: ForeseenValue) {
  return {
    source,
    ...(value !== undefined && { value: valueMessage(value) }),
    waitsFor,
    atStart,
    ...(problem && { problem: saidText(problem), problemCode: problem.code, problemParams: { ...problem.params } }),
  }
}

function valueMessage(value: JsonValue) {
  return fromJson(ValueSchema, shortened(value))
}

function shortened(value: JsonValue): JsonValue {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > longest ? `${text.slice(0, longest)}…` : value
}

function placeOf(
  job: JobState | undefined,
  views: AgentView[],
  { organizationId, untrusted }: Pick<Candidate, 'organizationId' | 'untrusted'>,
): ExplainedPlace | undefined {
  if (!job) return undefined
  const { labels, workspace, capability, createdAt } = job
  const candidate = {
    jobId: job.id,
    runId: '',
    projectId: '',
    organizationId,
    priority: 0,
    queuedAt: createdAt,
    availableAt: createdAt,
    labels,
    untrusted,
    capability,
    workspace,
    pinnedAgentId: '',
  }
  const own = views.filter((agent) => agent.organizationId === organizationId)
  const [able, refused] = [
    own.filter((agent) => takes(agent, candidate)),
    own.filter((agent) => !takes(agent, candidate)),
  ]
  return create(ExplainedPlaceSchema, {
    workspace,
    labels,
    agents: able.slice(0, mostAgents).map(({ name }) => name),
    refused: refused.slice(0, mostAgents).map((agent) => refusalMessage(agent, candidate)),
    ...(able.length === 0 && reasonMessage(explainWait(candidate, views))),
  })
}

function takes(agent: AgentView, candidate: Candidate): boolean {
  return agent.online && !agent.draining && fits(agent, candidate)
}

function refusalMessage(agent: AgentView, { labels, capability }: Candidate) {
  return {
    name: agent.name,
    offline: !agent.online,
    draining: agent.draining,
    lacks: labels.filter((label) => !agent.labels.includes(label)),
    capability: lackedCapability(agent, { capability }) ?? '',
  }
}
