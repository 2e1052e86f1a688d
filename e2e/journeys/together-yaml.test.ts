// The file and the graph at once: what one types in the file beside what others do ends where its author put it, or is kept here.
import { parsePipeline } from '@ansflow/proto/pipeline-yaml'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newPerson, signIn, startBrowser } from '../setup/browser.ts'
import { admin, type System, startSystem } from '../setup/system.ts'
import { waitFor } from '../setup/wait-for.ts'
import { Editor } from './editor.ts'
import { grace, join } from './people.ts'

let system: System
let browser: Browser
beforeAll(async () => {
  system = await startSystem()
  browser = await startBrowser()
  await join(system, grace)
})
afterAll(async () => {
  await browser?.close()
  await system?.[Symbol.asyncDispose]()
})

const written = `name: together
steps:
  a:
    run: |
      echo a
  b:
    needs: [a]
    run: |
      echo b
  c: { needs: [b], run: echo c }
`

async function together() {
  const { pipelineId, projectId } = await system.pipeline(written)
  const slug = (await system.api.projects.getProject({ projectId })).project?.slug ?? ''
  const [ada, her] = await Promise.all([newPerson(browser, system.url), newPerson(browser, system.url)])
  await Promise.all([signIn(ada.page, admin), signIn(her.page, grace)])
  const [a, g] = [new Editor(ada.page), new Editor(her.page)]
  await Promise.all([a.open(slug, pipelineId), g.open(slug, pipelineId)])
  return { ada, her, a, g, file: async () => (await system.api.pipelines.getPipeline({ pipelineId })).yaml }
}

/** The caret behind the line of the file that says so. */
async function behind(page: Page, line: string): Promise<void> {
  await page.getByTestId('yaml-editor').locator('.cm-line').filter({ hasText: line }).first().click()
  await page.keyboard.press('End')
}
const inYaml = (page: Page, text: string) => page.getByTestId('yaml-editor').locator('.cm-line').getByText(text).first()

test('a line typed in the file under a step that somebody deletes meanwhile is kept, and goes nowhere else', async () => {
  const { ada, her, a, g, file } = await together()
  await a.show('YAML')
  await behind(ada.page, 'echo b')
  const typing = ada.page.keyboard.type('\necho mine, all of it', { delay: 60 })
  await inYaml(ada.page, 'echo m').waitFor()
  await g.node('b').click({ position: { x: 90, y: 12 } })
  await her.page.keyboard.press('Delete')
  await typing
  // It stays under the caret until he goes elsewhere.
  await ada.page.getByTestId('yaml-gone').getByText('deleted the step b').waitFor()
  await inYaml(ada.page, 'echo mine, all of it').waitFor()
  await behind(ada.page, 'echo a')
  const kept = ada.page.getByTestId('lost-0')
  await kept.waitFor()
  expect(await kept.textContent()).toContain('echo mine, all of it')
  await a.label('saved')
  const steps = parsePipeline(await file()).graph.steps
  expect(steps.map(({ id, with: params }) => [id, params?.['script']])).toEqual([
    ['a', 'echo a\n'],
    ['c', 'echo c'],
  ])

  // Put back, it is the same step again, where it was and with its lines.
  await kept.getByRole('button', { name: 'Put back' }).click()
  await kept.waitFor({ state: 'detached' })
  await g.node('b').waitFor()
  await g.line('a', 'b').waitFor({ state: 'attached' })
  await waitFor(async () => (await file()).includes('echo b\n      echo mine, all of it\n'), {
    what: 'it is in the file',
  })
  expect([...ada.errors, ...her.errors]).toEqual([])
})

test('the caret stays where one types, whatever others do and the document makes of it', async () => {
  const { ada, her, a, g, file } = await together()
  await a.show('YAML')
  await behind(ada.page, 'echo b')
  await ada.page.keyboard.type('\necho one')
  await a.label('saved')
  await g.select('a')
  await g.replaceScript('echo long before\necho it')
  await g.label('saved')
  await inYaml(ada.page, 'echo long before').waitFor()
  await ada.page.keyboard.type(' two')
  await ada.page.keyboard.press('Backspace')
  await ada.page.keyboard.press('Enter')
  await a.label('saved')
  await ada.page.keyboard.type('echo three')
  await waitFor(async () => (await file()).includes('      echo b\n      echo one tw\n      echo three\n'), {
    what: 'every letter is where it was typed',
  })
  expect(await file()).toContain('echo long before\n      echo it')
  expect([...ada.errors, ...her.errors]).toEqual([])
})

test('comments that two write in the file at once are in the file of both', async () => {
  const { ada, her, a, g, file } = await together()
  await Promise.all([a.show('YAML'), g.show('YAML')])
  await Promise.all([behind(ada.page, 'echo a'), behind(her.page, 'needs: [a]')])
  await Promise.all([
    ada.page.keyboard.type(' # by him', { delay: 20 }),
    her.page.keyboard.type(' # by her', { delay: 20 }),
  ])
  await Promise.all([behind(ada.page, 'name: together'), behind(her.page, 'steps:')])
  await Promise.all([
    ada.page.keyboard.type(' # the name', { delay: 20 }),
    her.page.keyboard.type(' # the steps', { delay: 20 }),
  ])
  const all = written
    .replace('echo a', 'echo a # by him')
    .replace('needs: [a]', 'needs: [a] # by her')
    .replace('name: together', 'name: together # the name')
    .replace('steps:', 'steps: # the steps')
  let last = ''
  await waitFor(
    async () => {
      last = await file()
      return last === all
    },
    { what: 'the file has all of it', detail: () => last },
  )
  for (const { page } of [ada, her]) await inYaml(page, '# the name').waitFor()
  for (const { page } of [ada, her]) await inYaml(page, '# the steps').waitFor()
  expect([...ada.errors, ...her.errors]).toEqual([])
})
