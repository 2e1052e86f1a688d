// A pipeline's life: made in each of the ways, published, published again when others moved it, compared, restored, tried out, deleted.
import { RunStatus } from '@ansflow/proto/status'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newPerson, signIn, startBrowser } from '../setup/browser.ts'
import { admin, type System, startSystem } from '../setup/system.ts'
import { TcpProxy } from '../setup/tcp-proxy.ts'
import { waitFor } from '../setup/wait-for.ts'
import { Editor } from './editor.ts'

const releases = `name: releases
steps:
  build: { run: echo build }
  test: { needs: [build], run: echo test }
`

let system: System
let browser: Browser
let proxy: TcpProxy
let project: { id: string; slug: string }
beforeAll(async () => {
  system = await startSystem({ slots: 2 })
  proxy = await new TcpProxy(system.httpPort).listen()
  browser = await startBrowser()
  const answer = await system.api.projects.createProject({ name: 'Releases' })
  project = { id: answer.project?.id ?? '', slug: answer.project?.slug ?? '' }
})
afterAll(async () => {
  await browser?.close()
  await proxy?.[Symbol.asyncDispose]()
  await system?.[Symbol.asyncDispose]()
})

test('pipelines are made empty, from the sample and from a file, run as drafts, and deleted', async () => {
  const { page, errors } = await person()
  const editor = new Editor(page)
  const list = `/p/${project.slug}/pipelines`
  const inEditor = () => page.waitForURL(/\/edit/)

  // The first page has the three ways side by side.
  await page.goto(list)
  await page.getByTestId('sample-pipeline').click()
  await inEditor()
  await waitFor(async () => (await editor.keys()).length > 2, { what: 'the sample is drawn' })

  await page.goto(list)
  const how = (name: string) => page.getByTestId('new-pipeline-dialog').getByText(name, { exact: true }).click()
  await page.getByTestId('new-pipeline').click()
  await waitFor(() => page.getByTestId('pipeline-name-input').evaluate((field) => field === document.activeElement), {
    what: 'the name can be typed at once',
  })
  await page.keyboard.type('by hand')
  await page.keyboard.press('Enter')
  await inEditor()
  await page.getByTestId('empty-canvas').waitFor()
  expect(await page.getByTestId('pipeline-name').textContent()).toBe('by hand')

  await page.goto(list)
  await page.getByTestId('new-pipeline').click()
  await how('Sample')
  await page.getByTestId('pipeline-name-input').fill('greeting')
  await page.getByTestId('create-pipeline').click()
  await inEditor()
  await page.getByTestId('pipeline-name').getByText('greeting').waitFor()

  // A file that cannot be read says where; mended, it is the pipeline.
  await page.goto(list)
  await page.getByTestId('new-pipeline').click()
  await how('YAML')
  const file = page.getByTestId('pipeline-yaml-input')
  await file.fill('name: slow\nsteps:\n  wait: { runs: sleep 60 }\n')
  await page.getByTestId('create-pipeline').click()
  await page.getByRole('alert').getByText('3:').waitFor()
  await file.fill(
    'name: slow\nsteps:\n  quick: { run: echo quick }\n  wait: { needs: [quick], run: sleep 60 }\n  after: { needs: [wait], run: echo after }\n',
  )
  await page.getByTestId('create-pipeline').click()
  await inEditor()
  await waitFor(async () => (await editor.keys()).join() === 'after,quick,wait', { what: 'the file is drawn' })

  await triedOut()

  await page.goto(list)
  const row = page.getByTestId('pipeline-row-slow')
  await row.getByRole('button', { name: 'More actions for slow' }).click()
  await page.getByText('Delete pipeline', { exact: true }).click()
  const confirm = page.getByRole('dialog')
  const button = confirm.getByRole('button', { name: 'Delete pipeline' })
  expect(await button.isDisabled()).toBe(true)
  await confirm.getByRole('textbox').fill('slow')
  await button.click()
  await row.waitFor({ state: 'detached' })
  const { pipelines } = await system.api.pipelines.listPipelines({ projectId: project.id })
  expect(pipelines.map(({ name }) => name).sort()).toEqual(['by hand', 'greeting', 'hello'])
  expect(errors).toEqual([])

  /** The draft runs on its canvas until it is stopped. */
  async function triedOut(): Promise<void> {
    await editor.label('saved')
    await editor.run()
    await page.locator('[data-testid="node-quick"][data-st="succeeded"]').waitFor({ timeout: 20_000 })
    await page.locator('[data-testid="node-wait"][data-st="running"]').waitFor()
    await editor.select('after')
    await editor.inspector.getByTestId('inspector-tab-output').click()
    await editor.inspector.getByText(/wait/).first().waitFor()
    // What it prints is read beside it: of the step that tells most, or of the one that is chosen.
    await page.getByTestId('output-log').click()
    const log = page.getByTestId('run-log')
    await log.getByText('Waits for wait').waitFor()
    await editor.select('quick')
    await log.getByTestId('log-rows').getByText('quick', { exact: true }).waitFor()
    await page.keyboard.press('Escape')
    await log.getByRole('heading', { name: 'wait' }).waitFor()
    await page.getByTestId('cancel-run').click()
    await page.locator('[data-testid="run-bar"][data-st="canceled"]').waitFor({ timeout: 20_000 })
    await page.locator('[data-testid="node-wait"][data-st="canceled"]').waitFor()
    await page.getByTestId('run-button').waitFor()
    const { runs } = await system.api.runs.listRuns({ projectId: project.id })
    expect(runs[0]?.status).toBe(RunStatus.CANCELED)
    await page.getByTestId('run-hide').click()
    await log.waitFor({ state: 'detached' })
    await page.locator('[data-testid="node-wait"]:not([data-st])').waitFor()

    // Only as far as a step: what comes after it does not run.
    await editor.menu('quick', 'runTo')
    await page.getByTestId('start-run').getByText('Runs quick as it is now').waitFor()
    await page.getByTestId('start-run-confirm').click()
    await page.locator('[data-testid="run-bar"][data-st="succeeded"]').waitFor({ timeout: 20_000 })
    await page.locator('[data-testid="node-quick"][data-st="succeeded"]').waitFor()
    await page.locator('[data-testid="node-wait"]:not([data-st])').waitFor()
  }
})

