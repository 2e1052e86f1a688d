// The labels that count for each of the organization's agents, live; undefined while they are not known.
import type { AgentLabels } from '@ansflow/proto/validate'
import { type ComputedRef, computed } from 'vue'
import { useAgents } from './use-agents.ts'

export function useAgentLabels(organizationId: () => string | undefined): ComputedRef<AgentLabels | undefined> {
  const { agents, known } = useAgents(organizationId)
  return computed<AgentLabels | undefined>((before) => {
    if (!known.value) return undefined
    const labels = agents.value.map((agent) => agent.labels)
    // Agents tell their load all the time; that must not check everything again.
    return JSON.stringify(before) === JSON.stringify(labels) ? before : labels
  })
}
