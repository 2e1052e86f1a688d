// Properties of every run: random graphs, random orders of events, 10,000 of them and more.
import { hasLocks, locksOfStep } from '@ansflow/proto/fields/locks'
import type { JobSpec } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import type { PipelineGraph } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { ancestors, topologicalOrder } from '@ansflow/proto/graph'
import { atOnce } from '@ansflow/proto/pieces'
import { reasonText } from '@ansflow/proto/reasons'
import { isTerminal, isTerminalJob, RunStatus, StepStatus } from '@ansflow/proto/status'
import { writeOut } from '@ansflow/proto/templates/write-out'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { choices, graphArbitrary, inTemplate } from '../test/graph-arbitrary.ts'
import * as world from '../test/world.ts'
import { advance } from './advance.ts'
import { planRun, type Reuse } from './plan.ts'
import { planRerun, type Rerun, type RerunAsk, RerunRefused } from './rerun.ts'
import type { Changes, RunEvent, RunState, StepState } from './state.ts'

/** Looks at the state after each event and compares it with how it was before. */
function watch(): world.World['check'] {
  let before = new Map<string, string>()
  let runBefore = 0
  const approvals = new Map<string, Approval>()
  const children = new Map<string, Child>()
  let current: world.World
  const check = (changes: Changes, event: RunEvent) => {
    const { state } = current
    const changed = new Set(changes.steps)
    for (const { job } of changes.newJobs) changed.add(job.step)
    for (const { job } of changes.newWorks) changed.add(job.step)
    for (const job of changes.jobs) changed.add(job.step)
    let cost = 2 + (event.type === 'timer' || event.type === 'cancelRequested' ? state.steps.size : 0)
    // A failure behind steps that were canceled early spreads through them.
    if (state.cancelLevel > 0) cost += state.steps.size * 3
    for (const step of state.steps.values()) {
      const { id } = step
      const picture = world.pictureOf(step)
      const was = before.get(id)
      if (was !== undefined && was !== picture) {
        if (!changed.has(step)) throw new Error(`${id} changed silently`)
        if (isTerminal(Number(was[0]))) throw new Error(`${id} changed after its end`)
      }
      before.set(id, picture)
      checkStep(state, id)
      if (step.copies) checkCopies(step)
    }
    checkLocks(current)
    // Dependents twice: their counts go down, and a failure is told to them.
    for (const step of changed) cost += 2 + step.needs.length + 2 * step.dependents.length
    // A copy is made, and told to the step that it is a copy of.
    for (const step of changed) if (step.group) cost += 2
    if (changes.touched > cost) throw new Error(`touched ${changes.touched}, more than ${cost}`)
    for (const { job, spec } of changes.newJobs) {
      checkExports(state, job.step, spec)
      if (job.step.needs.some((need) => !isTerminal(need.status))) throw new Error('queued before its needs ended')
    }
    if (changes.result !== 'applied' && changed.size > 0) throw new Error(`${changes.result} but changed`)
    if (isTerminal(runBefore) && state.status !== runBefore) throw new Error('the run changed after its end')
    noteApprovals(approvals, changes, current.now)
    noteChildren(children, changes)
    runBefore = state.status
    if (isTerminal(state.status) !== (state.active.size === 0)) throw new Error('a run ends with its last step')
  }
  return Object.assign(check, {
    of: (w: world.World) => {
      current = w
      before = new Map()
      approvals.clear()
      children.clear()
    },
  })
}

