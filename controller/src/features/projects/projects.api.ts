// ProjectService.
import { grantsOn, mostOf, wireRole } from '@ansflow/proto/access'
import { conflict, invalidField, notFound } from '@ansflow/proto/errors'
import {
  type Project as ProjectMessage,
  ProjectSchema,
  ProjectService,
} from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import { limits } from '@ansflow/proto/limits'
import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { UniqueConstraintViolationException } from '@mikro-orm/core'
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import { uuidv7 } from '../../platform/ids.ts'
import { readName } from '../../platform/request-name.ts'
import { readSlug, slugFrom } from '../../platform/slug.ts'
import {
  type CallContext,
  organizationOf,
  personOf,
  projectOf,
  type ServiceTable,
  serviceTable,
} from '../../transport/call.ts'
import { deleteProject, type ProjectDeletion } from './delete-project.ts'
import { listProjects } from './list-projects.ts'
import { type Project, ProjectEntity } from './project.entity.ts'

export interface ProjectsDeps {
  bus: Bus
  clock: Clock
  /** In the order in which they must run. */
  deletions: () => ProjectDeletion[]
}

export function projectsApi(deps: ProjectsDeps): ServiceTable {
  const { bus, clock } = deps
  return serviceTable(ProjectService, {
    async createProject(request, ctx) {
      const name = readName(request.name)
      const row = {
        id: uuidv7(),
        organizationId: organizationOf(ctx),
        slug: request.slug === '' ? slugFrom(name) : readSlug(request.slug),
        name,
        description: readDescription(request.description),
        createdAt: clock.now(),
      }
      const project = await ctx
        .change(async (em) => {
          const made = em.create(ProjectEntity, row)
          await em.flush()
          const { id, slug } = row
          return { result: made, resource: { kind: 'project', id, name }, projectId: id, after: { name, slug } }
        })
        .catch((error: unknown) => {
          if (!(error instanceof UniqueConstraintViolationException)) throw error
          throw conflict('slug_taken', `The organization has a project "${row.slug}" already.`, { slug: row.slug })
        })
      return { project: toProject(project, ctx) }
    },

    async listProjects(request, ctx) {
      const { page, nextPageToken } = await listProjects(ctx.em, ctx.caller, request)
      return { projects: page.map((project) => toProject(project, ctx)), nextPageToken }
    },

    getProject: async (_request, ctx) => ({ project: toProject(await load(ctx), ctx) }),

    async updateProject(request, ctx) {
      const changes = {
        ...(request.name !== undefined && { name: readName(request.name) }),
        ...(request.description !== undefined && { description: readDescription(request.description) }),
        ...(request.jobLimit !== undefined && { jobLimit: readJobLimit(request.jobLimit) }),
      }
      const project = await ctx.change(async (em) => {
        const found = await load(ctx, em)
        const { id, name, description, jobLimit } = found
        Object.assign(found, changes)
        await em.flush()
        const before = { name, description, jobLimit }
        return { result: found, resource: { kind: 'project', id, name: found.name }, before, after: changes }
      })
      if (changes.jobLimit !== undefined) bus.publish('project.limited', { projectId: project.id })
      return { project: toProject(project, ctx) }
    },

    async deleteProject(_request, ctx) {
      const userIds = await ctx.change(async (em) => {
        const { id, name, slug } = await load(ctx, em)
        const result = await deleteProject(em, id, deps.deletions())
        return { result, resource: { kind: 'project', id, name }, before: { name, slug } }
      })
      for (const userId of userIds) bus.publish('access.changed', { userId })
      return {}
    },
  })
}

async function load(ctx: CallContext, em = ctx.em): Promise<Project> {
  const project = await em.findOne(ProjectEntity, { id: projectOf(ctx) })
  if (!project) throw notFound('project', projectOf(ctx))
  return project
}

function readDescription(text: string): string {
  if (text.length > 1000) throw invalidField('description', 'must have at most 1000 characters', 'description_length')
  return text
}

function readJobLimit(limit: number): number {
  const most = limits.jobsOfAProject
  if (limit > most) throw invalidField('job_limit', `must be at most ${most}`, 'job_limit')
  return limit
}

function toProject(project: Project, ctx: CallContext): ProjectMessage {
  const { id, organizationId, slug, name, description, createdAt, jobLimit } = project
  const { roleId = '' } = mostOf(grantsOn(personOf(ctx).grants, { organizationId, projectId: id })) ?? {}
  return create(ProjectSchema, {
    id,
    organizationId,
    slug,
    name,
    description,
    createdAt: timestampFromDate(createdAt),
    role: wireRole(roleId),
    roleId,
    jobLimit,
  })
}
