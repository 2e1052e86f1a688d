// What other features of the console use of agents.
export { useAgentLabels } from './use-agent-labels.ts'
