// ExplainService: what a run would do.
import type { AgentView } from '@ansflow/engine/pick-job'
import { invalid, notFound } from '@ansflow/proto/errors'
import { ExplainRunResponseSchema, ExplainService } from '@ansflow/proto/gen/ansflow/v1/explain_pb'
import { type PipelineGraph, PipelineGraphSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { type GitFacts, RunOriginSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { resolveInputs } from '@ansflow/proto/inputs'
import { limits } from '@ansflow/proto/limits'
import { hashedPatterns } from '@ansflow/proto/triggers/changed'
import { toBinary } from '@bufbuild/protobuf'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import { prepared, reading } from '../../platform/message-pieces.ts'
import { inTurns } from '../../platform/turns.ts'
import type { Workers } from '../../platform/workers.ts'
import {
  type CallContext,
  organizationOf,
  personOf,
  projectOf,
  type ServiceTable,
  serviceTable,
} from '../../transport/call.ts'
import type { FileAtCommit } from '../deliveries/index.ts'
import { type DraftIncludes, type PipelineRow, runnableDraft, runnableGraph } from '../pipelines/index.ts'
import { findProject } from '../projects/index.ts'
import { type AskFileHashes, checkGitFacts, nextStart, originOf, recentSteps } from '../runs/index.ts'
import { explainTasks } from './explain-task-file.ts'
import { usualTimes } from './usual-times.ts'
import { tellWaits } from './waits-now.ts'

export interface ExplainDeps {
  db: Db
  clock: Clock
  workers: Workers
  includesOf: (ctx: CallContext) => DraftIncludes
  /** As they are now. */
  agents: (organizationId: string) => Promise<AgentView[]>
  fileAtCommit: FileAtCommit
  fileHashes: () => AskFileHashes
}

export function explainApi({
  db,
  clock,
  workers,
  includesOf,
  agents,
  fileAtCommit,
  fileHashes,
}: ExplainDeps): ServiceTable {
  return serviceTable(ExplainService, {
    async explainRun(request, ctx) {
      const { pipelineId, draft, version: wanted, commit, inputs = {}, origin: given, failing, changedFiles } = request
      checkGitFacts(given?.git)
      checkPaths(changedFiles)
      const by = personOf(ctx).userId
      const { pipeline, graph, version } =
        commit !== ''
          ? await fileAtCommit(ctx.em, { pipelineId, commit })
          : draft
            ? await runnableDraft({ em: ctx.em, workers, by, includes: includesOf(ctx) }, pipelineId)
            : await runnableGraph(ctx.em, pipelineId, wanted)
      const { values, violations } = resolveInputs(graph.inputs, inputs)
      if (violations.length > 0) throw invalid(violations)
      const project = await findProject(ctx.em, projectOf(ctx))
      if (!project) throw notFound('project', projectOf(ctx))
      const organizationId = organizationOf(ctx)
      const asked = {
        graph: toBinary(PipelineGraphSchema, (await prepared(PipelineGraphSchema, graph)) as typeof graph),
        inputs: values,
        meta: {
          runId: '',
          ...(await nextStart(db, { pipelineId, organizationId, projectId: project.id, graph })),
          pipelineId,
          pipelineName: pipeline.name,
          projectId: project.id,
          projectSlug: project.slug,
          version,
          priority: 0,
          ...(await filesOf({ graph, git: given?.git, commit, pipeline }, fileHashes())),
        },
        // As if what it says of itself were so.
        origin: toBinary(RunOriginSchema, {
          ...(given?.cause.case ? given : originOf(ctx, given?.git)),
          verified: true,
        }),
        failing,
        changedFiles,
        organizationId,
        agents: await agents(organizationId),
        now: clock.now(),
      }
      const { answer: bytes, wanted: wants } = await workers.run(explainTasks, 'explain', asked, by)
      const answer = await inTurns(reading(ExplainRunResponseSchema, bytes))
      await tellWaits({ db, em: ctx.em, projectId: project.id }, answer, wants)
      return answer
    },
    async getUsualTimes({ pipelineId }, ctx) {
      return usualTimes(await recentSteps(db, ctx.em, pipelineId))
    },
  })
}

/** Of whom nothing is said, and who is a file, the files are those of its repository. */
async function filesOf(
  {
    graph,
    git,
    commit,
    pipeline,
  }: { graph: PipelineGraph; git: GitFacts | undefined; commit: string } & {
    pipeline: Pick<PipelineRow, 'projectId' | 'repositoryId'>
  },
  ask: AskFileHashes,
): Promise<{ fileHashes?: Record<string, string> }> {
  const repositoryId = git?.repositoryId || pipeline.repositoryId || ''
  if (repositoryId === '') return {}
  const lists = await inTurns(hashedPatterns(graph))
  if (lists.length === 0) return {}
  const { event = '', ref = '', branch = '', tag = '' } = git ?? {}
  const of = { repositoryId, event, commit: git?.commit || commit, ref, branch, tag }
  const { hashes } = await ask({ projectId: pipeline.projectId, git: of, lists, foresees: true })
  return { fileHashes: hashes }
}

function checkPaths(paths: readonly string[]): void {
  const field = 'changedFiles'
  if (paths.length > limits.explainedPaths) {
    throw invalid([{ field, message: `must be at most ${limits.explainedPaths}` }])
  }
  const wrong = paths.findIndex((path) => path === '' || path.length > limits.pathLength)
  if (wrong < 0) return
  throw invalid([{ field: `${field}.${wrong}`, message: `must have 1 to ${limits.pathLength} characters` }])
}
