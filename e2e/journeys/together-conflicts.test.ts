// What two people see when their edits meet: a step deleted under someone's hands, and how it comes back.
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newPerson, type Person, signIn, startBrowser } from '../setup/browser.ts'
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

interface Together {
  ada: Person
  her: Person
  a: Editor
  g: Editor
  pipelineId: string
  slug: string
  file(): Promise<string>
}

/** Both sign in and open a new pipeline. */
async function together(yaml: string): Promise<Together> {
  const { pipelineId, projectId } = await system.pipeline(yaml)
  const slug = (await system.api.projects.getProject({ projectId })).project?.slug ?? ''
  const [ada, her] = await Promise.all([newPerson(browser, system.url), newPerson(browser, system.url)])
  await Promise.all([signIn(ada.page, admin), signIn(her.page, grace)])
  const [a, g] = [new Editor(ada.page), new Editor(her.page)]
  await Promise.all([a.open(slug, pipelineId), g.open(slug, pipelineId)])
  await a.page.getByTestId(`person-${grace.name}`).waitFor()
  await g.page.getByTestId('people').locator('button').first().waitFor()
  return {
    ada,
    her,
    a,
    g,
    pipelineId,
    slug,
    file: async () => (await system.api.pipelines.getPipeline({ pipelineId })).yaml,
  }
}

test('an old version restored while somebody writes is one change: all are told, and who restored it takes it back', async () => {
  const { ada, her, a, g, file, pipelineId, slug } = await together(
    '# Ours.\nname: restored\n\nsteps:\n  one: { run: echo one }\n  two: { needs: [one], run: echo two }\n',
  )
  await g.select('two')
  await g.script('end')
  await her.page.keyboard.type(' by her')
  await a.select('one')
  await a.tab('Reliability')
  await a.fill('timeout', '7m')
  const hasBoth = async () => {
    const text = await file()
    return text.includes('by her') && text.includes('7m')
  }
  await waitFor(hasBoth, { what: 'both are in the draft' })
  const before = await file()

  await ada.page.goto(`/p/${slug}/pipelines/${pipelineId}/versions`)
  await ada.page.getByTestId('restore-1').click()
  const ask = ada.page.getByRole('dialog', { name: 'Restore v1 to the draft?' })
  await ask.getByText('Changed: one, two.').waitFor()
  await ask.getByRole('button', { name: 'Restore to draft' }).click()
  await ada.page.getByText('The draft is now as v1 was.').waitFor()
  await her.page.getByTestId('toast').filter({ hasText: 'has restored v1 to the draft.' }).waitFor()
  await waitFor(async () => !/by her|7m/.test(await file()), { what: 'the draft is as v1 was' })
  await waitFor(async () => (await g.scriptText()) === 'echo two', { what: 'she sees it' })
  await her.page.keyboard.type(' later')
  await waitFor(async () => (await file()).includes('later'), { what: 'she writes on' })

  await a.canvas.click({ position: { x: 30, y: 500 } })
  await ada.page.keyboard.press('Control+z')
  await waitFor(async () => /by her/.test(await file()) && /7m/.test(await file()), {
    what: 'all of it is there again',
  })
  const after = await file()
  expect(after).toContain('later')
  expect(after.replace(' later', '')).toBe(before)
  // A reload restores nothing.
  await ada.page.reload()
  await a.label('saved')
  expect(await file()).toBe(after)
  expect(await ada.page.getByTestId('toast').count()).toBe(0)
})