function checkStep(state: RunState, id: string): void {
  const step = state.steps.get(id)!
  const open = step.needs.filter((need) => !isTerminal(need.status)).length
  if (step.needsLeft !== open) throw new Error(`${id} counts ${step.needsLeft} open needs of ${open}`)
  if (step.status === StepStatus.BLOCKED && open === 0 && step.phase !== 'held' && state.status !== RunStatus.WAITING)
    throw new Error(`${id} is not queued though its needs ended`)
  checkPhase(step, open, state.status === RunStatus.WAITING)
  const jobs = step.attempts.filter((job) => !isTerminalJob(job.status))
  const elsewhere = jobs.some(
    ({ agentId, workspace }) => agentId && workspace !== 'isolated' && agentId !== state.pins.get(workspace),
  )
  if (elsewhere) throw new Error(`${id} is not where its workspace is`)
  if (jobs.length > (isTerminal(step.status) ? 0 : 1)) throw new Error(`${id} has ${jobs.length} open jobs`)
  if (step.attempts.length > 1 + Math.max(step.definition.retry?.max ?? 0, 3)) throw new Error(`${id} never ends`)
  if (step.dueAt && !(state.wakeAt && state.wakeAt <= step.dueAt)) throw new Error(`nobody wakes ${id}`)
  if (state.cancelLevel > 0 && !isTerminal(step.status) && jobs.length === 0 && !step.copies) {
    const { when } = step.definition
    if (state.cancelLevel === 2 || !/always|canceled/.test(when)) throw new Error(`${id} goes on after a cancel`)
  }
  if (isTerminal(step.status)) {
    if (step.dueAt || state.timed.has(step)) throw new Error(`${id} has ended but is still due`)
    if (step.status !== StepStatus.SUCCEEDED && !step.reason) throw new Error(`${id} ended without a reason`)
  } else if (!step.reason || reasonText(step.reason).includes('undefined')) {
    throw new Error(`${id} waits without a reason: ${JSON.stringify(step.reason)}`)
  }
}

/** A job gets what the steps before it have set, of each name what the last of them in the order of needs, then of the file, has. */
function checkExports(state: RunState, { definition, id }: StepState, { env, path, workspace }: JobSpec): void {
  const before = ancestors(state.graph.steps, definition.id)
  const setters = topologicalOrder(state.graph.steps)
    .filter((step) => before.has(step.id))
    .flatMap((step) => state.steps.get(step.id)!.copies ?? [state.steps.get(step.id)!])
    .filter(({ exports }) => exports !== null)
  const got = env.find(({ name }) => name === 'SET')?.value
  if (got !== setters.at(-1)?.exports?.env.SET) throw new Error(`${id} got SET=${got}`)
  const isHere = ({ exports, reused }: StepState) =>
    exports?.workspace === workspace && (!reused || state.inherited.has(workspace))
  const near = workspace === 'isolated' ? [] : setters.filter(isHere)
  const folders = near.flatMap(({ exports }) => exports!.path).reverse()
  if (folders.join() !== path.join()) throw new Error(`${id} got PATH ${path} instead of ${folders}`)
}

interface Approval {
  stepId: string
  required: number
  approvedBy: Set<string>
  rejected: boolean
  /** When it becomes approved by itself. */
  approvedAt: Date | null
  closed: boolean
}

/** Asked once, closed once, and its step succeeds only with enough people, or by the time that says so. */
function noteApprovals(approvals: Map<string, Approval>, { approvals: told }: Changes, now: Date): void {
  for (const change of told) {
    const { step, approvalId } = change
    const stepId = step.id
    const known = approvals.get(approvalId)
    if (change.type === 'asked') {
      if ([...approvals.values()].some((other) => other.stepId === stepId)) throw new Error('a step asks twice')
      const { required, onExpiry } = change.ask
      const approvedAt = onExpiry === 'approve' ? change.until : null
      const fresh = { stepId, required, approvedBy: new Set<string>(), rejected: false, approvedAt, closed: false }
      approvals.set(approvalId, fresh)
    } else if (!known || known.closed) throw new Error(`${change.type} of what is not asked`)
    else if (change.type === 'decided') {
      if (known.approvedBy.has(change.vote.by)) throw new Error('a person counts twice')
      if (change.vote.approve) known.approvedBy.add(change.vote.by)
      else known.rejected = true
    } else {
      known.closed = true
      const enough = known.approvedBy.size >= known.required && !known.rejected
      const byTime = known.approvedAt !== null && known.approvedAt <= now
      if (step.status === StepStatus.SUCCEEDED && !enough && !byTime) throw new Error('went on without its approval')
      if (step.status !== StepStatus.SUCCEEDED && enough) throw new Error('was approved but did not go on')
    }
  }
}

