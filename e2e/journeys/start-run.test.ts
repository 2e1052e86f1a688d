// Starting a run from the console: with whose inputs the form is filled, and what a text with a mistake means for a test run.
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newPerson, signIn, startBrowser } from '../setup/browser.ts'
import { admin, type System, startSystem } from '../setup/system.ts'

let system: System
let browser: Browser
beforeAll(async () => {
  system = await startSystem()
  browser = await startBrowser()
}, 60_000)
afterAll(async () => {
  await browser?.close()
  await system?.[Symbol.asyncDispose]()
})

const yaml = `name: deploy
inputs: { version: { type: string, required: true }, dry: { type: boolean, default: true } }
steps: { a: { run: "echo \${{ inputs.version }}" } }
`

test('the form has what this person gave last by hand, and says so; never what a program gave', async () => {
  const { projectId, pipelineId } = await system.pipeline(yaml, 'Started')
  const { project } = await system.api.projects.getProject({ projectId })
  await system.ended(await system.start(pipelineId, { version: 'of a token', dry: false }))
  const { page, errors } = await newPerson(browser, system.url)
  await signIn(page, admin)
  const ask = async () => {
    await page.goto(`/p/${project!.slug}/pipelines`)
    await page.getByTestId('run-deploy').click()
    await page.getByTestId('start-run').getByTestId('run-input-version').waitFor()
  }
  const version = () => page.getByTestId('run-input-version').locator('input')

  await ask()
  expect(await version().inputValue()).toBe('')
  expect(await page.getByTestId('run-filled-from').count()).toBe(0)
  await version().fill('1.0')
  await page.getByTestId('run-more').click()
  await page.getByTestId('run-priority').locator('input').fill('7')
  await page.getByTestId('run-priority').locator('input').press('Tab')
  await page.getByTestId('start-run-confirm').click()
  await page.getByTestId('run-status').waitFor()
  await page.getByText('priority 7', { exact: true }).waitFor()

  await system.ended(await system.start(pipelineId, { version: 'of a token' }))
  await ask()
  await page.getByTestId('run-filled-from').waitFor()
  expect(await version().inputValue()).toBe('1.0')
  await page.getByTestId('run-use-defaults').click()
  expect(await version().inputValue()).toBe('')
  expect(errors).toEqual([])
}, 90_000)

test('a file that is opened directly can be written; its mistakes are not what a test run runs', async () => {
  const { projectId, pipelineId } = await system.pipeline('name: typed\nsteps: { a: { run: echo OLD } }\n', 'Typed')
  const { project } = await system.api.projects.getProject({ projectId })
  const { page, errors } = await newPerson(browser, system.url)
  await signIn(page, admin)
  await page.goto(`/p/${project!.slug}/pipelines/${pipelineId}/edit?view=yaml`)
  const text = page.getByTestId('yaml-editor')
  await page.locator('[data-testid="yaml-editor"][contenteditable="true"]').waitFor()
  await text.click()
  await page.keyboard.press('Control+a')
  await page.keyboard.insertText('name: typed\nsteps: { a: { run: echo NEW, runs-on: linux } }\n')
  await page.getByTestId('yaml-broken').waitFor()
  await page.getByTestId('run-button').click()
  const question = page.getByRole('dialog')
  await question.getByText('the last valid state runs').waitFor()
  await question.getByRole('button', { name: 'Cancel' }).click()
  const { runs } = await system.api.runs.listRuns({ pipelineId })
  expect(runs).toEqual([])
  expect(errors).toEqual([])
}, 90_000)
