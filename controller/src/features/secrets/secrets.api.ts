// SecretService.
import type { Secret as SecretMessage } from '@ansflow/proto/gen/ansflow/v1/secrets_pb'
import { SecretSchema, SecretService } from '@ansflow/proto/gen/ansflow/v1/secrets_pb'
import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { UniqueConstraintViolationException } from '@mikro-orm/core'
import type { Clock } from '../../platform/clock.ts'
import {
  type CallContext,
  organizationOf,
  personOf,
  projectOf,
  type ServiceTable,
  serviceTable,
} from '../../transport/call.ts'
import { namesOfPeople } from '../auth/index.ts'
import { environmentOfProject } from '../environments/index.ts'
import type { Secret } from './secret.entity.ts'
import type { Secrets } from './secrets.ts'

export function secretsApi({ clock, secrets }: { clock: Clock; secrets: Secrets }): ServiceTable {
  return serviceTable(SecretService, {
    async listSecrets({ environmentId }, ctx) {
      const projectId = projectOf(ctx)
      await checkEnvironment(ctx, environmentId)
      const rows = await secrets.list(ctx.em, projectId, environmentId)
      const ofProject = environmentId === '' ? [] : await secrets.list(ctx.em, projectId)
      const names = await namesOfPeople(
        ctx.em,
        [...rows, ...ofProject].map((row) => row.updatedBy),
      )
      const present = (row: Secret) => toSecret(row, names.get(row.updatedBy) ?? '')
      return { secrets: rows.map(present), ofProject: ofProject.map(present) }
    },

    async putSecret(request, ctx) {
      const { userId: by, name: byName } = personOf(ctx)
      const { name, value, environmentId } = request
      const scope = { organizationId: organizationOf(ctx), projectId: projectOf(ctx), environmentId }
      await checkEnvironment(ctx, environmentId)
      const put = () =>
        ctx.change(async (em) => {
          const result = await secrets.put(em, scope, { name, value, by, now: clock.now() })
          return {
            result,
            resource: { kind: 'secret', id: name, name },
            after: { name, ...(environmentId && { environmentId }) },
          }
        })
      // Two calls may make the same secret at once: the second one then replaces its value.
      const row = await put().catch((error: unknown) => {
        if (error instanceof UniqueConstraintViolationException) return put()
        throw error
      })
      return { secret: toSecret(row, byName) }
    },

    async deleteSecret(request, ctx) {
      const { name, environmentId } = request
      await ctx.change(async (em) => {
        await secrets.remove(em, { projectId: projectOf(ctx), environmentId }, name)
        return { result: undefined, resource: { kind: 'secret', id: name, name }, before: { name } }
      })
      return {}
    },
  })
}

/** Throws `not_found`. */
async function checkEnvironment(ctx: CallContext, environmentId: string): Promise<void> {
  if (environmentId !== '') await environmentOfProject(ctx.em, projectOf(ctx), environmentId)
}

function toSecret(row: { name: string; updatedAt: Date }, updatedBy: string): SecretMessage {
  return create(SecretSchema, { name: row.name, updatedAt: timestampFromDate(row.updatedAt), updatedBy })
}