interface Child {
  stepId: string
  withdrawn: boolean
}

/** Asked for once, and withdrawn exactly when its step has ended without hearing of its end. */
function noteChildren(children: Map<string, Child>, { children: told, steps }: Changes): void {
  for (const { type, step, childId } of told) {
    const known = children.get(childId)
    if (type === 'asked') {
      if (known || [...children.values()].some(({ stepId }) => stepId === step.id))
        throw new Error('a step calls twice')
      children.set(childId, { stepId: step.id, withdrawn: false })
    } else if (!known || known.withdrawn) throw new Error('withdrawn without being asked for')
    else known.withdrawn = true
  }
  for (const { stepId, withdrawn } of children.values()) {
    const step = steps.find(({ id }) => id === stepId)
    if (!step || !isTerminal(step.status)) continue
    const heard = step.reason?.code.startsWith('child_') ?? false
    if (heard === withdrawn) throw new Error(`${step.id} has ${heard ? 'withdrawn a run that ended' : 'left a run'}`)
  }
}

/** A step that has not ended has something that brings it on: needs, the time, a job, or what it awaits. */
function checkPhase(step: StepState, openNeeds: number, waits: boolean): void {
  const { id } = step
  const job = step.attempts.at(-1)
  const held = {
    blocked: openNeeds > 0 || waits,
    held: waits || (step.group?.copies?.some(({ phase }) => phase !== 'held' && phase !== 'ended') ?? false),
    copies: step.copies?.some(({ status }) => !isTerminal(status)) ?? false,
    delayed: step.dueAt !== null,
    job: job !== undefined && !isTerminalJob(job.status),
    // People and other runs need no timer, and locks are given.
    awaiting:
      step.awaits?.kind === 'approval' ||
      step.awaits?.kind === 'locks' ||
      step.awaits?.kind === 'run' ||
      (step.awaits?.kind === 'work' ? job !== undefined && !isTerminalJob(job.status) : step.dueAt !== null),
    ended: isTerminal(step.status),
  }
  if (!held[step.phase]) throw new Error(`${id} is ${step.phase}, and nothing will bring it on`)
  if (isTerminal(step.status) && step.phase !== 'ended') throw new Error(`${id} has ended but is ${step.phase}`)
  if ((step.phase === 'awaiting') !== (step.awaits !== null)) throw new Error(`${id} does not say what it awaits`)
}

/** Nobody runs without what they asked for, nor keeps it afterwards; a run that waits has begun nothing. */
function checkLocks({ state, locks }: world.World): void {
  const turns = new Set(locks.turns())
  const wanted = new Set<string>()
  for (const step of state.active) {
    if (!hasLocks(step.definition) || step.copies) continue
    if (step.awaits?.kind === 'locks') wanted.add(step.awaits.of)
    else if (step.phase === 'job' || step.awaits?.kind === 'work') {
      const of = `${step.id}#${step.attempts.length}`
      wanted.add(of)
      const has = locks.claims.some((claim) => claim.of === of)
      if (has && !turns.has(of)) throw new Error(`${of} runs before its turn`)
      if (!has && locksOfStep(step.definition).some(({ name }) => !name.includes('${{ "')))
        throw new Error(`${of} runs without its locks`)
    }
  }
  const ofTheRun = state.graph.concurrency && !isTerminal(state.status)
  for (const { of } of locks.claims) {
    if (of.startsWith('other ')) continue
    if (of === '' ? !ofTheRun : !wanted.has(of)) throw new Error(`${of || 'the run'} keeps its locks`)
  }
  if (state.status === RunStatus.WAITING && state.jobs.size > 0) throw new Error('a run that waits has begun')
  if (ofTheRun && state.status === RunStatus.RUNNING && locks.claims.some(({ of }) => of === '') && !turns.has('')) {
    throw new Error('the run has begun before its turn')
  }
}

