// ExplainService: what a run would do.
import { explainWait } from '@ansflow/engine/explain'
import { type Foreseen, type ForeseenExpression, foresee } from '@ansflow/engine/foresee'
import type { AgentView } from '@ansflow/engine/pick-job'
import { fits } from '@ansflow/engine/pick-job'
import type { JobState } from '@ansflow/engine/state'
import { invalid, notFound } from '@ansflow/proto/errors'
import {
  ExplainedExpressionSchema,
  ExplainedOutcome,
  type ExplainedPlace,
  ExplainedPlaceSchema,
  type ExplainedStep,
  ExplainedStepSchema,
  ExplainService,
} from '@ansflow/proto/gen/ansflow/v1/explain_pb'
import { ReasonSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { resolveInputs } from '@ansflow/proto/inputs'
import { each } from '@ansflow/proto/pieces'
import { type Reason, reasonText } from '@ansflow/proto/reasons'
import { saidText } from '@ansflow/proto/texts/said-text'
import { create, fromJson, type JsonValue } from '@bufbuild/protobuf'
import { ValueSchema } from '@bufbuild/protobuf/wkt'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import { inTurns } from '../../platform/turns.ts'
import type { Workers } from '../../platform/workers.ts'
import { organizationOf, personOf, projectOf, type ServiceTable, serviceTable } from '../../transport/call.ts'
import { runnableGraph } from '../pipelines/index.ts'
import { findProject } from '../projects/index.ts'
import { checkGitFacts, nextStart, originOf } from '../runs/index.ts'

export interface ExplainDeps {
  db: Db
  clock: Clock
  workers: Workers
  /** As they are now. */
  agents: (organizationId: string) => Promise<AgentView[]>
}

const mostAgents = 20
/** Of a value that is shown. */
const longest = 1000

export function explainApi({ db, clock, workers, agents }: ExplainDeps): ServiceTable {
  return serviceTable(ExplainService, {
    async explainRun(request, ctx) {
      const { pipelineId, origin } = request
      checkGitFacts(origin?.git)
      const by = { em: ctx.em, workers, by: personOf(ctx).userId }
      const { pipeline, graph, version } = await runnableGraph(
        by,
        pipelineId,
        request.draft ? 'draft' : request.version,
      )
      const { values, violations } = resolveInputs(graph.inputs, request.inputs ?? {})
      if (violations.length > 0) throw invalid(violations)
      const project = await findProject(ctx.em, projectOf(ctx))
      if (!project) throw notFound('project', projectOf(ctx))
      const organizationId = organizationOf(ctx)
      const meta = {
        runId: '',
        ...(await nextStart(db, { pipelineId, organizationId, projectId: project.id })),
        pipelineId,
        pipelineName: pipeline.name,
        projectId: project.id,
        projectSlug: project.slug,
        version,
        priority: 0,
        origin: origin?.cause.case ? origin : originOf(ctx, origin?.git),
        newId: uuidv7,
      }
      const assumed = { failing: new Set(request.failing) }
      const found = await inTurns(foresee(graph, values, meta, clock.now(), assumed))
      const views = await agents(organizationId)
      const steps = await inTurns(each(found, (one) => stepMessage(one, placeOf(one.job, views, organizationId))))
      return { steps, graph, version }
    },
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

function expressionMessage({ field, source, value, waitsFor, atStart, problem }: ForeseenExpression) {
  return create(ExplainedExpressionSchema, {
    field,
    source,
    ...(value !== undefined && { value: fromJson(ValueSchema, shortened(value)) }),
    waitsFor,
    atStart,
    ...(problem && { problem: saidText(problem), problemCode: problem.code, problemParams: { ...problem.params } }),
  })
}

function shortened(value: JsonValue): JsonValue {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > longest ? `${text.slice(0, longest)}…` : value
}

function placeOf(job: JobState | undefined, views: AgentView[], organizationId: string): ExplainedPlace | undefined {
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
    capability,
    workspace,
    pinnedAgentId: '',
  }
  const able = views
    .filter((agent) => agent.online && !agent.draining && fits(agent, candidate))
    .map(({ name }) => name)
  return create(ExplainedPlaceSchema, {
    workspace,
    labels,
    agents: able.slice(0, mostAgents),
    ...(able.length === 0 && reasonMessage(explainWait(candidate, views))),
  })
}
