// PipelineService: drafts, and the versions published from them.
import { invalidField, notFound } from '@ansflow/proto/errors'
import {
  GetIncludedTemplatesResponseSchema,
  GetPipelineResponseSchema,
  type Pipeline,
  PipelineSchema,
  PipelineService,
  type PipelineVersion,
  PipelineVersionSchema,
} from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { limits, utf8Length } from '@ansflow/proto/limits'
import type { AgentLabels } from '@ansflow/proto/validate'
import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import { reading } from '../../platform/message-pieces.ts'
import { cutPage, pageSize, readCursor, readNumberCursor } from '../../platform/page.ts'
import { readName } from '../../platform/request-name.ts'
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
import { authorize, isAllowed } from '../access/index.ts'
import { applyFile } from './apply-file.ts'
import { createPipeline } from './create-pipeline.ts'
import { deletePipeline } from './delete-pipelines.ts'
import { draftTasks } from './draft-task-file.ts'
import type { Drafts } from './drafts.ts'
import type { DraftIncludes } from './includes/include-sources.ts'
import { includeTasks } from './includes/include-task-file.ts'
import { resolveIncludes, withIncludes } from './includes/resolve-includes.ts'
import { plainInclude, templateFiles } from './includes/template-files.ts'
import { askedBy, lackingOf } from './lacking.ts'
import type { NewVersion, PipelineParticipant } from './participant.ts'
import { PipelineEntity, type PipelineRow } from './pipeline.entity.ts'
import { PipelineVersionEntity } from './pipeline-version.entity.ts'
import { nameProblem, problemsFrom } from './problems.ts'
import { publishDraft } from './publish.ts'
import { graphOf, loadVersion } from './runnable-graph.ts'
import { sampleSeed } from './samples/index.ts'

export interface PipelinesDeps {
  workers: Workers
  db: Db
  clock: Clock
  drafts: () => Drafts
  participants: () => readonly PipelineParticipant[]
  includesOf: (ctx: CallContext) => DraftIncludes
  /** The labels that count for each agent of an organization. */
  agentLabels(organizationId: string): Promise<AgentLabels>
}