/** Every copy once, no more at once than may be, and the step ends with the last of them, as the first failure wants it. */
function checkCopies(group: StepState): void {
  const { id, copies, definition } = group
  const ids = copies!.map((copy) => copy.id)
  if (ids.some((copyId, index) => copyId !== `${id}.${index}`)) throw new Error(`${id} has the copies ${ids}`)
  const going = copies!.filter(({ phase }) => phase !== 'held' && phase !== 'ended')
  const { maxParallel, failFast = true } = definition.matrix!
  if (maxParallel > 0 && going.length > maxParallel) throw new Error(`${going.length} copies of ${id} at once`)
  if (isTerminal(group.status) !== copies!.every(({ status }) => isTerminal(status)))
    throw new Error(`${id} ends apart`)
  const failed = copies!.some(({ status, failureAllowed, reused }) => {
    return !reused && ((status === StepStatus.FAILED && !failureAllowed) || status === StepStatus.LOST)
  })
  if (failFast && failed && copies!.some(({ phase }) => phase === 'held' || phase === 'delayed')) {
    throw new Error(`${id} goes on after a failure`)
  }
  if (group.attempts.length > 0) throw new Error(`${id} has a job of its own`)
}

function live(graph: PipelineGraph, order: number[], foreign = 0, reuse?: Reuse): world.World {
  const check = watch() as world.World['check'] & { of(w: world.World): void }
  const run = world.newWorld(graph, check, foreign, reuse)
  check.of(run)
  world.apply(run, { type: 'started' })
  for (const choice of order) world.tick(run, choice)
  return run
}

test('every run ends, in order, with reasons, whatever happens', { timeout: 600_000 }, () => {
  fc.assert(
    fc.property(graphArbitrary, choices, fc.nat(2), (graph, order, foreign) => {
      const run = live(graph, order, foreign)
      world.runToEnd(run)
      for (const event of run.log.map((entry) => entry.event)) {
        expect(atOnce(advance(run.state, event, run.now)).result).not.toBe('applied')
      }
    }),
    { numRuns: 7500 },
  )
})

test('the same events give the same state, also over restarts', { timeout: 600_000 }, () => {
  fc.assert(
    fc.property(graphArbitrary, choices, fc.nat(2), (graph, order, foreign) => {
      const run = live(graph, order, foreign)
      const again = atOnce(planRun(graph, {}, world.testMeta(), world.epochStart))
      for (const { event, at } of run.log) atOnce(advance(again, event, at))
      const picture = world.picture(run.state)
      expect(world.picture(again)).toEqual(picture)
      expect(world.picture(world.restart(run.state))).toEqual(picture)
    }),
    { numRuns: 2500 },
  )
})

const rerunArbitrary = fc.record({
  mode: fc.constantFrom('failed' as const, 'from' as const, 'from' as const, 'alone' as const),
  step: fc.nat(99),
  /** Whether whoever runs again has approved everything. */
  approved: fc.boolean(),
  inherits: fc.boolean(),
})

