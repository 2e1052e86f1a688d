// Where a page of one pipeline is: its project, its name, the page.
import { computed } from 'vue'
import { useRoute } from 'vue-router'
import { api } from '../../api.ts'
import { i18n } from '../../i18n.ts'
import { useCrumbs } from '../../shell/crumbs.ts'
import { useLoad } from '../../ui/use-async.ts'
import { useProjectBySlug } from '../projects/index.ts'

/** The pipeline that the page's address names, and the address of those of its project. */
export function usePipelineAddress() {
  const route = useRoute()
  const pipelineId = computed(() => String(route.params.pipeline))
  const base = computed(() => `/p/${String(route.params.project)}/pipelines`)
  return { pipelineId, base }
}

/** `name`: undefined until it is known. */
export function usePipelineCrumbs(name: () => string | undefined, title: () => string): void {
  const route = useRoute()
  const { pipelineId, base } = usePipelineAddress()
  const slug = () => String(route.params.project)
  const project = useProjectBySlug(slug)
  useCrumbs(() => [
    { label: i18n.global.t('shell.sections.projects'), to: '/p' },
    { label: project.data.value?.name ?? (project.error.value ? slug() : '…'), to: base.value },
    { label: name() ?? '…', to: `${base.value}/${pipelineId.value}/edit` },
    { label: title() },
  ])
}

/** The pipeline of a page beside its editor. */
export function usePipelineOfPage(title: () => string) {
  const { pipelineId } = usePipelineAddress()
  const { data: pipeline } = useLoad(
    async (signal) => (await api.pipelines.getPipeline({ pipelineId: pipelineId.value }, { signal })).pipeline,
    { on: pipelineId },
  )
  usePipelineCrumbs(() => pipeline.value?.name, title)
  return { pipelineId, pipeline }
}
