// EnvironmentService.
import { conflict, invalidField, notFound, precondition } from '@ansflow/proto/errors'
import { EnvironmentSchema, EnvironmentService } from '@ansflow/proto/gen/ansflow/v1/environments_pb'
import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { UniqueConstraintViolationException } from '@mikro-orm/core'
import type { Clock } from '../../platform/clock.ts'
import type { EntityManager } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import { organizationOf, personOf, projectOf, type ServiceTable, serviceTable } from '../../transport/call.ts'
import { namesOfPeople } from '../auth/index.ts'
import { EnvironmentEntity, type EnvironmentRow } from './environment.entity.ts'
import { usesOf } from './environment-uses.ts'
import { environmentOfProject, environmentsOf, globsIn } from './environments.ts'
import { readEnvironment } from './read-environment.ts'

const mostOfAProject = 20

/** Rows that others keep of an environment, inside the transaction that deletes it. */
export type EnvironmentDeletion = (em: EntityManager, environmentId: string) => Promise<void>

interface Deps {
  clock: Clock
  deletions(): readonly EnvironmentDeletion[]
}

export function environmentsApi({ clock, deletions }: Deps): ServiceTable {
  return serviceTable(EnvironmentService, {
    async listEnvironments(_request, ctx) {
      const rows = await environmentsOf(ctx.em, projectOf(ctx))
      const names = await namesOfPeople(
        ctx.em,
        rows.map(({ updatedBy }) => updatedBy),
      )
      return { environments: rows.map((row) => present(row, names.get(row.updatedBy) ?? '')) }
    },

    async createEnvironment(request, ctx) {
      const said = readEnvironment(request)
      const now = clock.now()
      const projectId = projectOf(ctx)
      const { userId, name: byName } = personOf(ctx)
      const row = await unique(said.name, () =>
        ctx.change(async (em) => {
          const others = await environmentsOf(em, projectId)
          if (others.length >= mostOfAProject) {
            throw precondition('environments_full', `A project has at most ${mostOfAProject} environments.`)
          }
          const made: EnvironmentRow = {
            ...{ id: uuidv7(), organizationId: organizationOf(ctx), projectId, ...said },
            ...{ place: (others.at(-1)?.place ?? -1) + 1, createdAt: now, updatedAt: now, updatedBy: userId },
          }
          await em.insert(EnvironmentEntity, made)
          return { result: made, resource: resourceOf(made), after: rulesOf(made) }
        }),
      )
      return { environment: present(row, byName) }
    },

    async updateEnvironment(request, ctx) {
      const said = readEnvironment(request)
      const { userId, name: byName } = personOf(ctx)
      const changes = { ...said, updatedAt: clock.now(), updatedBy: userId }
      const row = await unique(said.name, () =>
        ctx.change(async (em) => {
          const found = await environmentOfProject(em, projectOf(ctx), request.environmentId)
          const before = rulesOf(found)
          await em.nativeUpdate(EnvironmentEntity, { id: found.id }, changes)
          const after = { ...found, ...changes }
          return { result: after, resource: resourceOf(after), before, after: rulesOf(after) }
        }),
      )
      return { environment: present(row, byName) }
    },

    async orderEnvironments({ environmentIds }, ctx) {
      const projectId = projectOf(ctx)
      await ctx.change(async (em) => {
        const rows = await environmentsOf(em, projectId)
        const isEach = environmentIds.length === rows.length && rows.every(({ id }) => environmentIds.includes(id))
        if (!isEach) throw invalidField('environmentIds', 'must name each environment of the project once')
        for (const [place, id] of environmentIds.entries()) await em.nativeUpdate(EnvironmentEntity, { id }, { place })
        const namesIn = (ids: readonly string[]) => ids.map((id) => rows.find((row) => row.id === id)!.name)
        return {
          result: undefined,
          resource: { kind: 'project', id: projectId, name: '' },
          before: { order: rows.map(({ name }) => name) },
          after: { order: namesIn(environmentIds) },
        }
      })
      return {}
    },

    async deleteEnvironment({ environmentId }, ctx) {
      await ctx.change(async (em) => {
        const row = await environmentOfProject(em, projectOf(ctx), environmentId)
        for (const part of deletions()) await part(em, row.id)
        if ((await em.nativeDelete(EnvironmentEntity, { id: row.id })) === 0) throw notFound('environment', row.id)
        return { result: undefined, resource: resourceOf(row), before: rulesOf(row) }
      })
      return {}
    },

    async listEnvironmentUses({ environmentId }, ctx) {
      const { name, projectId } = await environmentOfProject(ctx.em, projectOf(ctx), environmentId)
      return { uses: await usesOf(ctx.em, projectId, name) }
    },
  })
}

/** Two calls may give the same name at once. */
async function unique<T>(name: string, write: () => Promise<T>): Promise<T> {
  return write().catch((error: unknown) => {
    if (!(error instanceof UniqueConstraintViolationException)) throw error
    throw conflict('environment_exists', `The project has an environment "${name}" already.`, { name })
  })
}

const resourceOf = ({ id, name }: EnvironmentRow) => ({ kind: 'environment', id, name })

function rulesOf({ name, url, branches, tags }: EnvironmentRow) {
  return { name, url, branches: globsIn(branches), tags: globsIn(tags) }
}

function present(row: EnvironmentRow, updatedBy: string) {
  const { id, updatedAt } = row
  return create(EnvironmentSchema, { id, ...rulesOf(row), updatedAt: timestampFromDate(updatedAt), updatedBy })
}
