// The contract's messages of a run, from the engine's state.

import { knownEnvironmentOf } from '@ansflow/engine/environments'
import { inFileOrder } from '@ansflow/engine/plan'
import type { JobState, ReusedFrom, RunState, StepState } from '@ansflow/engine/state'
import { ContainerImageSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { AttemptReportSchema } from '@ansflow/proto/gen/ansflow/v1/reports_pb'
import {
  type Attempt,
  AttemptSchema,
  type ChildRun,
  ChildRunSchema,
  type Reason as ReasonMessage,
  ReasonSchema,
  type Run,
  RunSchema,
  type RunStep,
  RunStepSchema,
  StepCountSchema,
} from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import type { Pieces } from '@ansflow/proto/pieces'
import { type Reason, reasonText } from '@ansflow/proto/reasons'
import { StepStatus } from '@ansflow/proto/status'
import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { parseOrigin, parseTally, runHead, runInputs, type StepTally, tallyOf } from '../run-rows.ts'
import type { RunBelongings, RunRow, Times } from '../run-tables.ts'

/** Without steps. */
export function presentHead(state: RunState, belongs: RunBelongings, seq: number): Run {
  const { meta } = state
  const run = create(RunSchema, {
    id: meta.runId,
    number: meta.number,
    pipelineId: meta.pipelineId,
    pipelineName: meta.pipelineName,
    projectId: meta.projectId,
    projectSlug: meta.projectSlug,
    version: meta.version,
    inputs: state.inputs,
    origin: meta.origin,
    priority: meta.priority,
    rerunOf: belongs.rerunOf,
    outputs: state.outputs,
    seq,
  })
  return fillHead(run, state, tallyOf(state), state.createdAt)
}

/** For lists: from the row alone. */
export function presentRow(row: RunRow, times: Times): Run {
  const run = create(RunSchema, {
    id: row.id,
    number: row.number,
    pipelineId: row.pipeline_id,
    pipelineName: row.pipeline_name,
    projectId: row.project_id,
    projectSlug: row.project_slug,
    version: row.version,
    inputs: runInputs(row),
    origin: parseOrigin(row.origin),
    priority: row.priority,
    rerunOf: row.rerun_of,
    seq: row.seq,
  })
  return fillHead(run, runHead(row, times) as RunState, parseTally(row.step_counts), times.from(row.created_at)!)
}

type Head = Pick<RunState, 'status' | 'reason' | 'startedAt' | 'finishedAt' | 'cancelLevel' | 'canceledByName'>

function fillHead(run: Run, head: Head, tally: StepTally, createdAt: Date): Run {
  run.status = head.status
  run.reason = head.reason ? reasonText(head.reason) : ''
  if (head.reason) run.reasonInfo = create(ReasonSchema, head.reason)
  run.createdAt = timestampFromDate(createdAt)
  if (head.startedAt) run.startedAt = timestampFromDate(head.startedAt)
  if (head.finishedAt) run.finishedAt = timestampFromDate(head.finishedAt)
  run.cancelRequested = head.cancelLevel > 0
  run.canceledByName = head.canceledByName
  run.stepCounts = tally.counts.flatMap((count, status) => {
    const allowed = status === StepStatus.FAILED ? tally.allowed : 0
    return count > 0 ? create(StepCountSchema, { status, count, allowed }) : []
  })
  return run
}

export function* presentRun(state: RunState, belongs: RunBelongings, seq: number): Pieces<Run> {
  const run = presentHead(state, belongs, seq)
  for (const step of inFileOrder(state)) {
    run.steps.push(presentStep(state, step))
    yield
  }
  return run
}

export function presentStep(state: RunState, step: StepState): RunStep {
  const { id, name, group, matrix, copies, status, reason, outputs } = step
  const message = create(RunStepSchema, {
    id,
    name,
    ...(group && { copyOf: group.id, matrix: { ...matrix } }),
    copies: copies?.length ?? 0,
    status,
    outputs,
    attempts: step.attempts.map(presentAttempt),
    failureAllowed: step.failureAllowed,
    ...(step.reused && { reused: reusedFrom(step.reused) }),
    ...presentReason(reason),
  })
  const environment = knownEnvironmentOf(state, step)
  if (environment) {
    const { name: environmentName, url: environmentUrl, problem } = environment
    Object.assign(message, { environment: environmentName, environmentUrl })
    if (problem) message.environmentProblem = create(ReasonSchema, problem)
  }
  const child = childOf(step)
  if (child) message.child = child
  if (step.queuedAt) message.queuedAt = timestampFromDate(step.queuedAt)
  if (step.startedAt) message.startedAt = timestampFromDate(step.startedAt)
  if (step.finishedAt) message.finishedAt = timestampFromDate(step.finishedAt)
  return message
}

function reusedFrom({ runId, number, attempts }: ReusedFrom) {
  return { runId, runNumber: number, attempts }
}

/** A step that runs a pipeline says in its outputs what it has started. */
function childOf({ definition, outputs }: StepState): ChildRun | undefined {
  if (definition.uses !== 'pipeline' || !outputs.runId) return undefined
  const { runId, runNumber, pipeline } = outputs
  return create(ChildRunSchema, { runId, number: Number(runNumber), pipelineName: pipeline ?? '' })
}

function presentAttempt(job: JobState): Attempt {
  const message = create(AttemptSchema, {
    number: job.attempt,
    status: job.status,
    agentId: job.agentId,
    agentName: job.agentName,
    createdAt: timestampFromDate(job.createdAt),
    jobId: job.id,
    logSize: BigInt(job.logSize),
    logComplete: job.logComplete,
    ...presentReason(job.reason),
  })
  if (job.exitCode !== null) message.exitCode = job.exitCode
  if (job.report) message.report = create(AttemptReportSchema, job.report)
  if (job.image) message.image = create(ContainerImageSchema, job.image)
  if (job.startedAt) message.startedAt = timestampFromDate(job.startedAt)
  if (job.finishedAt) message.finishedAt = timestampFromDate(job.finishedAt)
  return message
}

export function presentReason(reason: Reason | null): { reason: string; reasonInfo?: ReasonMessage } {
  return reason ? { reason: reasonText(reason), reasonInfo: create(ReasonSchema, reason) } : { reason: '' }
}
