// A label that people give: to an agent, or (no agent) to nobody any more, which still keeps it protected.
import { defineEntity, p } from '@mikro-orm/core'

export const AgentLabelEntity = defineEntity({
  name: 'AgentLabel',
  tableName: 'agent_label',
  properties: {
    organizationId: p.string().length(36).primary(),
    label: p.string().length(64).primary(),
    /** Empty in the one row that every protected label has. */
    agentId: p.string().length(36).primary(),
  },
})
