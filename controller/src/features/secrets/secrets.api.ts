// SecretService.
import type { Secret as SecretMessage } from '@ansflow/proto/gen/ansflow/v1/secrets_pb'
import { SecretSchema, SecretService } from '@ansflow/proto/gen/ansflow/v1/secrets_pb'
import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { UniqueConstraintViolationException } from '@mikro-orm/core'
import type { Clock } from '../../platform/clock.ts'
import { organizationOf, personOf, projectOf, type ServiceTable, serviceTable } from '../../transport/call.ts'
import { namesOfPeople } from '../auth/index.ts'
import type { Secrets } from './secrets.ts'

export function secretsApi({ clock, secrets }: { clock: Clock; secrets: Secrets }): ServiceTable {
  return serviceTable(SecretService, {
    async listSecrets(_request, ctx) {
      const rows = await secrets.list(ctx.em, projectOf(ctx))
      const names = await namesOfPeople(
        ctx.em,
        rows.map((row) => row.updatedBy),
      )
      return { secrets: rows.map((row) => toSecret(row, names.get(row.updatedBy) ?? '')) }
    },

    async putSecret(request, ctx) {
      const { userId: by, name: byName } = personOf(ctx)
      const { name, value } = request
      const scope = { organizationId: organizationOf(ctx), projectId: projectOf(ctx) }
      const put = () =>
        ctx.change(async (em) => {
          const result = await secrets.put(em, scope, { name, value, by, now: clock.now() })
          return { result, resource: { kind: 'secret', id: name, name }, after: { name } }
        })
      // Two calls may make the same secret at once: the second one then replaces its value.
      const row = await put().catch((error: unknown) => {
        if (error instanceof UniqueConstraintViolationException) return put()
        throw error
      })
      return { secret: toSecret(row, byName) }
    },

    async deleteSecret(request, ctx) {
      const { name } = request
      await ctx.change(async (em) => {
        await secrets.remove(em, projectOf(ctx), name)
        return { result: undefined, resource: { kind: 'secret', id: name, name }, before: { name } }
      })
      return {}
    },
  })
}

function toSecret(row: { name: string; updatedAt: Date }, updatedBy: string): SecretMessage {
  return create(SecretSchema, { name: row.name, updatedAt: timestampFromDate(row.updatedAt), updatedBy })
}
