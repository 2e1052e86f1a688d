// Begins the next attempt of a step that is ready: interpolates what it says and compiles it to work for an agent or the
// controller, or to a moment to wait for.

import type { ApprovalAsk } from '@ansflow/proto/approval'
import type { RunAsk } from '@ansflow/proto/child-run'
import {
  type ExpressionContext,
  hasExpression,
  interpolateScript,
  interpolateValue,
  parseTemplate,
} from '@ansflow/proto/expression'
import { hasLocks } from '@ansflow/proto/fields/locks'
import { type JobSpec, JobSpecSchema } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { type ImagePull, OnLost, RetryOn, type StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { MatrixError } from '@ansflow/proto/matrix'
import { type Reason, reason, saidReason } from '@ansflow/proto/reasons'
import { JobStatus, StepStatus } from '@ansflow/proto/status'
import type { RunVariable } from '@ansflow/proto/step-variables'
import { type Execution, paramOf, type StepType, stepType } from '@ansflow/proto/steps/index'
import { ParamError } from '@ansflow/proto/steps/params'
import { shells } from '@ansflow/proto/steps/script'
import { markSecrets } from '@ansflow/proto/steps/secret-marks'
import { say } from '@ansflow/proto/texts/say'
import { gitVariables } from '@ansflow/proto/triggers/git-facts'
import { starterOf } from '@ansflow/proto/triggers/run-origin'
import { create, type JsonObject, type JsonValue } from '@bufbuild/protobuf'
import { refusedDeployment } from '../gates/deployment-rule.ts'
import { environmentVariables } from '../gates/environments.ts'
import { ofAttempt } from '../gates/locks.ts'
import { limitQueue } from '../gates/queue-limit.ts'
import { awaitApproval } from '../kinds/approval.ts'
import { awaitTime } from '../kinds/await.ts'
import { awaitRun } from '../kinds/child-run.ts'
import { type ControllerWork, controllerCapability } from '../kinds/work.ts'
import type { JobState, RunState, StepState } from '../state.ts'
import { endStep, enter, setDue, type Turn } from '../turn.ts'
import { pathFor } from '../values/exports.ts'
import { gitFacts } from '../values/git-facts.ts'
import {
  environmentOf,
  expressionContext,
  expressionReason,
  type Needs,
  needsOf,
  stepEnv,
} from '../values/job-context.ts'
import { imageOf, locksOf, timeoutOf, workspaceOf } from '../values/own-values.ts'
import { reportsOf } from '../values/reports.ts'
import { capabilitiesOf, labelsOf, noteLateLabels } from './workspace-labels.ts'

const cancelGraceMs = 10_000

/**
 * Begins a step's next attempt, or ends the step as failed when one of its expressions does not evaluate. `hasLocks`: it has been
 * given those that it asks for first otherwise.
 */
export function beginAttempt(turn: Turn, step: StepState, needs?: Needs, hasLocks = false): void {
  let compiled: Compiled
  try {
    checkTrust(turn.state, step.definition.secrets)
    const refused = refusedDeployment(turn.state, step)
    if (refused) {
      endStep(turn, step, StepStatus.FAILED, refused)
      return
    }
    if (!hasLocks && asksForLocks(turn, step)) return
    compiled = compileStep(turn, step, needs ?? needsOf(turn.state, step))
  } catch (error) {
    endStep(turn, step, StepStatus.FAILED, failedReason(error, step.definition))
    return
  }
  if (compiled.by === 'clock') awaitTime(turn, step, compiled.until)
  else if (compiled.by === 'people') awaitApproval(turn, step, compiled.ask)
  else if (compiled.by === 'run') awaitRun(turn, step, compiled.ask)
  else if (compiled.by === 'controller') queueWork(turn, step, compiled)
  else queueJob(turn, step, compiled)
}

function asksForLocks(turn: Turn, step: StepState): boolean {
  if (!hasLocks(step.definition)) return false
  const locks = locksOf(turn.state, step)
  if (locks.length === 0) return false
  const of = ofAttempt(step, step.attempts.length + 1)
  const wants = locks.map(({ name, limit }) => ({ kind: 'lock' as const, name, most: limit }))
  const names = locks.map(({ name }) => name).join(', ')
  step.queuedAt = turn.now
  enter(turn, step, { kind: 'locks', of }, StepStatus.WAITING, reason('locks_next', { locks: names }))
  turn.locks.push({ type: 'asked', of, wants, supersedes: 'none' })
  setDue(turn, step, null)
  limitQueue(turn, step, turn.now)
  return true
}

function queueJob(turn: Turn, step: StepState, { spec, secrets }: Extract<Compiled, { by: 'agent' }>): void {
  noteLateLabels(turn.state, step)
  const ready = step.awaits?.kind === 'locks' ? step.queuedAt! : turn.now
  const job = newJob(turn, step, {
    labels: labelsOf(turn.state, step),
    capability: capabilitiesOf(turn.state, step, spec.execution.case ?? 'shell').join(' '),
    workspace: spec.workspace,
    secrets,
    status: JobStatus.QUEUED,
  })
  turn.newJobs.set(job, spec)
  turn.effects.push({ type: 'jobQueued', jobId: job.id })
  enter(turn, step, 'job', StepStatus.QUEUED, reason('queued'))
  limitQueue(turn, step, ready)
}

function newJob(
  turn: Turn,
  step: StepState,
  fields: Pick<JobState, 'labels' | 'capability' | 'workspace' | 'secrets' | 'status'>,
): JobState {
  const { state, now } = turn
  const job: JobState = {
    id: state.meta.newId(),
    step,
    attempt: step.attempts.length + 1,
    createdAt: now,
    epoch: 0,
    agentId: '',
    agentName: '',
    availableAt: now,
    offeredAt: null,
    startedAt: null,
    finishedAt: null,
    exitCode: null,
    reason: null,
    cancelRequested: false,
    logSize: 0,
    logComplete: false,
    report: null,
    image: null,
    ...fields,
  }
  step.attempts.push(job)
  state.jobs.set(job.id, job)
  setDue(turn, step, null)
  step.queuedAt = now
  return job
}

class Untrusted extends Error {
  readonly names: readonly string[]

  constructor(names: readonly string[]) {
    super(`An untrusted run gets no secrets: ${names.join(', ')}`)
    this.names = names
  }
}

/** A step that has been written with secrets does something else without them: it does not begin. */
function checkTrust({ meta }: RunState, names: readonly string[]): void {
  if (meta.origin.untrusted && names.length > 0) throw new Untrusted(names)
}

/** Why an attempt could not begin: an expression of it, what one made of a parameter, or that its run is not trusted. */
export function failedReason(error: unknown, { with: given = {} }: StepDefinition): Reason {
  if (error instanceof Untrusted) return reason('secret_untrusted', { names: error.names.slice(0, 20).join(', ') })
  if (error instanceof ParamError) {
    const source = expressionIn(given[error.field])
    return saidReason('parameter', error.said, source === undefined ? {} : { source })
  }
  if (error instanceof MatrixError) {
    const { code, params } = error.said
    if (code === 'matrix_many') return reason(code, { count: params.count!, most: params.most! })
    return saidReason('matrix_invalid', error.said)
  }
  return expressionReason(error)
}

/** The first of a parameter, as its author wrote it. */
function expressionIn(value: JsonValue | undefined): string | undefined {
  if (typeof value === 'string') {
    const part = hasExpression(value) ? parseTemplate(value).parts.find(({ kind }) => kind === 'expression') : undefined
    return part?.kind === 'expression' ? `\${{ ${part.source.slice(0, 200)} }}` : undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  for (const inner of Object.values(value)) {
    const found = expressionIn(inner as JsonValue)
    if (found !== undefined) return found
  }
  return undefined
}

/** Variables that say where a step runs: scripts and tools rely on what they say, so publishing refuses a pipeline's own. */
export function ciVariables(state: RunState, step: StepState, attempt: number): Record<RunVariable, string> {
  const { meta } = state
  return {
    CI_PIPELINE_NAME: meta.pipelineName,
    CI_PIPELINE_NUMBER: String(meta.number),
    CI_STEP_NAME: step.name,
    CI_SYSTEM_NAME: 'ansflow',
    ANSFLOW: 'true',
    ANSFLOW_RUN_ID: meta.runId,
    ANSFLOW_RUN_NUMBER: String(meta.number),
    ANSFLOW_PROJECT: meta.projectSlug,
    ANSFLOW_PIPELINE: meta.pipelineName,
    ANSFLOW_VERSION: String(meta.version),
    ANSFLOW_STEP: step.id,
    ANSFLOW_ATTEMPT: String(attempt),
    ANSFLOW_STARTED_BY: starterOf(meta.origin).name,
  }
}

/** The controller does it; it waits for no agent, and lives in no workspace. */
function queueWork(turn: Turn, step: StepState, { work, secrets }: Extract<Compiled, { by: 'controller' }>): void {
  const capability = controllerCapability
  const job = newJob(turn, step, { labels: [], capability, workspace: '', secrets, status: JobStatus.ACCEPTED })
  turn.newWorks.set(job, work)
  turn.effects.push({ type: 'workQueued' })
  enter(turn, step, { kind: 'work' }, StepStatus.QUEUED, reason('work_queued'))
}

type Compiled =
  | { by: 'controller'; work: ControllerWork; secrets: JobState['secrets'] }
  | { by: 'agent'; spec: JobSpec; secrets: JobState['secrets'] }
  | { by: 'clock'; until: Date }
  | { by: 'people'; ask: ApprovalAsk }
  | { by: 'run'; ask: RunAsk }

function compileStep({ state, now }: Turn, step: StepState, needs: Needs): Compiled {
  const { definition } = step
  const type = stepType(definition.uses)
  if (!type) throw new Error(`there is no step type ${JSON.stringify(definition.uses)}`)
  const env = stepEnv(state, step, needs)
  const context = expressionContext(state, step, needs, () => env)
  const secretMark = type.by === 'controller' && definition.secrets.length > 0 ? state.meta.newId() : ''
  const given = secretMark ? markParams(type, definition, secretMark) : (definition.with ?? {})
  const { params, variables } = interpolateParams(type, given, context)
  const timeoutMs = timeoutOf(state, step)
  const work = type.compile(params, { stepId: step.id, now, secretMark, git: state.meta.origin.git })
  if (work.by === 'steps') throw new Error(`${step.id} stands for steps that are not there`)
  if (work.by === 'clock' || work.by === 'people' || work.by === 'run') return work
  if (work.by === 'controller') {
    const secrets = definition.secrets.map((name) => ({ name, env: false, ...ofEnvironment(state, step) }))
    return { by: 'controller', work: { kind: type.id, request: work.request, secretMark }, secrets }
  }
  const attempt = step.attempts.length + 1
  const workspace = workspaceOf(state, step)
  const spec = create(JobSpecSchema, {
    runId: state.meta.runId,
    stepId: step.id,
    stepName: step.name,
    attempt,
    workspace,
    workspaceRunId: state.inherited.get(workspace) ?? '',
    path: pathFor(state, step, workspace),
    env: Object.entries({
      CI: 'true',
      ...gitVariables(gitFacts(state)),
      ...environmentVariables(state, step),
      ...env,
      ...variables,
      ...ciVariables(state, step, attempt),
    }).map(([name, value]) => ({ name, value })),
    timeoutMs,
    umask: definition.umask,
    nice: Number(definition.nice),
    cancelGraceMs,
    execution: inImage(work.execution, imageOf(state, step), definition.pull),
    outputs: [...new Set([...type.outputs, ...definition.outputs])],
    selfFence: repeatsWhenLost(step),
    ...reportsOf(step, context),
  })
  return { by: 'agent', spec, secrets: secretsOf(state, step, spec) }
}

/** A script runs in a container where the step names an image. */
function inImage(execution: Execution, image: string, pull: ImagePull): Execution {
  if (execution.case !== 'shell' || image === '') return execution
  return { case: 'container', value: { script: execution.value, image, pull } }
}

function markParams(type: StepType, { with: given = {}, secrets }: StepDefinition, mark: string): JsonObject {
  const marked = Object.entries(given).map(([name, value]) => {
    return [name, paramOf(type, name)?.['x-secrets'] ? markSecrets(value, secrets, mark) : value]
  })
  return Object.fromEntries(marked)
}

/** Values go into scripts in a way of their own: nothing in them may be run. */
function interpolateParams(
  type: StepType,
  given: JsonObject,
  context: ExpressionContext,
): { params: JsonObject; variables: Record<string, string> } {
  const scripts: [name: string, script: string][] = []
  const others: JsonObject = {}
  for (const [name, value] of Object.entries(given)) {
    const isScript = paramOf(type, name)?.['x-widget'] === 'script'
    if (isScript && typeof value === 'string') scripts.push([name, value])
    else others[name] = value
  }
  const params = interpolateAll(others, context) as JsonObject
  checkShell(type, given, params)
  let variables: Record<string, string> = {}
  for (const [name, value] of scripts) {
    const made = interpolateScript(value, String(params.shell ?? 'sh'), context)
    params[name] = made.script
    variables = made.variables
  }
  return { params, variables }
}

/** The author says which program runs a script. What an expression brings may only choose among the shells. */
function checkShell({ id }: StepType, { shell: written }: JsonObject, { shell }: JsonObject): void {
  if (typeof written !== 'string' || !hasExpression(written) || shells.some((known) => known === shell)) return
  const value = JSON.stringify(shell).slice(1, 80)
  const said = say('param_enum', { type: id, param: 'shell', options: shells.join(', '), value })
  throw new ParamError(id, { field: 'shell', said })
}

/** A text that is one expression alone keeps its value's type, so that a number stays a number. */
function interpolateAll(value: JsonValue, context: ExpressionContext): JsonValue {
  if (typeof value === 'string') return interpolateValue(value, context)
  if (Array.isArray(value)) return value.map((inner) => interpolateAll(inner, context))
  if (value && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, interpolateAll(inner, context)]))
  }
  return value
}

