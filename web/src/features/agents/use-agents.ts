// The organization's agents, live.
import type { Agent } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { computed } from 'vue'
import { api } from '../../api.ts'
import { useFollowed } from '../../use-followed.ts'

export function useAgents(organizationId: () => string | undefined) {
  const { data, error, loading, reload } = useFollowed({
    topic: () => {
      const id = organizationId()
      return id === undefined ? undefined : `organization/${id}/agents`
    },
    async read(signal) {
      const { agents, protectedLabels } = await api.agents.listAgents({ organizationId: organizationId()! }, { signal })
      return { agents, protectedLabels }
    },
    apply(held, { case: kind, value }) {
      if (kind === 'agentChanged') return { ...held, agents: withAgent(held.agents, value) }
      if (kind === 'agentRemoved') return { ...held, agents: without(held.agents, value) }
      return held
    },
  })
  const agents = computed(() => data.value?.agents ?? [])

  function show(shown: Agent[]): void {
    if (data.value) data.value = { ...data.value, agents: shown }
  }

  return {
    agents,
    known: computed(() => data.value !== undefined),
    protectedLabels: computed(() => data.value?.protectedLabels ?? []),
    error,
    loading,
    reload,
    /** As an answer shows it, before it is told. */
    put: (agent: Agent) => show(withAgent(agents.value, agent)),
    remove: (id: string) => show(without(agents.value, id)),
  }
}

function withAgent(agents: Agent[], agent: Agent): Agent[] {
  const at = agents.findIndex((one) => one.id === agent.id)
  return at >= 0 ? agents.with(at, agent) : [...agents, agent].sort((a, b) => a.name.localeCompare(b.name))
}

function without(agents: Agent[], id: string): Agent[] {
  return agents.filter((agent) => agent.id !== id)
}
