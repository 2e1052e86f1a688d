// A pipeline as text: copied and pasted between pipelines, typed as YAML while others draw, and what is wrong in it.
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newPerson, type Person, signIn, startBrowser } from '../setup/browser.ts'
import { admin, type System, startSystem } from '../setup/system.ts'
import { waitFor } from '../setup/wait-for.ts'
import { Editor } from './editor.ts'

const shop = `# The shop, built twice a day.
name: shop
on: { manual: true }
steps:
  checkout:
    run: echo checkout # quick
  build:
    # Ada wrote this.
    needs: [checkout]
    uses: build
    with:
      script: make
    timeout: 5m
  test:
    needs: [build]
    when: \${{ success() }}
    run: make test
`
const garden = `name: garden
steps:
  build: { run: echo dig }
`

let system: System
let browser: Browser
let person: Person
beforeAll(async () => {
  system = await startSystem({ slots: 0 })
  browser = await startBrowser()
})
afterAll(async () => {
  await browser?.close()
  await system?.[Symbol.asyncDispose]()
})

test('steps are copied as YAML within a pipeline and into another', async () => {
  const { editor, page } = await opened(shop)
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText())

  await editor.select('build')
  await page.keyboard.down('Shift')
  await editor.node('test').click({ position: { x: 90, y: 12 } })
  await page.keyboard.up('Shift')
  await editor.selected(['build', 'test'])
  await page.keyboard.press('Control+c')
  await waitFor(async () => (await clipboard()).startsWith('# AnsFlow steps\n'), { what: 'the steps are copied' })
  const text = await clipboard()
  expect(text).toContain('  build:\n')
  expect(text).toContain('needs: [build]')
  expect(text).not.toContain('checkout')

  // Here the names are taken; the line between the two comes along, the one from outside does not.
  const at = await editor.onCanvas({ x: 160, y: 560 })
  await page.mouse.move(at.x, at.y)
  await page.keyboard.press('Control+v')
  await editor.selected(['build-2', 'test-2'])
  await needs({ checkout: [], build: ['checkout'], test: ['build'], 'build-2': [], 'test-2': ['build-2'] })
  const [first] = [await editor.box('build-2')]
  expect(Math.abs(first.x + first.width / 2 - at.x)).toBeLessThan(140)
  expect(Math.abs(first.y + first.height / 2 - at.y)).toBeLessThan(140)
  await editor.undo()
  await needs({ checkout: [], build: ['checkout'], test: ['build'] })

  await editor.select('test')
  await page.keyboard.press('Control+d')
  await editor.selected(['test-2'])
  await needs({ checkout: [], build: ['checkout'], test: ['build'], 'test-2': [] })
  await page.keyboard.press('Control+x')
  await page.getByText('test-2 deleted.').waitFor()
  await needs({ checkout: [], build: ['checkout'], test: ['build'] })
  await page.keyboard.press('Control+v')
  await needs({ checkout: [], build: ['checkout'], test: ['build'], 'test-2': [] })
  await editor.menu('test-2', 'delete')

  // Another pipeline, opened later, takes what was copied here; a script becomes a step, a picture's address nothing.
  await page.evaluate((copied) => navigator.clipboard.writeText(copied), text)
  await go(garden)
  await page.keyboard.press('Control+v')
  await editor.selected(['build-2', 'test'])
  await needs({ build: [], 'build-2': [], test: ['build-2'] })
  await page.evaluate(() => navigator.clipboard.writeText('echo pasted\necho as a step\n'))
  await page.keyboard.press('Control+v')
  await needs({ build: [], 'build-2': [], test: ['build-2'], script: [] })
  expect((await system.api.pipelines.getPipeline({ pipelineId: await idOf('garden') })).yaml).toContain(
    'echo as a step',
  )
  await editor.label('saved')
  expect(person.errors).toEqual([])

  async function needs(wanted: Record<string, string[]>): Promise<void> {
    const name = await page.getByTestId('pipeline-name').textContent()
    await graphIs(name ?? '', wanted)
  }
  async function go(yaml: string): Promise<void> {
    const { pipelineId } = await system.pipeline(yaml)
    await editor.open(await slug(), pipelineId)
    await waitFor(async () => (await editor.keys()).length > 0, { what: 'the steps are drawn' })
  }
})

