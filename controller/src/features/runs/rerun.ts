// A run that has been, run again in part: what is run and what is reused (the engine says so), and where the workspaces are that
// reused steps have filled.
import type { Reuse } from '@ansflow/engine/plan'
import { planRerun, type Rerun, type RerunMode, RerunRefused } from '@ansflow/engine/rerun'
import type { RunState, StepState } from '@ansflow/engine/state'
import { AppError, violation } from '@ansflow/proto/errors'
import { hasExpression } from '@ansflow/proto/expression'
import { JobSpecSchema } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import type { PipelineGraph } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { isTerminal } from '@ansflow/proto/status'
import { runsOnAgent } from '@ansflow/proto/steps/index'
import { saidText } from '@ansflow/proto/texts/said-text'
import { say } from '@ansflow/proto/texts/say'
import { fromBinary, type JsonObject } from '@bufbuild/protobuf'
import type { Kysely } from 'kysely'
import type { LoadedRun } from './driver/load-run.ts'
import type { RunTables, Time, Times } from './run-tables.ts'

const hourMs = 3_600_000

/** What only other features know. */
export interface RerunNeeds {
  /** Who has approved what in these runs. */
  approvals: (runIds: readonly string[]) => Promise<readonly { runId: string; stepId: string; userId: string }[]>
  /** Of these agents those that exist: whether each can use the workspace of an earlier run, and for how long it keeps one; 0: not said. */
  keepers: (agentIds: readonly string[]) => Promise<ReadonlyMap<string, { can: boolean; hours: number }>>
}

export interface PartialRerun {
  mode: RerunMode
  stepIds: readonly string[]
  inputs: JsonObject
  /** The person; undefined: somebody who may be whoever has approved something. */
  by: string | undefined
}

/** Throws failed_precondition "rerun_refused". */
export async function rerunPart(
  db: Kysely<RunTables>,
  { approvals, keepers }: RerunNeeds,
  { state }: LoadedRun,
  { mode, stepIds, inputs, by }: PartialRerun,
  at: { now: Date; times: Times },
): Promise<{ graph: PipelineGraph; reuse: Reuse }> {
  const given = await approvals(runsIn(state))
  const own = new Set(
    given.filter(({ userId }) => by === undefined || userId === by).map(({ runId, stepId }) => `${runId} ${stepId}`),
  )
  const hasApproved = (step: StepState) => own.has(`${runOf(state, step)} ${step.id}`)
  try {
    const rerun = planRerun(state, { mode, stepIds, inputs, hasApproved }, at.now)
    return {
      graph: rerun.graph,
      reuse: { steps: rerun.steps, workspaces: await workspaces(db, keepers, state, rerun, at) },
    }
  } catch (error) {
    if (!(error instanceof RerunRefused)) throw error
    throw refusal(error)
  }
}

export function refusal({ said, include }: RerunRefused): AppError {
  const isOfSteps = ['rerun_steps', 'rerun_no_step', 'rerun_no_steps'].includes(said.code)
  return new AppError(isOfSteps ? 'invalid_argument' : 'failed_precondition', saidText(said), {
    reason: 'rerun_refused',
    violations: [violation('step_ids', said)],
    params: { include: include.join(', ') },
  })
}

/** Where it was run. */
function runOf(state: RunState, { reused }: StepState): string {
  return reused?.runId ?? state.meta.runId
}

function runsIn(state: RunState): string[] {
  return [...new Set([state.meta.runId, ...[...state.steps.values()].map((step) => runOf(state, step))])]
}

/** A workspace as reused steps have left it. */
interface Filled {
  agentId: string
  agentName: string
  /** The last of those that have filled it. */
  jobId: string
  steps: StepState[]
  lastUse: Date | null
  /** They did so with several agents. */
  apart: boolean
}

