// The organization's agents, live.
import type { Agent } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { computed, onScopeDispose, shallowRef } from 'vue'
import { api } from '../../api.ts'
import { subscribe } from '../../live.ts'
import { useLoad } from '../../ui/use-async.ts'

export function useAgents(organizationId: () => string | undefined) {
  const agents = shallowRef<Agent[]>([])
  const protectedLabels = shallowRef<string[]>([])
  let stop: (() => void) | undefined
  onScopeDispose(() => stop?.())

  const loaded = useLoad(
    async (signal) => {
      const id = organizationId()
      if (!id) return undefined
      const answer = await api.agents.listAgents({ organizationId: id }, { signal })
      agents.value = answer.agents
      protectedLabels.value = answer.protectedLabels
      stop?.()
      stop = subscribe(`organization/${id}/agents`, {
        onMessage({ kind }) {
          if (kind.case === 'agentChanged') put(kind.value)
          if (kind.case === 'agentRemoved') agents.value = agents.value.filter((agent) => agent.id !== kind.value)
        },
        onResync: () => void loaded.reload(),
      })
      return true
    },
    { on: organizationId },
  )

  function put(agent: Agent): void {
    const at = agents.value.findIndex((one) => one.id === agent.id)
    agents.value =
      at >= 0 ? agents.value.with(at, agent) : [...agents.value, agent].sort((a, b) => a.name.localeCompare(b.name))
  }

  return {
    agents,
    known: computed(() => loaded.data.value === true),
    protectedLabels,
    error: loaded.error,
    loading: computed(() => loaded.loading.value && agents.value.length === 0),
    reload: loaded.reload,
    put,
  }
}
