// RunService: starting, reading, watching and canceling runs.
import { changedInputs, RerunRefused } from '@ansflow/engine/rerun'
import { type VariableValue, variablesOf } from '@ansflow/engine/variables-of'
import { invalid, invalidField, notFound, precondition } from '@ansflow/proto/errors'
import type { PipelineGraph } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { type GitFacts, RerunMode, RunService, VariableOrigin } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { ancestors } from '@ansflow/proto/graph'
import { resolveInputs } from '@ansflow/proto/inputs'
import { limits } from '@ansflow/proto/limits'
import { say } from '@ansflow/proto/texts/say'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import type { Workers } from '../../platform/workers.ts'
import {
  type CallContext,
  organizationOf,
  personOf,
  projectOf,
  type ServiceTable,
  serviceTable,
} from '../../transport/call.ts'
import { type DraftIncludes, type Drafts, runnableDraft, runnableGraph } from '../pipelines/index.ts'
import { findProject } from '../projects/index.ts'
import type { RunStart } from './driver/insert-runs.ts'
import { type LoadedRun, loadRun } from './driver/load-run.ts'
import type { RunDriver } from './driver/run-driver.ts'
import { type FollowRun, watchRun } from './events/follow-run.ts'
import { listRunEvents } from './events/list-run-events.ts'
import { type AskRepository, checkGitFacts, checkRepository, originOf, type Trusted } from './origin.ts'
import { againOf } from './repeat-run.ts'
import { type PartialRerun, type RerunNeeds, refusal } from './rerun.ts'
import { type RunTables, timesOf } from './run-tables.ts'
import { listRuns, readRunHead } from './views/list-runs.ts'
import { createRunAnswers } from './views/run-answers.ts'

export interface RunsDeps {
  db: Db
  clock: Clock
  driver: RunDriver
  follow: FollowRun
  workers: Workers
  /** People who have the draft open are told that it runs. */
  drafts: () => Pick<Drafts, 'announce'>
  includesOf: (ctx: CallContext) => DraftIncludes
  needs: RerunNeeds
  askRepository: () => AskRepository
}

export function runsApi({
  db,
  clock,
  driver,
  follow,
  drafts,
  includesOf,
  workers,
  needs,
  askRepository,
}: RunsDeps): ServiceTable {
  const times = timesOf(db)
  const answers = createRunAnswers(db)

  async function load(ctx: CallContext, runId: string): Promise<LoadedRun> {
    const run = await loadRun(db.kysely<RunTables>(ctx.em), times, runId)
    if (!run) throw notFound('run', runId)
    return run
  }

  return serviceTable(RunService, {
    async startRun(request, ctx) {
      if (request.draft && request.version > 0) throw invalidField('version', 'must be 0 when the draft is to run')
      if (request.untilStepId !== '' && !request.draft) throw invalidField('untilStepId', 'is for the draft only')
      checkGitFacts(request.git)
      const trusted = await checkRepository(ctx, request.git, request.draft, askRepository())
      checkPriority(request.priority)
      const from = { em: ctx.em, workers, by: personOf(ctx).userId, includes: includesOf(ctx) }
      const { pipeline, graph, version } = request.draft
        ? await runnableDraft(from, request.pipelineId)
        : await runnableGraph(ctx.em, request.pipelineId, request.version)
      // A draft is tried out by hand, whatever starts its versions.
      if (!request.draft && graph.triggers?.manual === false) throw precondition('manual_off', manualOff)
      if (!request.draft && graph.triggers?.api === false && personOf(ctx).token) throw precondition('api_off', apiOff)
      const { values, violations } = resolveInputs(graph.inputs, request.inputs ?? {})
      if (violations.length > 0) throw invalid(violations)
      const run = await driver.start({
        ...(await askedBy(ctx, request.git, trusted)),
        pipelineId: pipeline.id,
        pipelineName: pipeline.name,
        version,
        graph: request.untilStepId === '' ? graph : upTo(graph, request.untilStepId),
        inputs: values,
        priority: request.priority,
      })
      if (request.draft) {
        const by = personOf(ctx)
        const started = { runId: run.id, number: run.number, by: by.name, userId: by.userId }
        drafts().announce(pipeline.id, { case: 'runStarted', value: started })
      }
      return { run }
    },

    async getRun({ runId }) {
      const answer = await answers.read(runId)
      if (!answer) throw notFound('run', runId)
      return answer
    },

    listRuns: (request, ctx) => listRuns({ db, clock }, ctx, request),

    listRunEvents: (request, ctx) => listRunEvents(db, ctx, request),

    async cancelRun({ runId }, ctx) {
      const { userId, name } = personOf(ctx)
      await driver.cancel(runId, { id: userId, name }, ctx.act)
      const run = await readRunHead(db, ctx.em, runId)
      if (!run) throw notFound('run', runId)
      return { run }
    },

    async rerunRun({ runId, mode: wanted, stepIds, inputs: changes = {} }, ctx) {
      const earlier = await load(ctx, runId)
      const { meta, graph, inputs: before } = earlier.state
      const { values: inputs, violations } = resolveInputs(graph.inputs, { ...before, ...changes })
      if (violations.length > 0) throw invalid(violations)
      const isOther = changedInputs(before, inputs).length > 0
      if (isOther && meta.version > 0 && graph.triggers?.manual === false) throw precondition('manual_off', manualOff)
      const mode = rerunModes[wanted]
      if (!mode && stepIds.length > 0) throw refusal(new RerunRefused(say('rerun_no_steps')))
      const part = mode && { mode, stepIds, inputs, by: personOf(ctx).userId }
      const again = await againOf({ db, clock, needs }, ctx.em, earlier, { inputs, part })
      return { run: await driver.start({ ...(await askedBy(ctx, meta.origin.git, meta.origin)), ...again }) }
    },

    async getStepVariables({ runId, stepId }, ctx) {
      const { state } = await load(ctx, runId)
      const step = state.steps.get(stepId)
      if (!step) throw notFound('step', stepId)
      return {
        variables: variablesOf(state, step).map(({ name, values }) => ({
          name,
          values: values.map(({ from, ...value }) => ({ ...value, origin: origins[from] })),
        })),
      }
    },

    watchRun: ({ runId, afterSeq }, ctx) => watchRun({ db, follow }, ctx, runId, afterSeq),
  })
}