test('a part of a run again runs what was chosen and what is behind it, and nothing past an approval', {
  timeout: 600_000,
}, () => {
  fc.assert(
    fc.property(
      graphArbitrary,
      choices,
      rerunArbitrary,
      choices,
      (graph, order, { mode, step, approved, inherits }, then) => {
        const earlier = live(graph, order)
        world.runToEnd(earlier)
        const ids = [...earlier.state.steps.keys()]
        const stepIds = mode === 'failed' ? [] : [ids[step % ids.length]!]
        const rerun = accepted(earlier, { mode, stepIds, inputs: {}, hasApproved: () => approved })
        if (!rerun) return
        checkRerun(earlier.state, rerun, approved)
        const names = new Set(rerun.reused.map(({ definition }) => definition.workspace || 'shared'))
        const workspaces = inherits ? [...names].filter((name) => name !== 'isolated') : []
        const kept = workspaces.map((name) => ({ name, agentId: 'other', runId: 'run' }))
        const run = live(rerun.graph, then, 0, { steps: rerun.steps, workspaces: kept })
        world.runToEnd(run)
        const runs = new Set(rerun.runs.map(({ id }) => id))
        for (const { step: of, workspace, agentId } of run.state.jobs.values()) {
          if (!runs.has(of.id) && !runs.has(of.group?.id ?? '')) throw new Error(`${of.id} was run again`)
          if (workspaces.includes(workspace) && agentId === 'agent') throw new Error(`${workspace} was begun anew`)
        }
        for (const before of rerun.reused) expect(endOf(run.state.steps.get(before.id)!)).toEqual(endOf(before))
        const again = atOnce(
          planRun(rerun.graph, {}, world.testMeta(), world.epochStart, { steps: rerun.steps, workspaces: kept }),
        )
        for (const { event, at } of run.log) atOnce(advance(again, event, at))
        expect(world.picture(again)).toEqual(world.picture(run.state))
        if (isTerminal(run.state.status)) expect(run.state.pins.size).toBe(0)
      },
    ),
    { numRuns: 2500 },
  )
})

/** As it is planned with what each refusal says to run from, too. Undefined: nothing has failed. */
function accepted(earlier: world.World, ask: RerunAsk): Rerun | undefined {
  const { state, now } = earlier
  for (let asked = ask, tries = 0; ; tries++) {
    try {
      return planRerun(state, asked, now)
    } catch (error) {
      if (!(error instanceof RerunRefused)) throw error
      if (error.said.code === 'rerun_none_failed') return undefined
      if (error.include.length === 0 || tries > state.steps.size) throw error
      asked = {
        ...asked,
        mode: asked.mode === 'failed' ? 'failed' : 'from',
        stepIds: [...asked.stepIds, ...error.include],
      }
    }
  }
}

function checkRerun(earlier: RunState, { runs, reused, graph }: Rerun, approved: boolean): void {
  const isRun = new Set(runs.map(({ id }) => id))
  for (const step of reused) {
    if (isRun.has(step.id)) throw new Error(`${step.id} is reused and run`)
    if (step.needs.some(({ id }) => isRun.has(id))) throw new Error(`${step.id} is reused behind a step that runs`)
  }
  if (graph.steps.some(({ needs }) => needs.some(({ stepId }) => !graph.steps.some(({ id }) => id === stepId)))) {
    throw new Error('a need is not in the graph')
  }
  const before = (step: StepState): StepState[] => step.needs.flatMap((need) => [need, ...before(need)])
  const near = new Set(runs.flatMap(before))
  for (const step of reused) {
    if (step.definition.uses !== 'approval' || step.copies || !near.has(step.group ?? step)) continue
    if (step.status === StepStatus.SKIPPED) continue
    if (step.status !== StepStatus.SUCCEEDED || approved)
      throw new Error(`past the approval ${step.id} of ${earlier.meta.runId}`)
  }
}

function endOf({ status, outputs, reason, startedAt, finishedAt, failureAllowed }: StepState) {
  return { status, outputs, reason, startedAt, finishedAt, failureAllowed }
}

test('a pipeline in a template runs exactly as the same one written out by hand', { timeout: 120_000 }, () => {
  const byHand = (text: string) => text.replaceAll('w/', '').replaceAll(/steps\[\\*"(s\d+)\\*"\]/g, 'steps.$1')
  fc.assert(
    fc.property(graphArbitrary, choices, (graph, picks) => {
      const pictures = [graph, atOnce(writeOut(inTemplate(graph))).graph].map((each) => {
        const run = world.newWorld(each)
        for (const pick of picks) world.tick(run, pick)
        return byHand(JSON.stringify([world.picture(run.state), run.log]))
      })
      expect(pictures[1]).toBe(pictures[0])
    }),
    { numRuns: 300 },
  )
})
