// The graph as a list: one person draws on the canvas, another does everything by keys in the list, a third may only read.
import { Role } from '@ansflow/proto/access'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newPerson, signIn, startBrowser } from '../setup/browser.ts'
import { admin, type System, startSystem } from '../setup/system.ts'
import { waitFor } from '../setup/wait-for.ts'
import { Editor } from './editor.ts'
import { grace, join } from './people.ts'

const reader = { name: 'Jean Bartik', email: 'jean@example.test', password: 'read but never write' }
const yaml = `name: listed
steps:
  deploy: { needs: [build, lint], run: echo deploy }
  build: { needs: [prepare], run: echo build }
  lint: { run: echo lint }
  prepare: { run: echo prepare }
`

let system: System
let browser: Browser
beforeAll(async () => {
  system = await startSystem()
  browser = await startBrowser()
})
afterAll(async () => {
  await browser?.close()
  await system?.[Symbol.asyncDispose]()
})

test('a pipeline is read and changed in the list, by keys alone, while another person sees it on the canvas', async () => {
  await join(system, grace)
  const { pipelineId, projectId } = await system.pipeline(yaml)
  const slug = (await system.api.projects.getProject({ projectId })).project?.slug ?? ''
  const [ada, her] = [await newPerson(browser, system.url), await newPerson(browser, system.url)]
  await Promise.all([signIn(ada.page, admin), signIn(her.page, grace)])
  const [a, g] = [new Editor(ada.page), new Editor(her.page)]
  await Promise.all([a.open(slug, pipelineId), g.open(slug, pipelineId)])
  const { keyboard } = her.page
  const rows = () =>
    her.page
      .locator('tbody tr[data-testid^="row-"]')
      .evaluateAll((all) => all.map((row) => row.getAttribute('data-testid')?.slice(4)))
  const rowsAre = (...wanted: string[]) =>
    waitFor(async () => (await rows()).join() === wanted.join(), { what: `the rows are ${wanted}` })
  const row = (key: string) => her.page.getByTestId(`row-${key}`)
  const file = async () => (await system.api.pipelines.getPipeline({ pipelineId })).yaml
  const inFile = (part: string) => waitFor(async () => (await file()).includes(part), { what: `the file says ${part}` })

  // By Tab and arrows to the list, and through it.
  await her.page.getByTestId('view-switch').getByText('List', { exact: true }).click()
  await rowsAre('lint', 'prepare', 'build', 'deploy')
  const grid = her.page.getByRole('grid', { name: /Steps in the order/ })
  expect(await grid.getByRole('row', { selected: true }).count()).toBe(0)
  expect(await row('deploy').textContent()).toMatch(/build, lint|lint, build/)
  await row('lint').focus()
  await keyboard.press('End')
  await g.inspects('deploy')
  await keyboard.press('ArrowUp')
  await g.inspects('build')
  expect(await grid.getByRole('row', { selected: true }).getAttribute('data-testid')).toBe('row-build')
  await ada.page
    .locator('[data-testid="node-build"] [data-who], [data-testid="node-build"][data-who]')
    .first()
    .waitFor()

  // Off and on, renamed, another one after it, connected: all without a mouse.
  await keyboard.press('e')
  await ada.page.locator('[data-testid="node-build"].off').waitFor()
  await keyboard.press('e')
  await ada.page.locator('[data-testid="node-build"]:not(.off)').waitFor()
  await keyboard.press('F2')
  await keyboard.type('Build it')
  await keyboard.press('Enter')
  await a.node('build').getByText('Build it').waitFor()
  await keyboard.press('n')
  await her.page.getByTestId('quick-add').waitFor()
  await keyboard.type('script')
  await keyboard.press('Enter')
  await rowsAre('lint', 'prepare', 'build', 'deploy', 'script')
  await a.line('build', 'script').waitFor({ state: 'attached' })
  await g.inspects('script')
  await keyboard.press('c')
  await her.page.getByTestId('connect-search').waitFor()
  await keyboard.type('lint')
  await keyboard.press('Enter')
  await a.line('script', 'lint').waitFor({ state: 'attached' })
  await rowsAre('prepare', 'build', 'script', 'lint', 'deploy')

  // Deleted, and back; the focus stays in the list.
  await row('script').focus()
  await keyboard.press('Delete')
  await a.node('script').waitFor({ state: 'detached' })
  // What waited for it waits for what it waited for.
  await rowsAre('prepare', 'build', 'lint', 'deploy')
  await a.line('build', 'lint').waitFor({ state: 'attached' })
  await waitFor(
    () => her.page.evaluate(() => document.activeElement?.getAttribute('data-testid')?.startsWith('row-')),
    {
      what: 'a row has the focus',
    },
  )
  await keyboard.press('Control+z')
  await a.node('script').waitFor()
  await a.line('build', 'lint').waitFor({ state: 'detached' })
  await inFile('name: Build it')

  // What the other one does comes in, and back on the canvas the same step is chosen.
  await a.node('lint').click({ position: { x: 90, y: 12 } })
  await ada.page.keyboard.press('Delete')
  await rowsAre('prepare', 'build', 'script', 'deploy')
  await row('build').click()
  await g.inspects('build')
  await g.show('Graph')
  await her.page.locator('[data-testid="node-build"].selected').waitFor()
  await g.inspects('build')

  // A run shows in the list too.
  await g.run()
  await her.page.getByTestId('view-switch').getByText('List', { exact: true }).click()
  await row('prepare').getByText('Passed').waitFor({ timeout: 60_000 })
  expect([...ada.errors, ...her.errors]).toEqual([])
})

test('a viewer reads the list and cannot change it', async () => {
  await join(system, reader, Role.VIEWER)
  const { pipelineId, projectId } = await system.pipeline(yaml.replace('listed', 'read'))
  const slug = (await system.api.projects.getProject({ projectId })).project?.slug ?? ''
  const { page, errors } = await newPerson(browser, system.url, { theme: 'dark', locale: 'zh-CN' })
  await signIn(page, reader)
  await page.goto(`/p/${slug}/pipelines/${pipelineId}/edit?view=list`)
  await page.getByTestId('row-deploy').waitFor()
  await page.getByTestId('row-lint').focus()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Delete')
  await page.keyboard.press('n')
  expect(await page.locator('tbody tr').count()).toBe(4)
  expect(await page.getByTestId('quick-add').count()).toBe(0)
  expect(await page.getByTestId('list-add').count()).toBe(0)
  expect(await page.getByRole('switch').count()).toBe(0)
  await page.getByRole('grid', { name: /步骤按可运行的顺序排列/ }).waitFor()
  expect(errors).toEqual([])
})
