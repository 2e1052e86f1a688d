// What other features may use of agents.
export { AgentEntity } from './agent.entity.ts'
export { agentDownload } from './agent-download.routes.ts'
export { agentMessages } from './agent-message.ts'
export { agentsOf, findAgent } from './agent-tables.ts'
export { agentScope } from './agents.api.ts'
export { type AgentsFeature, type AgentsFeatureDeps, createAgents } from './agents.ts'
export { makeRegistrationToken } from './register.ts'
export { RegistrationTokenEntity } from './registration-token.entity.ts'