/** All of it runs again where there is none. */
const rerunModes: Partial<Record<RerunMode, PartialRerun['mode']>> = {
  [RerunMode.FAILED]: 'failed',
  [RerunMode.FROM]: 'from',
  [RerunMode.ALONE]: 'alone',
}

const origins: Record<VariableValue['from'], VariableOrigin> = {
  organization: VariableOrigin.ORGANIZATION,
  project: VariableOrigin.PROJECT,
  pipeline: VariableOrigin.PIPELINE,
  environment: VariableOrigin.ENVIRONMENT,
  earlier: VariableOrigin.EARLIER_STEP,
  defaults: VariableOrigin.DEFAULTS,
  step: VariableOrigin.STEP,
}

type Asked = Pick<RunStart, 'organizationId' | 'projectId' | 'projectSlug' | 'origin' | 'runId' | 'act'>

async function askedBy(ctx: CallContext, git: GitFacts | undefined, trusted: Trusted): Promise<Asked> {
  const projectId = projectOf(ctx)
  const project = await findProject(ctx.em, projectId)
  if (!project) throw notFound('project', projectId)
  return {
    organizationId: organizationOf(ctx),
    projectId,
    projectSlug: project.slug,
    origin: originOf(ctx, git, trusted),
    ...(ctx.makes && { runId: ctx.makes }),
    act: ctx.act,
  }
}

function checkPriority(priority = 0): void {
  const most = limits.priority
  if (Math.abs(priority) > most) throw invalidField('priority', `must be from -${most} to ${most}`)
}

const manualOff =
  'This version is not started by hand or by API: its file says `on: { manual: false }`. Change that and publish, or run the draft.'

const apiOff =
  'This version is not started with API tokens: its file says `on: { api: false }`. Start it in the console.'

/** The graph without what is not needed for the step. */
function upTo(graph: PipelineGraph, stepId: string): PipelineGraph {
  // A step that uses a template stands for those whose keys begin with its own.
  const last = graph.steps.filter(({ id }) => id === stepId || id.startsWith(`${stepId}/`))
  if (last.length === 0) throw invalidField('untilStepId', 'is no step of the draft')
  const wanted = new Set(last.flatMap(({ id }) => [id, ...ancestors(graph.steps, id)]))
  return { ...graph, steps: graph.steps.filter(({ id }) => wanted.has(id)) }
}
