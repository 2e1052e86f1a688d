// A problem of the list leads to its place in what is looked at: the file, or the form.
import { parsePipeline } from '@ansflow/proto/pipeline-yaml'
import { expect, it } from 'vitest'
import { computed, ref, shallowRef } from 'vue'
import type { BrokenYaml, EditorContext } from './editor-context.ts'
import { useProblems } from './use-problems.ts'

const [problem] = parsePipeline(
  'name: x\nsteps:\n  ask: { uses: http_request, with: { url: x, outputs: 1 } }\n',
).problems

function opened(isFile: boolean, faults = false) {
  const shown: string[] = []
  const editor = {
    problems: computed(() => [problem!]),
    brokenYaml: shallowRef<BrokenYaml | undefined>(faults ? { base: '', text: '', faults: [problem!] } : undefined),
    yamlPlace: shallowRef(),
    inspectorTab: ref('when'),
    canvas: shallowRef(),
    doc: { nodeOfKey: () => 'n1', definition: () => ({ uses: 'http_request' }) },
  } as unknown as EditorContext
  const { goTo } = useProblems(editor, {
    isFile: () => isFile,
    makeRoom: async () => void shown.push('form'),
    showFile: async () => void shown.push('file'),
  })
  return { editor, shown, goTo }
}

it.each([
  ['the file', true, false],
  ['the canvas, for a text that cannot be read', false, true],
])('from %s it leads to the line', async (_, isFile, faults) => {
  const { editor, shown, goTo } = opened(isFile, faults)
  await goTo(problem!)
  expect(shown).toEqual(['file'])
  expect(editor.yamlPlace.value).toBe(problem)
  expect(editor.inspectorTab.value).toBe('when')
})

it('from the canvas it leads to the tab of the field', async () => {
  const { editor, shown, goTo } = opened(false)
  await goTo(problem!)
  expect(shown).toEqual(['form'])
  expect(editor.yamlPlace.value).toBeUndefined()
  expect(editor.inspectorTab.value).toBe('settings')
})
