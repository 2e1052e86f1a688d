// VariableService.
import { VariableSchema, VariableService } from '@ansflow/proto/gen/ansflow/v1/variables_pb'
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
import { deleteVariable, listVariables, putVariable, type VariableScope } from './variables.ts'

export function variablesApi({ clock }: { clock: Clock }): ServiceTable {
  const ofProject = (ctx: CallContext) => ({ ...ofOrganization(ctx), projectId: projectOf(ctx) })
  const ofOrganization = (ctx: CallContext) => ({
    organizationId: organizationOf(ctx),
    projectId: '',
    environmentId: '',
  })
  async function scopeOf(ctx: CallContext, environmentId: string): Promise<VariableScope> {
    if (environmentId !== '') await environmentOfProject(ctx.em, projectOf(ctx), environmentId)
    return { ...ofProject(ctx), environmentId }
  }

  async function list(ctx: CallContext, scope: VariableScope) {
    const rows = await listVariables(ctx.em, scope)
    const names = await namesOfPeople(
      ctx.em,
      rows.map((row) => row.updatedBy),
    )
    return rows.map((row) => present(row, names.get(row.updatedBy) ?? ''))
  }

  async function put(ctx: CallContext, scope: VariableScope, { name, value }: { name: string; value: string }) {
    const { userId: by, name: byName } = personOf(ctx)
    const write = () =>
      ctx.change(async (em) => {
        const { before, updatedAt } = await putVariable(em, scope, { name, value, by, now: clock.now() })
        return {
          result: { name, value, updatedAt },
          resource: { kind: 'variable', id: name, name },
          ...(before !== undefined && { before: { name, value: before } }),
          after: { name, value },
        }
      })
    // Two calls may make the same one at once: the second one then replaces its value.
    const row = await write().catch((error: unknown) => {
      if (error instanceof UniqueConstraintViolationException) return write()
      throw error
    })
    return { variable: present(row, byName) }
  }

  async function remove(ctx: CallContext, scope: VariableScope, name: string) {
    await ctx.change(async (em) => {
      const value = await deleteVariable(em, scope, name)
      return { result: undefined, resource: { kind: 'variable', id: name, name }, before: { name, value } }
    })
    return {}
  }

  return serviceTable(VariableService, {
    async listVariables({ environmentId }, ctx) {
      const scope = await scopeOf(ctx, environmentId)
      return {
        variables: await list(ctx, scope),
        inherited: await list(ctx, ofOrganization(ctx)),
        ofProject: environmentId === '' ? [] : await list(ctx, ofProject(ctx)),
      }
    },
    putVariable: async (request, ctx) => put(ctx, await scopeOf(ctx, request.environmentId), request),
    deleteVariable: async ({ name, environmentId }, ctx) => remove(ctx, await scopeOf(ctx, environmentId), name),
    async listOrganizationVariables(_request, ctx) {
      return { variables: await list(ctx, ofOrganization(ctx)) }
    },
    putOrganizationVariable: (request, ctx) => put(ctx, ofOrganization(ctx), request),
    deleteOrganizationVariable: ({ name }, ctx) => remove(ctx, ofOrganization(ctx), name),
  })
}

function present({ name, value, updatedAt }: { name: string; value: string; updatedAt: Date }, updatedBy: string) {
  return create(VariableSchema, { name, value, updatedAt: timestampFromDate(updatedAt), updatedBy })
}