function ofEnvironment(state: RunState, step: StepState): Pick<JobState['secrets'][number], 'environment'> {
  const { id } = environmentOf(state, step) ?? {}
  return id === undefined ? {} : { environment: id }
}

function secretsOf(state: RunState, step: StepState, spec: JobSpec): JobState['secrets'] {
  const { meta } = state
  const secrets = new Map(step.definition.secrets.map((name) => [name, true]))
  const access: JobState['secrets'] = []
  if (spec.execution.case === 'checkout') {
    const { url, passwordSecret, sshKeySecret } = spec.execution.value
    for (const name of [passwordSecret, sshKeySecret]) if (name && !secrets.has(name)) secrets.set(name, false)
    checkTrust(state, [...secrets.keys()])
    const { repositoryId = '', repository, fork } = meta.origin.git ?? {}
    // What others have written in a repository of their own gets nothing that could read ours.
    const isOwn = repositoryId !== '' && url === repository && !fork && !meta.origin.untrusted
    if (isOwn && !passwordSecret && !sshKeySecret) access.push({ name: '', env: false, repository: repositoryId })
  }
  return [...[...secrets].map(([name, env]) => ({ name, env, ...ofEnvironment(state, step) })), ...access]
}

export function repeatsWhenLost({ definition }: StepState): boolean {
  return definition.onLost === OnLost.RETRY || (definition.retry?.on.includes(RetryOn.LOST) ?? false)
}