export function pipelinesApi(deps: PipelinesDeps): ServiceTable {
  const { db, clock, drafts, workers, participants, includesOf, agentLabels } = deps
  const lacking = (ctx: CallContext, projectId: string) =>
    lackingOf({ participants: participants(), em: ctx.em, draft: askedBy(ctx, { projectId, now: clock.now() }) })

  return serviceTable(PipelineService, {
    async createPipeline({ name, sample }, ctx) {
      const seed = sampleSeed(sample, readName(name))
      return { pipeline: toPipeline(await createPipeline(ctx.change, projectOf(ctx), seed, clock.now())) }
    },

    async listPipelines(request, ctx) {
      const size = pageSize(request.pageSize, 100)
      const [name, id] = readCursor(request.pageToken, 2) ?? []
      const rows = await ctx.em.find(
        PipelineEntity,
        {
          projectId: projectOf(ctx),
          ...(name === undefined || id === undefined
            ? {}
            : { $or: [{ name: { $gt: name } }, { name, id: { $gt: id } }] }),
        },
        { orderBy: { name: 'asc', id: 'asc' }, limit: size + 1 },
      )
      const { page, nextPageToken } = cutPage(rows, size, (row) => [row.name, row.id])
      return { pipelines: page.map(toPipeline), nextPageToken }
    },

    async getPipeline({ pipelineId, version }, ctx) {
      const row = await load(ctx, pipelineId)
      if (version > 0) {
        const published = await loadVersion(ctx.em, pipelineId, version)
        const { yaml, hash } = published
        return { pipeline: toPipeline(row), graph: await graphOf(published), yaml, hash, version: toVersion(published) }
      }
      const updates = await drafts().updates(pipelineId)
      const agents = await agentLabels(organizationOf(ctx))
      const by = personOf(ctx).userId
      const { bytes, name, demands } = await withIncludes(
        { workers, by, sources: () => includesOf(ctx)(row) },
        (includes) => workers.run(draftTasks, 'describeDraft', { updates, agents, includes }, by),
      )
      const content = await inTurns(reading(GetPipelineResponseSchema, bytes))
      const taken =
        name !== row.name &&
        (await ctx.em.count(PipelineEntity, { projectId: row.projectId, name, id: { $ne: row.id } })) > 0
      const lacks = await lacking(ctx, row.projectId)(demands)
      return {
        ...content,
        problems: [...content.problems, ...(taken ? [nameProblem(name)] : []), ...lacks],
        pipeline: toPipeline({ ...row, draftHash: content.hash }),
      }
    },

    async validateDraft({ pipelineId }, ctx) {
      const row = await load(ctx, pipelineId)
      const updates = await drafts().updates(pipelineId)
      const by = personOf(ctx).userId
      const { demands } = await withIncludes({ workers, by, sources: () => includesOf(ctx)(row) }, (includes) =>
        workers.run(draftTasks, 'draftDemands', { updates, includes }, by),
      )
      return { problems: await lacking(ctx, row.projectId)(demands) }
    },

    async getIncludedTemplates({ pipelineId, include }, ctx) {
      if (include.length > limits.includes)
        throw invalidField('include', `must have at most ${limits.includes} entries`)
      const row = await load(ctx, pipelineId)
      const scope = { organizationId: organizationOf(ctx), projectId: row.projectId }
      if (row.repositoryId != null && include.some(({ file }) => file !== ''))
        authorize(ctx.caller, 'repository.read', scope)
      const sources = await includesOf(ctx)(row)
      const by = personOf(ctx).userId
      const includes = await resolveIncludes({ workers, by, sources }, include.map(plainInclude))
      const bytes = await workers.run(includeTasks, 'describeIncludes', includes, by)
      const answer = await inTurns(reading(GetIncludedTemplatesResponseSchema, bytes))
      const mayRead = isAllowed(ctx.caller, 'repository.read', scope)
      return { ...answer, files: mayRead ? await templateFiles(ctx.em, sources, pipelineId) : [] }
    },

    async validatePipeline({ yaml }, ctx) {
      const problems = await workers.run(draftTasks, 'validateFile', { yaml: readFile(yaml) }, personOf(ctx).userId)
      return { problems: problemsFrom(problems) }
    },

    async applyPipeline({ yaml, publish, note }, ctx) {
      const projectId = projectOf(ctx)
      if (publish) authorize(ctx.caller, 'pipeline.publish', { organizationId: organizationOf(ctx), projectId })
      const by = personOf(ctx)
      const agents = await agentLabels(organizationOf(ctx))
      const { row, problems, written } = await applyFile({
        db,
        change: ctx.change,
        drafts: drafts(),
        workers,
        projectId,
        yaml: readFile(yaml),
        agents,
        lacking: lacking(ctx, projectId),
        includes: includesOf(ctx),
        by,
        now: clock.now(),
      })
      if (!row) return { problems }
      const publication = {
        ...{ pipelineId: row.id, note, expectedHash: '', agents, lacking: async () => [], by, now: clock.now() },
        may: mayOf(ctx),
        includes: () => includesOf(ctx)(row),
      }
      const resource = { kind: 'pipeline', id: row.id, name: row.name }
      if (!publish) {
        // The document is stored by its room, on its own.
        if (!written) await ctx.change(async () => ({ result: undefined, resource, after: { draft: row.draftHash } }))
        return { pipeline: toPipeline(row), problems }
      }
      const unwritten: CallContext['change'] = (work) => db.transaction(async (em) => (await work(em)).result)
      const change = written ? unwritten : ctx.change
      const { pipeline, version } = await publishDraft(
        { change, drafts: drafts(), workers, participants: participants() },
        publication,
      )
      return { pipeline: toPipeline(pipeline), problems, version: toVersion(version) }
    },

    async publishPipeline({ pipelineId, note, expectedHash }, ctx) {
      const agents = await agentLabels(organizationOf(ctx))
      const by = personOf(ctx)
      const row = await load(ctx, pipelineId)
      const publication = {
        ...{ pipelineId, note, expectedHash, agents, by, now: clock.now() },
        ...{ lacking: lacking(ctx, row.projectId), may: mayOf(ctx), includes: () => includesOf(ctx)(row) },
      }
      const { version, created, problems } = await publishDraft(
        { change: ctx.change, drafts: drafts(), workers, participants: participants() },
        publication,
      )
      return { version: toVersion(version), created, problems }
    },

    async listVersions(request, ctx) {
      const size = pageSize(request.pageSize, 50)
      const before = readNumberCursor(request.pageToken)
      const rows = await ctx.em.find(
        PipelineVersionEntity,
        { pipelineId: request.pipelineId, ...(before === undefined ? {} : { number: { $lt: before } }) },
        { orderBy: { number: 'desc' }, limit: size + 1 },
      )
      const { page, nextPageToken } = cutPage(rows, size, (row) => [String(row.number)])
      return { versions: page.map(toVersion), nextPageToken }
    },

    async deletePipeline({ pipelineId }, ctx) {
      await ctx.change(async (em) => {
        const { name } = await load({ em }, pipelineId)
        if (!(await deletePipeline(em, pipelineId))) throw notFound('pipeline', pipelineId)
        for (const each of participants()) await each.deleted?.(em, pipelineId)
        return { result: undefined, resource: { kind: 'pipeline', id: pipelineId, name }, before: { name } }
      })
      drafts().drop(pipelineId)
      return {}
    },
  })
}

function mayOf({ caller }: CallContext): NewVersion['may'] {
  return (permission, scope) => isAllowed(caller, permission, scope)
}

async function load(ctx: Pick<CallContext, 'em'>, pipelineId: string): Promise<PipelineRow> {
  const row = await ctx.em.findOne(PipelineEntity, { id: pipelineId })
  if (!row) throw notFound('pipeline', pipelineId)
  return row
}

function readFile(yaml: string): string {
  if (utf8Length(yaml) > limits.fileBytes) throw invalidField('yaml', 'must have at most 1 MiB', 'file_size')
  return yaml
}

function toPipeline(row: PipelineRow): Pipeline {
  const { id, projectId, name, latestVersion, createdAt, updatedAt, repositoryId, filePath } = row
  return create(PipelineSchema, {
    id,
    projectId,
    name,
    latestVersion,
    createdAt: timestampFromDate(createdAt),
    updatedAt: timestampFromDate(updatedAt),
    draftChanged: row.draftHash !== row.latestHash,
    repositoryId: repositoryId ?? '',
    filePath,
    otherRepositoryId: row.otherRepositoryId ?? '',
    otherFilePath: row.otherFilePath,
    otherFileAwaited: row.otherFileAwaited,
  })
}

function toVersion(row: {
  number: number
  note: string
  createdBy: string
  createdByName: string
  createdAt: Date
  hash: string
  stepCount: number
}): PipelineVersion {
  const { number, note, createdBy, createdByName, createdAt, hash, stepCount } = row
  return create(PipelineVersionSchema, {
    number,
    note,
    createdBy,
    createdByName,
    createdAt: timestampFromDate(createdAt),
    hash,
    stepCount,
  })
}