test('the file is typed and drawn at once: each keeps what the other did, and a broken text harms nothing', async () => {
  const { editor, page } = await opened(shop.replace('name: shop', 'name: mill'))
  const file = async () => (await system.api.pipelines.getPipeline({ pipelineId: await idOf('mill') })).yaml
  const isFile = async (wanted: string) => {
    let last = ''
    await waitFor(
      async () => {
        last = await file()
        return last === wanted
      },
      { what: 'the file is as expected', detail: () => last },
    )
  }
  let text = shop.replace('name: shop', 'name: mill')
  await isFile(text)
  await page.getByTestId('view-switch').getByText('Split').click()
  const yaml = page.getByTestId('yaml-editor')
  await yaml.locator('.cm-line').first().waitFor()
  const onLine = (part: string) => yaml.locator('.cm-line').filter({ hasText: part }).first().click()
  const shows = (part: string) => yaml.locator('.cm-line').filter({ hasText: part }).first().waitFor()

  // The caret chooses the step, the step moves the caret.
  await onLine('make test')
  await editor.selected(['test'])
  await onLine('Ada wrote this')
  await editor.selected(['build'])
  await page.getByTestId('fit').click()
  await editor.select('checkout')
  await waitFor(async () => (await yaml.locator('.cm-activeLine').textContent())?.trim() === 'checkout:', {
    what: 'the caret is at the step',
  })

  // Drawn: the smallest change of the file, comments and order as they were.
  await editor.inspector.getByTestId('inspector-tab-reliability').click()
  await editor.fill('timeout', '90s')
  text = text.replace('echo checkout # quick\n', 'echo checkout # quick\n    timeout: 1m30s\n')
  await isFile(text)
  await shows('timeout: 1m30s')

  // Typed: the graph follows, and nothing else of the file moves.
  await onLine('make test')
  await page.keyboard.press('End')
  await page.keyboard.type(' # all of them\n')
  await page.keyboard.type('env: { DEEP: "1" }')
  text = text.replace('run: make test\n', 'run: make test # all of them\n    env: { DEEP: "1" }\n')
  await isFile(text)

  // Broken: told with its line, the graph stays, others' changes come in beside what is typed.
  await onLine('DEEP')
  await page.keyboard.press('End')
  await page.keyboard.type('\ntags: [: {')
  const banner = page.getByTestId('yaml-broken')
  await banner.waitFor()
  expect(await banner.textContent()).toContain('YAML has an error at line 2')
  // One truth: it is in the list, with its place, and nothing is published over it.
  const typed = page.getByTestId('problems-list').getByRole('button').filter({ hasText: 'YAML, line 2' })
  await page.getByTestId('problems-toggle').click()
  await typed.first().waitFor()
  await page.getByTestId('publish-button').click()
  await page.getByTestId('publish-dialog').getByText('YAML, line 2').first().waitFor()
  expect(await page.getByTestId('publish-confirm').isDisabled()).toBe(true)
  await page.keyboard.press('Escape')
  await page.getByTestId('publish-dialog').waitFor({ state: 'detached' })
  expect(await editor.keys()).toEqual(['build', 'checkout', 'test'])
  await isFile(text)
  await editor.select('build')
  await editor.inspector.getByTestId('inspector-tab-reliability').click()
  await editor.fill('timeout', '7m')
  text = text.replace('timeout: 5m', 'timeout: 7m')
  await isFile(text)
  await shows('timeout: 7m')
  await shows('tags: [: {')

  // Looking at the graph meanwhile loses nothing of it.
  await page.getByTestId('view-switch').getByText('Graph', { exact: true }).click()
  await page.getByRole('link', { name: 'Back to the pipelines' }).click()
  await page.getByRole('dialog', { name: 'Leave without the typed YAML?' }).getByText('line 2').waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await page.getByTestId('yaml-broken-chip').waitFor()
  const told = /line (\d+)/.exec((await typed.first().textContent()) ?? '')?.[1]
  await typed.first().click()
  await shows('tags: [: {')
  const atLine = () =>
    yaml.locator('.cm-line').evaluateAll((lines) => lines.findIndex((line) => line.matches('.cm-activeLine')) + 1)
  await waitFor(async () => (await atLine()) === Number(told), { what: 'the list leads to the line' })
  await banner.waitFor()
  await onLine('tags: [')
  await page.keyboard.press('End')
  await page.keyboard.press('Shift+Home')
  await page.keyboard.press('Backspace')
  await page.keyboard.type('runsOn: [linux]')
  await banner.waitFor({ state: 'detached' })
  await waitFor(async () => (await file()).includes('runsOn: [linux]'), { what: 'the mended text is the pipeline' })
  expect(await file()).toContain('timeout: 7m')
  expect(await file()).toContain('# Ada wrote this.')

  await page.getByTestId('problems-toggle').click()
  await whatIsWrong()
  expect(person.errors).toEqual([])

  /** Problems of a text that can be read stand in the list; a press leads to the step and its field. */
  async function whatIsWrong(): Promise<void> {
    await page.getByTestId('view-switch').getByText('Graph', { exact: true }).click()
    await editor.menu('build', 'addAfter')
    await editor.quickAdd('fetch')
    await editor.leave()
    await editor.select('test')
    await editor.inspector.getByTestId('inspector-tab-when').click()
    await editor.fill('when', 'inputs.none ==')
    await waitFor(async () => (await page.getByTestId('problems-count').textContent()) === '3', {
      what: 'three problems are counted',
    })
    await page.keyboard.press('F8')
    const list = page.getByTestId('problems-list')
    await list.waitFor()
    const rows = list.locator('.problem')
    expect(await rows.count()).toBe(3)
    await rows.getByText('No agent has the labels linux that test asks for, so it waits until one does.').waitFor()
    const seen: string[] = []
    for (let i = 0; i < 3; i++) {
      await page.locator(`[data-testid="problem-${i}"][aria-current="true"]`).waitFor()
      const step = (await rows.nth(i).locator('.step').textContent()) ?? ''
      await editor.inspects(step)
      seen.push(step)
      await waitFor(
        () => page.evaluate(() => document.activeElement?.closest('[data-testid^="inspector-field-"]') !== null),
        {
          what: 'the focus is in the field',
        },
      )
      await page.keyboard.press('F8')
    }
    expect(seen.sort()).toEqual(['fetch-code', 'test', 'test'])
    await rows.filter({ hasText: 'when' }).click()
    await editor.inspects('test')
    await waitFor(() => editor.field('when').evaluate((field) => field === document.activeElement), {
      what: 'the press on the row leads into the field',
    })
    await page.keyboard.press('Control+a')
    await page.keyboard.press('Delete')
    await page.keyboard.press('Tab')
    await waitFor(async () => (await page.getByTestId('problems-count').textContent()) === '2', {
      what: 'two problems are left',
    })
    await system.addAgent({ labels: ['linux'], name: 'penguin' })
    await waitFor(async () => (await page.getByTestId('problems-count').textContent()) === '1', {
      what: 'the agent that came has the label',
    })
  }
})