test('a step deleted while someone writes in it stays open for them, and comes back with all of it', async () => {
  const { ada, her, a, g, file } = await together(
    'name: deleted\nsteps:\n  before: { run: echo before }\n  middle: { needs: [before], run: echo middle }\n  after: { needs: [middle], run: echo after }\n',
  )
  await g.select('middle')
  await g.script('end')
  await her.page.keyboard.type(' one')
  await a.node('middle').click({ position: { x: 90, y: 12 } })
  await ada.page.locator('[data-testid="node-middle"] [data-who]').first().waitFor()
  await ada.page.keyboard.press('Delete')

  // She writes on, in the same place, and is told who it was.
  const banner = her.page.getByTestId('deleted-banner')
  await banner.getByText(/Deleted by \S+/).waitFor()
  expect(await banner.textContent()).not.toContain('someone else')
  await g.node('middle').waitFor({ state: 'detached' })
  await her.page.keyboard.type(' two')
  expect(await g.scriptText()).toBe('echo middle one two')
  await g.tab('Reliability')
  await g.fill('timeout', '7m')
  await waitFor(async () => !(await file()).includes('middle'), { what: 'the file is without the step' })

  // He is told that she was in it, and brings it back.
  const toast = ada.page.locator('.toast').filter({ hasText: 'Grace Hopper was editing it.' })
  await toast.getByRole('button', { name: 'Restore' }).click()
  await g.node('middle').waitFor()
  await banner.waitFor({ state: 'detached' })
  await g.inspects('middle')
  for (const editor of [a, g]) {
    await editor.line('before', 'middle').waitFor({ state: 'attached' })
    await editor.line('middle', 'after').waitFor({ state: 'attached' })
  }
  await waitFor(async () => (await file()).includes('echo middle one two') && (await file()).includes('timeout: 7m'), {
    what: 'the file has everything again',
  })

  // The other way: she restores it herself.
  await a.node('middle').click({ position: { x: 90, y: 12 } })
  await ada.page.keyboard.press('Delete')
  await banner.waitFor()
  await her.page.getByTestId('deleted-restore').click()
  await a.node('middle').waitFor()
  await banner.waitFor({ state: 'detached' })
  await g.inspects('middle')
  expect([...ada.errors, ...her.errors]).toEqual([])
})

test('who last changed a step with a problem stands beside the problem, and a test run shows for everyone here', async () => {
  const { ada, her, a, g } = await together('name: shown\nsteps:\n  one: { run: echo one }\n  two: { run: sleep 12 }\n')
  await g.select('one')
  await g.script('all')
  await her.page.keyboard.press('Delete')
  await ada.page.getByTestId('problems-count').getByText('1').waitFor()
  await ada.page.getByTestId('problems-toggle').click()
  await ada.page.getByTestId('problem-author-0').getByText('last changed by Grace Hopper').waitFor()
  await her.page.getByTestId('problems-toggle').click()
  await her.page.getByTestId('problem-author-0').getByText('last changed by you').waitFor()
  await her.page.keyboard.press('Control+j')
  await g.replaceScript('echo one')
  await g.label('saved')

  await g.run()
  await ada.page.getByText('Grace Hopper started test run #1.').waitFor()
  await ada.page.locator('[data-testid="node-one"][data-st="succeeded"]').waitFor({ timeout: 60_000 })
  await ada.page.locator('[data-testid="run-bar"]').getByText('Grace Hopper').waitFor()
  // Whoever comes while it runs is offered it.
  const late = await ada.context.newPage()
  await late.goto(ada.page.url().split('?')[0] ?? '')
  await late.getByText(/Test run #1 of this draft/).waitFor()
  await late.getByRole('button', { name: 'Show', exact: true }).click()
  await late.locator('[data-testid="run-bar"][data-st="succeeded"]').waitFor({ timeout: 60_000 })
  await a.page.locator('[data-testid="run-bar"][data-st="succeeded"]').waitFor()
  expect([...ada.errors, ...her.errors]).toEqual([])
})

test('a field that another person changes flashes in their colour', async () => {
  const { ada, her, a, g, file } = await together('name: flash\nsteps:\n  one: { run: echo one }\n')
  await Promise.all([a.select('one'), g.select('one')])
  await Promise.all([a.tab('Reliability'), g.tab('Reliability')])
  await g.fill('timeout', '4m')
  await ada.page.locator('[data-testid="inspector-field-timeout"].flashed[data-who]').waitFor()
  await waitFor(async () => (await a.field('timeout').inputValue()) === '4m', { what: 'he sees what she wrote' })
  await ada.page.locator('[data-testid="inspector-field-timeout"]:not(.flashed)').waitFor()
  expect(await her.page.locator('.flashed').count()).toBe(0)

  // Both in one field: whoever comes second is told, and the last change wins for both.
  await a.field('timeout').focus()
  await her.page.getByText(/is in this field – the last change wins/).waitFor()
  await g.fill('timeout', '6m')
  await a.field('timeout').fill('9m')
  await a.field('timeout').press('Tab')
  await waitFor(async () => (await g.field('timeout').inputValue()) === '9m', { what: 'the last one won for both' })
  await waitFor(async () => (await file()).includes('timeout: 9m'), { what: 'it is in the file' })
  expect([...ada.errors, ...her.errors]).toEqual([])
})