test('versions: with a note, not twice the same, nothing unseen; compared and restored; unsent work is not left by accident', async () => {
  const { pipelineId } = await system.pipeline(releases, 'Releases')
  const { page, errors } = await person()
  const editor = new Editor(page)
  await editor.open(project.slug, pipelineId)
  const versions = async () => (await system.api.pipelines.listVersions({ pipelineId })).versions
  const dialog = page.getByTestId('publish-dialog')

  // Nothing has changed: no new version.
  await page.getByTestId('publish-button').click()
  await dialog.getByText('Nothing changed.').waitFor()
  await page.getByTestId('publish-confirm').click()
  await page.getByText('Nothing has changed since v1.').waitFor()
  expect(await versions()).toHaveLength(1)

  await editor.select('test')
  await editor.inspector.getByTestId('inspector-tab-reliability').click()
  await editor.fill('timeout', '5m')
  await page.getByTestId('publish-button').getByText('1 change').waitFor()
  await editor.label('saved')
  await editor.publish('Tests end in time')
  await page.getByText('Version 2 is published.').waitFor()
  expect((await versions()).map(({ number, note }) => [number, note])).toEqual([
    [2, 'Tests end in time'],
    [1, ''],
  ])

  // Ctrl S tells that all is kept, twice opens the dialog; what others change meanwhile is shown before it is published.
  await editor.fill('timeout', '6m')
  await editor.label('saved')
  await page.keyboard.press('Escape')
  await page.keyboard.press('Control+s')
  await page.getByText('Everything is saved already.').waitFor()
  await page.keyboard.press('Control+s')
  await dialog.waitFor()
  const before = (await system.api.pipelines.getPipeline({ pipelineId })).yaml
  const yaml = `${before}  extra: { needs: [test], run: echo extra }\n`
  await system.api.pipelines.applyPipeline({ projectId: project.id, yaml, publish: false })
  await editor.node('extra').waitFor()
  await page.getByTestId('publish-confirm').click()
  const moved = page.getByTestId('publish-moved')
  await moved.getByText('step extra').waitFor()
  expect(await moved.getByTestId('diff').locator('li').count()).toBe(1)
  expect(await versions()).toHaveLength(2)
  await page.getByTestId('publish-confirm').click()
  await page.getByText('Version 3 is published.').waitFor()

  await comparedAndRestored()
  await notLeftByAccident()
  // The refusal to publish what was not seen is the browser's to tell, too.
  expect(errors).toEqual([expect.stringContaining('status of 400')])

  async function comparedAndRestored(): Promise<void> {
    await page.getByRole('link', { name: 'Versions' }).click()
    await page.getByTestId('version-3').waitFor()
    // Two choices, one right behind the other: the last one is shown.
    await page.getByTestId('version-1').click()
    await page.getByTestId('version-2').click()
    const diff = page.getByTestId('diff')
    await diff.getByText('5m').waitFor()
    await page.getByTestId('version-3').click()
    await diff.getByText('step extra').waitFor()
    await page.getByTestId('compare-with').click()
    await page.getByText('v1', { exact: true }).last().click()
    await waitFor(async () => (await diff.locator('li').count()) === 2, { what: 'v3 is compared with v1' })
    expect(page.url()).toContain('from=1')
    await page.reload()
    await waitFor(async () => (await diff.locator('li').count()) === 2, { what: 'the address keeps the comparison' })
    await page.getByText('File', { exact: true }).click()
    await page.getByText('extra: {').waitFor()

    await page.getByTestId('restore-1').click()
    // It asks, and says what becomes of the draft.
    const ask = page.getByRole('dialog', { name: 'Restore v1 to the draft?' })
    await ask.getByText(/It changes \d+ things? of the draft/).waitFor()
    await ask.getByRole('button', { name: 'Restore to draft' }).click()
    await page.getByText('The draft is now as v1 was.').waitFor()
    await page.waitForURL(/\/edit/)
    await waitFor(async () => (await editor.keys()).join() === 'build,test', { what: 'the draft is as v1 was' })
    expect((await system.api.pipelines.getPipeline({ pipelineId })).yaml).toBe(releases)
    expect(await versions()).toHaveLength(3)
  }

  /** With neither the controller nor this browser's store answering, leaving asks first. */
  async function notLeftByAccident(): Promise<void> {
    const { page: alone } = await person(`http://127.0.0.1:${proxy.port}`)
    await alone.addInitScript(() => {
      indexedDB.open = () => new EventTarget() as IDBOpenDBRequest
    })
    const there = new Editor(alone)
    await there.open(project.slug, pipelineId)
    await there.select('build')
    proxy.stall()
    await there.inspector.getByTestId('step-name').fill('Build all')
    await alone.keyboard.press('Enter')
    await there.label('sending')
    expect(await asksBeforeLeaving(alone)).toBe(true)
    proxy.restore()
    await there.label('saved')
    expect(await asksBeforeLeaving(alone)).toBe(false)
    await waitFor(async () => (await system.api.pipelines.getPipeline({ pipelineId })).yaml.includes('Build all'), {
      what: 'nothing was lost',
    })
  }
})

async function asksBeforeLeaving(page: Page): Promise<boolean> {
  let asked = false
  const stay = page.waitForEvent('dialog', { timeout: 3000 }).then(
    async (dialog) => {
      asked = dialog.type() === 'beforeunload'
      await dialog.dismiss()
    },
    () => {},
  )
  const gone = page.evaluate(() => {
    setTimeout(() => window.location.reload(), 0)
  })
  await Promise.race([stay, gone.then(() => page.waitForEvent('load', { timeout: 3000 }).catch(() => {}))])
  return asked
}

async function person(url = system.url) {
  const one = await newPerson(browser, url)
  one.page.setDefaultTimeout(10_000)
  await signIn(one.page, admin)
  return one
}
