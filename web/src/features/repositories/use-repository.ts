// The repository of a page's address, with its project and the connection that it is reached by.
import { computed, ref } from 'vue'
import { useRoute } from 'vue-router'
import { api } from '../../api.ts'
import { i18n } from '../../i18n.ts'
import { type Crumb, useCrumbs } from '../../shell/crumbs.ts'
import { useProjectBySlug } from '../projects/index.ts'
import { useFresh } from './use-fresh.ts'

/** `last`: what the page is of it, below its name. */
export function useRepository(last?: () => Crumb) {
  const route = useRoute()
  const slug = computed(() => String(route.params.project))
  const repositoryId = computed(() => String(route.params.repository))
  const base = computed(() => `/p/${slug.value}/repositories`)
  const project = useProjectBySlug(() => slug.value)

  /** It is being disconnected: what is gone in a moment is not asked for any more. */
  const isLeaving = ref(false)
  const loaded = useFresh(
    async (signal) => {
      const { repository } = await api.repositories.getRepository({ repositoryId: repositoryId.value }, { signal })
      if (!repository) throw new Error('the answer has no repository')
      const { connections } = await api.connections.listConnections({ projectId: repository.projectId }, { signal })
      return { repository, connection: connections.find(({ id }) => id === repository.connectionId) }
    },
    () => (isLeaving.value ? undefined : project.data.value?.id),
    repositoryId,
  )

  const repository = computed(() => loaded.data.value?.repository)
  useCrumbs(() => {
    const own = `${base.value}/${repositoryId.value}`
    const name = repository.value?.fullName ?? '…'
    return [
      { label: i18n.global.t('shell.sections.projects'), to: '/p' },
      { label: project.data.value?.name ?? (project.error.value ? slug.value : '…'), to: `/p/${slug.value}` },
      { label: i18n.global.t('repositories.title'), to: base.value },
      ...(last ? [{ label: name, to: own }, last()] : [{ label: name }]),
    ]
  })

  const connection = computed(() => loaded.data.value?.connection)
  return { ...loaded, repository, connection, repositoryId, base, slug, isLeaving }
}
