// AgentService: what people see of agents and want of them.
import { notFound, precondition } from '@ansflow/proto/errors'
import { type Agent, AgentService } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { EntityManager } from '../../platform/db.ts'
import { organizationOf, type Scope, type ServiceTable, serviceTable } from '../../transport/call.ts'
import { AgentEntity } from './agent.entity.ts'
import { agentMessages } from './agent-message.ts'
import { agentsOf, findAgent } from './agent-tables.ts'
import { makeRegistrationToken, type RegistrationDeps } from './register.ts'

export interface AgentsDeps extends RegistrationDeps {
  lostAfterMs: number
  /** host:port that agents dial. */
  grpcAddress(): string
}

export async function agentScope(em: EntityManager, agentId: string): Promise<Scope | undefined> {
  const agent = await em.findOne(AgentEntity, { id: agentId }, { fields: ['organizationId'] })
  return agent ? { organizationId: agent.organizationId } : undefined
}

export function agentsApi(deps: AgentsDeps): ServiceTable {
  const { db, bus, clock, lostAfterMs } = deps

  async function present(agentId: string): Promise<Agent> {
    const agent = await findAgent(db, agentId)
    if (!agent) throw notFound('agent', agentId)
    const [message] = await agentMessages(db, [agent], clock.now(), lostAfterMs)
    if (!message) throw notFound('agent', agentId)
    return message
  }

  return serviceTable(AgentService, {
    async listAgents(_request, ctx) {
      const agents = await agentsOf(db, organizationOf(ctx))
      return { agents: await agentMessages(db, agents, clock.now(), lostAfterMs) }
    },

    async createRegistrationToken(_request, ctx) {
      const { token, expiresAt } = await makeRegistrationToken(ctx.em, deps, organizationOf(ctx))
      return { token, expiresAt: timestampFromDate(expiresAt), grpcAddress: deps.grpcAddress() }
    },

    async drainAgent({ agentId, drain }, ctx) {
      await ctx.em.nativeUpdate(AgentEntity, { id: agentId }, { draining: drain })
      bus.publish('agent.changed', { agentId, organizationId: organizationOf(ctx) })
      return { agent: await present(agentId) }
    },

    async deleteAgent({ agentId }, ctx) {
      const agent = await present(agentId)
      if (agent.jobs.length > 0) {
        throw precondition('agent_busy', 'This agent runs jobs. Drain it, wait until they have ended, then delete it.')
      }
      await ctx.em.nativeDelete(AgentEntity, { id: agentId })
      bus.publish('agent.changed', { agentId, organizationId: organizationOf(ctx) })
      return {}
    },
  })
}
