// What was deleted cannot be brought back once the server refuses this copy of the draft: nothing offers to.
import { mount } from '@vue/test-utils'
import { afterEach, beforeAll, expect, it } from 'vitest'
import { nextTick, ref } from 'vue'
import { i18n, setLanguage } from '../../../i18n.ts'
import { closeToast, toasts } from '../../../ui/toasts.ts'
import EditorBanner from './EditorBanner.vue'
import { type EditorContext, editorKey } from './editor-context.ts'
import { useStepCommands } from './use-step-commands.ts'

beforeAll(() => setLanguage('zh-CN'))
let mounted: { unmount(): void } | undefined
afterEach(async () => {
  mounted?.unmount()
  for (const { id } of toasts.value) closeToast(id)
  await setLanguage('en')
})

it('takes the way back away when the copy is refused, and says why without a space in Chinese', async () => {
  const state = ref('saved')
  const people = new Map([['one', [{ name: 'Ada' }]]])
  const editor = {
    canEdit: ref(true),
    steps: new Map([['one', { title: 'test' }]]),
    presence: { selections: people, people: ref([]), following: ref() },
    doc: { link: { state, refusal: ref() }, edit: { remove: () => ['a', 'b'], restore: () => {} } },
  } as unknown as EditorContext
  let commands: ReturnType<typeof useStepCommands> | undefined
  const page = mount(
    {
      components: { EditorBanner },
      setup() {
        commands = useStepCommands(editor)
      },
      template: '<EditorBanner can-edit />',
    },
    { global: { plugins: [i18n], provide: { [editorKey]: editor }, stubs: { MergePanel: true, LostTexts: true } } },
  )
  mounted = page
  commands!.remove(['one'])
  expect(toasts.value.map(({ text, action }) => [text, action !== undefined])).toEqual([
    ['已删除 test。现在有 2 条连线绕过它。Ada 当时正在编辑。', true],
  ])
  state.value = 'refused'
  await nextTick()
  expect(toasts.value).toEqual([])
  expect(page.get('[data-testid="refused-banner"] span').text()).toMatch(/。\S/)
})