async function workspaces(
  db: Kysely<RunTables>,
  keepers: RerunNeeds['keepers'],
  state: RunState,
  rerun: Rerun,
  { now, times }: { now: Date; times: Times },
): Promise<Reuse['workspaces']> {
  const filled = await filledBy(db, state, rerun.reused, times)
  const used = [...filled].filter(([name]) => rerun.runs.some((step) => mayUse(step, name)))
  if (used.length === 0) return []
  const known = await keepers(used.map(([, { agentId }]) => agentId))
  const found: Reuse['workspaces'][number][] = []
  for (const [name, at] of used) {
    const { agentId, agentName: agent } = at
    const first = at.steps[0]!.group ?? at.steps[0]!
    const include = [...new Set(at.steps.map((step) => step.group?.id ?? step.id))]
    const keeps = known.get(agentId)
    const params = { workspace: name, agent, step: first.id }
    if (at.apart) throw new RerunRefused(say('rerun_workspace_apart', { workspace: name, step: first.id }), include)
    if (keeps === undefined) throw new RerunRefused(say('rerun_workspace_agent', params), include)
    if (!keeps.can) throw new RerunRefused(say('rerun_workspace_old', params), include)
    const runId = await folderOf(db, at.jobId)
    await checkUse(db, runId, name)
    const kept = new Date(now.getTime() - keeps.hours * hourMs)
    if (
      keeps.hours > 0 &&
      !(at.lastUse && at.lastUse > kept) &&
      !(await isUsedSince(db, { agentId, runId, name }, times.to(kept)))
    ) {
      throw new RerunRefused(say('rerun_workspace_kept', { ...params, hours: keeps.hours }), include)
    }
    found.push({ name, agentId, runId })
  }
  return found
}

/** Where that is not known before it runs, as far as it is known of the run before. */
function mayUse({ definition, attempts, copies }: StepState, workspace: string): boolean {
  if (definition.disabled || !runsOnAgent(definition.uses)) return false
  if (!hasExpression(definition.workspace)) return (definition.workspace || 'shared') === workspace
  const before = [...attempts, ...(copies ?? []).flatMap((copy) => copy.attempts)]
  return before.length === 0 || before.some((job) => job.workspace === workspace)
}

async function filledBy(
  db: Kysely<RunTables>,
  state: RunState,
  reused: readonly StepState[],
  times: Times,
): Promise<Map<string, Filled>> {
  const steps = new Map(reused.map((step) => [`${runOf(state, step)} ${step.id}`, step]))
  const filled = new Map<string, Filled>()
  for (const runId of new Set(reused.map((step) => runOf(state, step)))) {
    const rows = await db
      .selectFrom('job')
      .select(['id', 'step_id', 'agent_id', 'agent_name', 'workspace', 'finished_at'])
      .where('run_id', '=', runId)
      .where('agent_id', 'is not', null)
      .where('workspace', 'not in', ['', 'isolated'])
      .orderBy('id')
      .execute()
    for (const { id, step_id, agent_id, agent_name, workspace, finished_at } of rows) {
      const step = steps.get(`${runId} ${step_id}`)
      if (!step) continue
      const agentId = agent_id!
      const last = { agentId, agentName: agent_name, jobId: id, lastUse: times.from(finished_at) }
      const known = filled.get(workspace)
      if (!known) {
        filled.set(workspace, { ...last, steps: [step], apart: false })
        continue
      }
      // What was lost and repeated elsewhere left nothing that counts: the pin went with it.
      known.apart ||= known.agentId !== agentId && known.steps.some((other) => other !== step)
      if (!known.steps.includes(step)) known.steps.push(step)
      Object.assign(known, last)
    }
  }
  for (const { steps: all } of filled.values()) all.sort((a, b) => a.index - b.index)
  return filled
}

/** The run whose folder the job has worked in. */
async function folderOf(db: Kysely<RunTables>, jobId: string): Promise<string> {
  const row = await db.selectFrom('job').select(['run_id', 'spec']).where('id', '=', jobId).executeTakeFirstOrThrow()
  return fromBinary(JobSpecSchema, row.spec).workspaceRunId || row.run_id
}

/** Yes, where another run has used one of its own by this name: that it is gone, the agent says. */
async function isUsedSince(
  db: Kysely<RunTables>,
  { agentId, runId, name }: { agentId: string; runId: string; name: string },
  since: Time,
): Promise<boolean> {
  const row = await db
    .selectFrom('job')
    .select('id')
    .where('agent_id', '=', agentId)
    .where('workspace', '=', name)
    .where('run_id', '>=', runId)
    .where('finished_at', '>', since)
    .executeTakeFirst()
  return row !== undefined
}

/** One run at a time works in a workspace. */
async function checkUse(db: Kysely<RunTables>, runId: string, workspace: string): Promise<void> {
  const owner = await db.selectFrom('run').select('status').where('id', '=', runId).executeTakeFirst()
  if (owner && !isTerminal(owner.status)) throw new RerunRefused(say('rerun_workspace_open', { workspace }))
  const user = await db
    .selectFrom('workspace_pin as pin')
    .innerJoin('run', 'run.id', 'pin.run_id')
    .select('run.number')
    .where('pin.folder_run_id', '=', runId)
    .where('pin.workspace', '=', workspace)
    .executeTakeFirst()
  if (user) throw new RerunRefused(say('rerun_workspace_used', { workspace, number: user.number }))
}
