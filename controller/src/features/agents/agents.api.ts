// AgentService: what people see of agents and want of them.
import { notFound } from '@ansflow/proto/errors'
import { type Agent, AgentService } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { randomToken } from '../../platform/crypto.ts'
import type { EntityManager } from '../../platform/db.ts'
import {
  type CallContext,
  organizationOf,
  personOf,
  type Scope,
  type ServiceTable,
  serviceTable,
} from '../../transport/call.ts'
import { holdCredential } from '../auth/index.ts'
import { AgentEntity } from './agent.entity.ts'
import { giveLabels, labelBook, readGivenLabels, releaseLabel } from './agent-labels.ts'
import { agentMessages } from './agent-message.ts'
import { agentsOf, findAgent } from './agent-tables.ts'
import { type DeletionDeps, deleteAgent } from './delete-agent.ts'
import { agentPrefix, type Invitation, makeRegistrationToken, type RegistrationDeps } from './register.ts'

export interface AgentsDeps extends RegistrationDeps, DeletionDeps {
  lostAfterMs: number
  /** host:port that agents dial. */
  grpcAddress(): string
}

export async function agentScope(em: EntityManager, agentId: string): Promise<Scope | undefined> {
  const agent = await em.findOne(AgentEntity, { id: agentId }, { fields: ['organizationId'] })
  return agent ? { organizationId: agent.organizationId } : undefined
}

export function agentsApi(deps: AgentsDeps): ServiceTable {
  const { db, bus, clock, keys, lostAfterMs } = deps

  async function present(agentId: string): Promise<Agent> {
    const agent = await findAgent(db, agentId)
    if (!agent) throw notFound('agent', agentId)
    const [message] = await agentMessages(db, [agent], clock.now(), lostAfterMs)
    if (!message) throw notFound('agent', agentId)
    return message
  }

  async function invite(em: EntityManager, ctx: CallContext, invitation: Pick<Invitation, 'labels' | 'renews'>) {
    const organizationId = organizationOf(ctx)
    const person = personOf(ctx)
    await holdCredential(em, person)
    const by = { organizationId, createdBy: person.userId, apiTokenId: person.token?.id }
    const { token, expiresAt } = await makeRegistrationToken(em, deps, { ...by, ...invitation })
    return { token, expiresAt: timestampFromDate(expiresAt), grpcAddress: deps.grpcAddress() }
  }

  /** A label that became protected, or is no more, changes what every agent counts for, and what may go where. */
  async function labelsChanged(organizationId: string): Promise<void> {
    for (const { id } of await agentsOf(db, organizationId))
      bus.publish('agent.changed', { agentId: id, organizationId })
    bus.publish('job.queued', { organizationId })
  }

  return serviceTable(AgentService, {
    async listAgents(_request, ctx) {
      const organizationId = organizationOf(ctx)
      const agents = await agentsOf(db, organizationId)
      return {
        agents: await agentMessages(db, agents, clock.now(), lostAfterMs),
        protectedLabels: (await labelBook(db, organizationId)).protected,
      }
    },

    async createRegistrationToken({ labels }, ctx) {
      const made = await ctx.change(async (em) => ({
        result: await invite(em, ctx, { labels }),
        resource: { kind: 'registration token', id: '' },
        after: { labels },
      }))
      if (labels.length > 0) await labelsChanged(organizationOf(ctx))
      return made
    },

    async setAgentTrust({ agentId, takesUntrusted }, ctx) {
      const organizationId = organizationOf(ctx)
      const { name, takesUntrusted: before } = await present(agentId)
      await ctx.change(async (em) => {
        await em.nativeUpdate(AgentEntity, { id: agentId }, { takesUntrusted })
        const resource = { kind: 'agent', id: agentId, name }
        return { result: undefined, resource, before: { takesUntrusted: before }, after: { takesUntrusted } }
      })
      bus.publish('agent.changed', { agentId, organizationId })
      bus.publish('job.queued', { organizationId })
      return { agent: await present(agentId) }
    },

    async setAgentLabels({ agentId, labels }, ctx) {
      const organizationId = organizationOf(ctx)
      const given = readGivenLabels(labels)
      const { name, assignedLabels } = await present(agentId)
      await ctx.change(async (em) => {
        await giveLabels(em, organizationId, agentId, given)
        const resource = { kind: 'agent', id: agentId, name }
        return { result: undefined, resource, before: { labels: assignedLabels }, after: { labels: given } }
      })
      await labelsChanged(organizationId)
      return { agent: await present(agentId) }
    },

    async releaseLabel({ label }, ctx) {
      const organizationId = organizationOf(ctx)
      await ctx.change(async (em) => {
        await releaseLabel(em, organizationId, label)
        return { result: undefined, resource: { kind: 'label', id: label, name: label }, before: { protected: true } }
      })
      await labelsChanged(organizationId)
      return {}
    },

    async renewAgent({ agentId }, ctx) {
      const { name } = await present(agentId)
      const made = await ctx.change(async (em) => {
        // A secret that nobody has: the old one is worth nothing from now on.
        const secretHash = keys.hashToken(randomToken(agentPrefix))
        await em.nativeUpdate(AgentEntity, { id: agentId }, { secretHash, sessionId: null })
        return { result: await invite(em, ctx, { renews: agentId }), resource: { kind: 'agent', id: agentId, name } }
      })
      bus.publish('agent.changed', { agentId, organizationId: organizationOf(ctx) })
      return made
    },

    async drainAgent({ agentId, drain }, ctx) {
      const { name, draining } = await present(agentId)
      await ctx.change(async (em) => {
        await em.nativeUpdate(AgentEntity, { id: agentId }, { draining: drain })
        const resource = { kind: 'agent', id: agentId, name }
        return { result: undefined, resource, before: { draining }, after: { draining: drain } }
      })
      bus.publish('agent.changed', { agentId, organizationId: organizationOf(ctx) })
      return { agent: await present(agentId) }
    },

    async deleteAgent({ agentId, force }, ctx) {
      await deleteAgent(deps, ctx.change, await present(agentId), force)
      return {}
    },
  })
}
