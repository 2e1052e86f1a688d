// What a run would do, without running it: the engine is driven through a whole run whose steps all end as is assumed, and is then
// asked what each expression gives. What a step sets while it runs is not known; where something depends on it, that is said, and
// taken for granted where the run could not go on otherwise.
import { compileExpression, ExpressionError, evaluate, hasExpression } from '@ansflow/proto/expression'
import { fieldsOfLocks } from '@ansflow/proto/fields/locks'
import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { type PipelineGraph, type StepDefinition, StepDefinitionSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { ancestors, firstCheckout, topologicalOrder } from '@ansflow/proto/graph'
import type { Reason } from '@ansflow/proto/reasons'
import { isTerminal, isTerminalJob, JobStatus, RunStatus, StepStatus } from '@ansflow/proto/status'
import { expressionsIn, expressionsOf, referencesIn, type StepExpression } from '@ansflow/proto/step-expressions'
import { runsOnAgent } from '@ansflow/proto/steps/index'
import { clone, type JsonObject, type JsonValue } from '@bufbuild/protobuf'
import { advance } from '../advance.ts'
import type { LockWant } from '../gates/locks.ts'
import { inFileOrder, planRun } from '../plan.ts'
import { needsToDecide } from '../ready.ts'
import type { JobState, RunEvent, RunMeta, RunState, StepState } from '../state.ts'
import { expressionContext, needsOf } from '../values/job-context.ts'
import { readsMatrix } from '../values/own-values.ts'
import { type ForeseenPiece, type ForeseenValue, piecesOf } from './foresee-pieces.ts'
import { locksWanted } from './foresee-waits.ts'

export interface Foreseen {
  id: string
  name: string
  step: StepDefinition
  copyOf: string
  matrix: Readonly<Record<string, JsonValue>> | null
  copies: number
  /** `maybe`: it depends on what `waitsFor` say. `fails`: it could not even begin. */
  outcome: 'runs' | 'maybe' | 'skipped' | 'fails'
  /** Why it does not run. */
  reason: Reason | null
  /** What its copies are is known only when `waitsFor` have ended. */
  openMatrix: boolean
  /** Steps on whose ends it depends whether it runs, or as how many copies. */
  waitsFor: string[]
  /** From 1: steps of one wave could run side by side. 0: it does not run. */
  wave: number
  /** By whom it is asked for an agent, where one is needed and that is known. */
  job: JobState | undefined
  /** Locks that it would take. */
  locks: LockWant[]
  expressions: ForeseenExpression[]
}

export interface ForeseenExpression extends ForeseenValue {
  field: string
  /** Of a condition. */
  pieces?: ForeseenPiece[]
}

export interface Assumed {
  /** Steps that are assumed to fail; all others succeed. */
  failing: ReadonlySet<string>
  /** As `GitFacts.changed`, in the place of what the run's origin says. */
  changed?: Readonly<Record<string, boolean>> | undefined
}

/** Of a step, what is taken for granted. */
type Part = 'when' | 'needs' | 'matrix' | 'place' | 'work'
type Parts = Set<Part>

/** Yields now and then. Throws nothing for what is wrong in the graph: the steps say it. */
export function* foresee(
  graph: PipelineGraph,
  inputs: JsonObject,
  meta: RunMeta,
  now: Date,
  { failing, changed }: Assumed,
): Generator<void, Foreseen[]> {
  const open = new Map<string, Parts>()
  for (;;) {
    const state = yield* runThrough(
      yield* simplified(graph, open),
      inputs,
      { ...meta, foresees: true, changed },
      now,
      failing,
    )
    const run = runOf(graph, state, open)
    if (!(yield* noteUnknown(run, open))) return yield* told(run)
  }
}

/** The graph as it can be run through: nothing is repeated, waits for others, or depends on what is not known. */
function* simplified(graph: PipelineGraph, open: ReadonlyMap<string, Parts>): Generator<void, PipelineGraph> {
  const steps: StepDefinition[] = []
  for (const step of graph.steps) {
    const simple = clone(StepDefinitionSchema, step)
    delete simple.retry
    simple.onLost = 0
    Object.assign(simple, fieldsOfLocks([]))
    const parts = open.get(step.id)
    if (parts?.has('when')) {
      simple.when = compileExpression(step.when).expression?.usesStatus ? 'always()' : ''
    }
    if (parts?.has('needs')) for (const need of simple.needs) need.condition = ''
    if (parts?.has('matrix')) delete simple.matrix
    if (parts?.has('place')) Object.assign(simple, { runsOn: [], workspace: 'isolated' })
    if (parts?.has('work')) {
      Object.assign(simple, { env: [], secrets: [], timeoutExpression: '', ...standIn(step.uses) })
      if (simple.environment) simple.environment.url = ''
      if (hasExpression(simple.environment?.name ?? '')) delete simple.environment
    }
    steps.push(simple)
    yield
  }
  const { concurrency: _, ...others } = graph
  return { ...others, steps, timeoutMs: 0 }
}

/** Asks for an agent as the step would, if it does. */
function standIn(uses: string): { uses: string; with: JsonObject } {
  if (uses === 'fetch_code') return { uses, with: { url: 'https://example.org/a.git' } }
  return runsOnAgent(uses) ? { uses: 'custom', with: { script: 'true' } } : { uses: 'wait', with: { duration: '1s' } }
}

function* runThrough(
  graph: PipelineGraph,
  inputs: JsonObject,
  meta: RunMeta,
  start: Date,
  failing: ReadonlySet<string>,
): Generator<void, RunState> {
  const state = yield* planRun(graph, inputs, meta, start)
  let now = start
  /** Steps with which something is to happen. */
  const next: StepState[] = []
  function* give(event: RunEvent): Generator<void> {
    const { steps, newJobs, newWorks } = yield* advance(state, event, now)
    for (const step of steps) next.push(step)
    for (const { job } of [...newJobs, ...newWorks]) next.push(job.step)
  }
  yield* give({ type: 'started' })
  for (;;) {
    for (let step = next.pop(); step; step = next.pop()) {
      for (const event of nextOf(step, failing)) yield* give(event)
    }
    if (isTerminal(state.status)) return state
    if (!state.wakeAt) throw new Error('a run that is foreseen does not end')
    now = new Date(Math.max(now.getTime() + 1, state.wakeAt.getTime()))
    yield* give({ type: 'timer' })
  }
}

function nextOf(step: StepState, failing: ReadonlySet<string>): RunEvent[] {
  const fails = failing.has(step.id) || failing.has(step.group?.id ?? '')
  const outcome = fails ? Outcome.FAILED : Outcome.SUCCEEDED
  const { awaits } = step
  if (awaits?.kind === 'approval') {
    return Array.from({ length: fails ? 1 : awaits.required }, (_, person) => {
      const vote = { by: `${person}`, byName: '', approve: !fails, comment: '', answers: {} }
      return { type: 'approvalDecided', stepId: step.id, approvalId: awaits.id, vote }
    })
  }
  if (awaits?.kind === 'run') {
    const status = fails ? RunStatus.FAILED : RunStatus.SUCCEEDED
    const child = { pipelineName: '', number: 0, status, outputs: {} }
    return [{ type: 'childEnded', stepId: step.id, childId: awaits.id, ...child }]
  }
  const job = step.attempts.at(-1)
  if (!job || isTerminalJob(job.status)) return []
  const jobId = job.id
  if (awaits?.kind === 'work') {
    return [
      { type: 'workTaken', jobId, epoch: 1 },
      { type: 'workDone', jobId, epoch: 1, outcome },
    ]
  }
  if (job.status !== JobStatus.QUEUED) return []
  return [
    { type: 'jobOffered', jobId, agentId: 'foreseen', agentName: '' },
    { type: 'jobFinished', jobId, epoch: 1, outcome, exitCode: fails ? 1 : 0 },
  ]
}

/** Notes what steps could not be decided for what is not known; true: there was something new. */
function* noteUnknown(run: Run, open: Map<string, Parts>): Generator<void, boolean> {
  const { graph, state } = run
  let found = false
  const stuck = new Set<string>()
  for (const step of state.steps.values()) {
    yield
    const key = step.group?.id ?? step.id
    if (step.status !== StepStatus.FAILED || stuck.has(key) || !couldNotBegin(step.reason)) continue
    const definition = graph.steps[step.index]!
    const parts = open.get(key) ?? new Set()
    const asked = [...expressionsOf(definition)].filter((each) => isUnknown(run, step, each))
    const more: Part[] = asked.map(({ field }) => partOf(field)).filter((part) => !parts.has(part))
    if (hasOpenVariables(run, step) && !parts.has('work')) more.push('work')
    if (more.length === 0) continue
    stuck.add(key)
    for (const part of more) parts.add(part)
    open.set(key, parts)
    found = true
  }
  return found
}

function couldNotBegin(why: Reason | null): boolean {
  return why !== null && beforeBeginning.has(why.code)
}

const beforeBeginning: ReadonlySet<string> = new Set([
  ...['expression', 'parameter', 'matrix_invalid', 'matrix_many', 'matrix_full'],
  ...['environment_missing', 'environment_ref', 'environment_pull', 'environment_fork', 'environment_unverified'],
])

/** A process gets the pipeline's variables whether it reads them or not. */
function hasOpenVariables(run: Run, step: StepState): boolean {
  const asked = run.graph.env.flatMap(({ value }) => [...expressionsIn('', value)])
  return asked.some((each) => isUnknown(run, step, each))
}

function partOf(field: string): Part {
  if (field === 'when' || field === 'matrix') return field
  if (field.startsWith('needs.')) return 'needs'
  return field === 'runsOn' || field === 'workspace' ? 'place' : 'work'
}

function isUnknown(run: Run, step: StepState, asked: StepExpression): boolean {
  const found = valueIn(run, step, asked)
  return found.value === undefined && isOpen(found)
}

type OpenValue = Pick<ForeseenExpression, 'waitsFor' | 'atStart'>
const isOpen = ({ waitsFor, atStart }: OpenValue) => waitsFor.length > 0 || atStart

function valueIn(run: Run, step: StepState, { field, source }: StepExpression): ForeseenExpression {
  const { state } = run
  const open = unknownOf(run, step, source)
  const told = { field, source, ...open }
  // What asks whether something is there, or for all there is, would have an answer before it is known.
  if (isOpen(open) && (asksForPresence.test(source) || readsAll(source))) return told
  const needs = field === 'when' ? needsToDecide(state, step) : needsOf(state, step)
  const context = expressionContext(state, step, needs)
  // As it was before anything was fetched.
  if (!run.followsCheckout(step))
    Object.defineProperty(context, 'git', { value: state.meta.origin.git ? context.git : {} })
  try {
    return { field, source, value: evaluate(source, context), waitsFor: [], atStart: false }
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error
    return isOpen(open) ? told : { ...told, problem: error.said }
  }
}

/** Not only a certain output. */
function readsAll(source: string): boolean {
  return referencesIn(source).some(({ root, path }) => root === 'steps' && path.length < 3 && path[1] !== 'status')
}

const asksForPresence = /\bhas\s*\(|\bin\b|\bsize\s*\(|\.(?:all|exists|exists_one|map|filter)\s*\(/

/** What an expression reads that is not known before the run: of which steps, or of the run itself. */
function unknownOf(run: Run, step: StepState, source: string): OpenValue {
  const { state } = run
  const waitsFor = new Set<string>()
  let atStart = false
  const look = (text: string, inVariable: boolean): void => {
    for (const { root, path } of referencesIn(text)) {
      if (root === 'steps' && path[0] !== undefined && path[1] !== 'status' && sets(state.steps.get(path[0])))
        waitsFor.add(path[0])
      else if (root === 'git' && !state.meta.origin.git && run.followsCheckout(step)) waitsFor.add(run.checkout!.id)
      else if (root === 'run' && (path[0] === undefined || path[0] === 'id')) atStart = true
      else if (root === 'matrix' && run.open.get(step.id)?.has('matrix'))
        for (const id of matrixWaits(run, step)) waitsFor.add(id)
      else if (root === 'env' && !inVariable) {
        const variables = [...state.graph.env, ...run.graph.steps[step.index]!.env]
        for (const { value } of variables) for (const inner of expressionsIn('', value)) look(inner.source, true)
      }
    }
  }
  look(source, false)
  return { waitsFor: [...waitsFor], atStart }
}

/** Whether it has run, and so may have set outputs. */
function sets(step: StepState | undefined): boolean {
  return step !== undefined && (step.status === StepStatus.SUCCEEDED || step.status === StepStatus.FAILED)
}

function matrixWaits(run: Run, step: StepState): string[] {
  const asked = [...expressionsOf(run.graph.steps[step.index]!)].filter(({ field }) => field === 'matrix')
  return asked.flatMap(({ source }) => unknownOf(run, step, source).waitsFor)
}

/** One way through the run, and what is known of it. */
interface Run {
  /** As it was written. */
  graph: PipelineGraph
  state: RunState
  open: ReadonlyMap<string, Parts>
  checkout: StepDefinition | undefined
  followsCheckout: (step: StepState) => boolean
}

function runOf(graph: PipelineGraph, state: RunState, open: ReadonlyMap<string, Parts>): Run {
  const checkout = firstCheckout(graph)
  const behind = new Map<string, boolean>()
  const hasFetched = checkout !== undefined && sets(state.steps.get(checkout.id))
  const followsCheckout = ({ definition: { id } }: StepState): boolean => {
    if (!hasFetched) return false
    const known = behind.get(id) ?? ancestors(graph.steps, id).has(checkout.id)
    behind.set(id, known)
    return known
  }
  return { graph, state, open, checkout, followsCheckout }
}

function* told(run: Run): Generator<void, Foreseen[]> {
  const { graph, state, open } = run
  const waves = new Map<string, number>()
  const found: Foreseen[] = []
  for (const step of inFileOrder(state)) {
    const definition = graph.steps[step.index]!
    const parts = open.get(definition.id)
    const begins = hasBegun(step)
    const isMaybe = begins && (parts?.has('when') || parts?.has('needs'))
    const outcome = isMaybe
      ? 'maybe'
      : begins
        ? 'runs'
        : couldNotBegin(step.reason) || step.reason?.code === 'secret_untrusted'
          ? 'fails'
          : 'skipped'
    const all = begins || outcome === 'fails'
    const asked = [...expressionsOf(definition)].filter(
      ({ field, source }) => (all || decides(field)) && !(step.copies && readsMatrix(source)),
    )
    const expressions = distinct(asked).map((each) => withPieces(run, step, valueIn(run, step, each)))
    const waitsFor = expressions
      .filter(({ field }) => decides(field) || field === 'matrix')
      .flatMap((each) => each.waitsFor)
    found.push({
      id: step.id,
      name: step.name,
      step: definition,
      copyOf: step.group?.id ?? '',
      matrix: step.matrix,
      copies: step.copies?.length ?? 0,
      outcome,
      reason: begins ? null : step.reason,
      openMatrix: parts?.has('matrix') ?? false,
      waitsFor: [...new Set(waitsFor)],
      wave: 0,
      job: parts?.has('place') || !runsOnAgent(definition.uses) ? undefined : jobOf(step),
      locks: begins && !step.copies ? locksWanted(state, step, definition) : [],
      expressions,
    })
    yield
  }
  for (const step of topologicalOrder(graph.steps)) {
    const before = Math.max(0, ...step.needs.map(({ stepId }) => waves.get(stepId) ?? 0))
    waves.set(step.id, hasBegun(state.steps.get(step.id)!) ? before + 1 : before)
    yield
  }
  for (const each of found) {
    const begins = each.outcome === 'runs' || each.outcome === 'maybe'
    if (begins) each.wave = waves.get(each.step.id)!
  }
  return found
}

/** Of a step that is not run these alone are looked at. */
function decides(field: string): boolean {
  return field === 'when' || field.startsWith('needs.')
}

function withPieces(run: Run, step: StepState, whole: ForeseenExpression): ForeseenExpression {
  const { field } = whole
  if (!decides(field) || !compileExpression(whole.source).expression) return whole
  return { ...whole, pieces: piecesOf(whole, (source) => valueIn(run, step, { field, source })) }
}

function distinct(all: readonly StepExpression[]): StepExpression[] {
  return [...new Map(all.map((each) => [`${each.field} ${each.source}`, each])).values()]
}

/** Of a step with copies, that of the first. */
function jobOf({ attempts, copies }: StepState): JobState | undefined {
  return attempts.at(-1) ?? copies?.find(hasBegun)?.attempts.at(-1)
}

function hasBegun({ attempts, startedAt, copies, status }: StepState): boolean {
  if (copies) return copies.some(hasBegun)
  return attempts.length > 0 || (startedAt !== null && status !== StepStatus.SKIPPED)
}
