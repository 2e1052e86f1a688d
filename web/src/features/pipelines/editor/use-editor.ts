// Makes the editor's shared state for one pipeline: its document, who is here, the shown run, the selection.
import type { Problem } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { Pipeline } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { computed, onScopeDispose, provide, ref, shallowRef, watch } from 'vue'
import { useI18n } from 'vue-i18n'
import { onBeforeRouteLeave, useRouter } from 'vue-router'
import { useSession } from '../../../session.ts'
import { confirmAction } from '../../../ui/confirm.ts'
import { useAgentLabels } from '../../agents/index.ts'
import { usePipelineDoc } from '../document/use-pipeline-doc.ts'
import { usePresence } from '../document/use-presence.ts'
import { useRunOverlay } from '../use-run-overlay.ts'
import { type BrokenYaml, type DrawerTab, type EditorContext, editorKey } from './editor-context.ts'
import { useExplain } from './explain/use-explain.ts'
import { brokenText } from './yaml/broken-text.ts'

export function createEditor(pipeline: Pipeline): EditorContext {
  const session = useSession()
  const { locale, t } = useI18n()
  const router = useRouter()
  const userId = session.user?.id ?? ''
  const agents = useAgentLabels(() => (session.can('agent.read') ? session.organizationId : undefined))
  const doc = usePipelineDoc(pipeline.id, userId, agents, () => pipeline.repositoryId !== '')
  const canEdit = computed(
    () =>
      session.can('pipeline.edit', pipeline.projectId) &&
      doc.link.mode.value !== 'view' &&
      doc.link.refusal.value === undefined &&
      doc.link.ready.value,
  )
  const presence = usePresence(doc.awareness, { userId, name: session.user?.name ?? '' }, canEdit)
  const brokenYaml = shallowRef<BrokenYaml>()
  const editor: EditorContext = {
    pipelineId: pipeline.id,
    home: { projectId: pipeline.projectId, repositoryId: pipeline.repositoryId },
    doc,
    presence,
    overlay: useRunOverlay(doc.graph),
    explain: useExplain(pipeline.id, doc),
    canEdit,
    steps: doc.steps,
    edges: doc.edges,
    view: doc.view,
    detail: ref('full'),
    selected: shallowRef<readonly string[]>([]),
    selectedEdge: ref<string | undefined>(),
    connecting: shallowRef(),
    quickAdd: shallowRef(),
    dropEdge: ref<string | undefined>(),
    stepMenu: shallowRef(),
    connectFrom: ref<string | undefined>(),
    inspectorTab: ref('settings'),
    drawer: ref<DrawerTab>(),
    problems: computed(() => [
      ...(brokenYaml.value?.faults ?? []),
      ...(doc.link.ready.value ? doc.problems.value : []),
    ]),
    brokenYaml,
    lost: shallowRef([]),
    yamlPlace: shallowRef<Problem>(),
    isNear: () => true,
    isLineNear: () => true,
    canvas: shallowRef(),
  }
  watch(locale, () => doc.refresh())
  watch(
    () => session.can('pipeline.read', pipeline.projectId),
    (may) => may && doc.link.reopen(),
  )
  const warn = (event: BeforeUnloadEvent) => {
    if (brokenYaml.value) event.preventDefault()
  }
  window.addEventListener('beforeunload', warn)
  onScopeDispose(() => window.removeEventListener('beforeunload', warn))
  onBeforeRouteLeave((to) => {
    if (!brokenYaml.value) return true
    confirmAction({
      title: t('pipelines.yaml.leave'),
      text: brokenText('leaveText', brokenYaml.value),
      action: t('pipelines.yaml.leaveAction'),
      danger: true,
      async run() {
        brokenYaml.value = undefined
        await router.push(to.fullPath)
      },
    })
    return false
  })
  // Following: my view is theirs until I do anything to it.
  watch(
    () => presence.people.value.find((person) => person.clientId === presence.following.value)?.viewport,
    (viewport) => viewport && editor.canvas.value?.setViewport(...viewport),
  )
  watch(presence.people, (people) => {
    if (!people.some((person) => person.clientId === presence.following.value)) presence.follow(undefined)
  })
  provide(editorKey, editor)
  return editor
}