test('what is too much gets into nothing: not by pasting, not in a script or field, not in the file', async () => {
  const { editor, page } = await opened(shop.replace('name: shop', 'name: depot'))
  const long = 'x'.repeat(300_000)
  const put = (text: string) => page.evaluate((copied) => navigator.clipboard.writeText(copied), text)
  const told = page.getByTestId('toast').filter({ hasText: 'Nothing was changed. This is more than one change' })
  const isTold = async () => {
    await told.getByRole('button', { name: 'Close' }).click()
    await told.waitFor({ state: 'detached' })
  }
  await editor.select('build')
  await put(long)
  await editor.script('end')
  await page.keyboard.press('Control+v')
  await isTold()
  expect(await editor.scriptText()).toBe('make')
  const name = editor.inspector.getByTestId('step-name')
  await name.fill(long)
  await name.press('Enter')
  await isTold()
  expect(await name.inputValue()).toBe('build')

  await put(`name: huge\nsteps:\n  huge:\n    run: ${long}\n`)
  await editor.canvas.click({ position: { x: 30, y: 500 } })
  await page.keyboard.press('Control+v')
  await isTold()
  expect(await editor.keys()).toEqual(['build', 'checkout', 'test'])

  // In the file it stays where it was typed, until it is mended or taken back, and nobody else has it.
  await editor.show('YAML')
  const yaml = page.getByTestId('yaml-editor')
  await yaml.locator('.cm-line').filter({ hasText: 'make test' }).first().click()
  await page.keyboard.press('End')
  await put(` # ${long}`)
  await page.keyboard.press('Control+v')
  const banner = page.getByTestId('yaml-broken')
  await banner.getByText('What is typed here is not in the pipeline').waitFor()
  await banner.getByText('256 KiB are possible').waitFor()
  await page.keyboard.press('Control+z')
  await banner.waitFor({ state: 'detached' })

  // Nobody is locked out: what comes after it is taken.
  await page.keyboard.type(' # all')
  await waitFor(
    async () => (await system.api.pipelines.getPipeline({ pipelineId: await idOf('depot') })).yaml.includes('# all'),
    { what: 'the file is saved' },
  )
  await editor.label('saved')
  expect(await page.getByTestId('refused-banner').count()).toBe(0)
  expect(person.errors).toEqual([])
})

async function opened(yaml: string) {
  const { pipelineId } = await system.pipeline(yaml)
  person = await newPerson(browser, system.url)
  const { page } = person
  page.setDefaultTimeout(10_000)
  await signIn(page, admin)
  const editor = new Editor(page)
  await editor.open(await slug(), pipelineId)
  await waitFor(async () => (await editor.keys()).length > 0, { what: 'the steps are drawn' })
  return { editor, page }
}

async function slug(): Promise<string> {
  return (await system.api.projects.listProjects({})).projects.find(({ name }) => name === 'Test')?.slug ?? ''
}

async function idOf(name: string): Promise<string> {
  const projectId = (await system.api.projects.listProjects({})).projects.find((one) => one.name === 'Test')?.id ?? ''
  return (await system.api.pipelines.listPipelines({ projectId })).pipelines.find((one) => one.name === name)?.id ?? ''
}

async function graphIs(name: string, wanted: Record<string, string[]>): Promise<void> {
  const pipelineId = await idOf(name)
  const text = (graph: Record<string, string[]>) =>
    JSON.stringify(Object.entries(graph).sort(([a], [b]) => a.localeCompare(b)))
  let last = ''
  await waitFor(
    async () => {
      const { graph } = await system.api.pipelines.getPipeline({ pipelineId })
      last = text(
        Object.fromEntries((graph?.steps ?? []).map(({ id, needs }) => [id, needs.map(({ stepId }) => stepId)])),
      )
      return last === text(wanted)
    },
    { what: `${name} is ${text(wanted)}`, detail: () => `It is ${last}.` },
  )
}
