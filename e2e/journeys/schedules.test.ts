// A pipeline that starts by itself: drawn in the editor, published, seen to start, paused by hand.
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newPerson, signIn, startBrowser } from '../setup/browser.ts'
import { admin, type System, startSystem } from '../setup/system.ts'
import { waitFor } from '../setup/wait-for.ts'

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

test('schedules are made in the editor, start runs once they are published, and are paused and resumed', async () => {
  const { project } = await system.api.projects.createProject({ name: 'Nightly' })
  const yaml =
    'name: tidy\ninputs: { level: { type: number, default: 1 } }\nsteps:\n  a: { run: "echo level $LEVEL", env: { LEVEL: "${{ inputs.level }}" } }\n'
  const { pipeline } = await system.api.pipelines.applyPipeline({ projectId: project!.id, yaml, publish: true })
  const { page, errors } = await newPerson(browser, system.url)
  await signIn(page, admin)
  const base = `/p/${project!.slug}/pipelines/${pipeline!.id}`

  await page.goto(`${base}/schedules`)
  await page.getByText('No schedules').waitFor()

  await page.goto(`${base}/edit`)
  const triggers = page.getByTestId('triggers')
  await triggers.getByTestId('schedule-add').click()
  await triggers.getByTestId('schedule-add').click()
  const first = triggers.getByTestId('schedule-0')
  const cron = first.getByLabel('Cron expression')
  await cron.fill('61 * * * *')
  await cron.press('Enter')
  await first.getByRole('alert').filter({ hasText: 'cannot be used' }).waitFor()
  await cron.fill('* * * * *')
  await cron.press('Enter')
  await first.getByText(/^Next \(.+\): /).waitFor()
  expect(await triggers.evaluate((box) => box.scrollWidth - box.clientWidth)).toBe(0)
  await first.getByLabel('Name').fill('often')
  await first.getByLabel('Name').press('Enter')
  await first.getByText('Inputs of its runs').click()
  await first.getByLabel('level').fill('7')
  await first.getByLabel('level').press('Enter')
  const draft = async () => (await system.api.pipelines.getPipeline({ pipelineId: pipeline!.id })).yaml
  await waitFor(async () => (await draft()).includes('level: 7'), { what: 'the file says it' })
  await system.api.pipelines.publishPipeline({ pipelineId: pipeline!.id })

  await page.goto(`${base}/schedules`)
  const row = (name: string) => page.getByTestId(`schedule-${name}`)
  await row('often').getByText('Not yet').waitFor()
  // A schedule may count on another clock than the reader's.
  await page.getByRole('columnheader', { name: /^Next \(.+\)$/ }).waitFor()
  const daily = row('0 4 * * *')
  await daily.getByRole('button', { name: 'Pause' }).click()
  await daily.getByText('Paused by').waitFor()
  await daily.getByRole('button', { name: 'Go on' }).click()
  await daily.getByRole('button', { name: 'Pause' }).waitFor()

  await row('often').getByRole('link').click({ timeout: 90_000 })
  await page.getByTestId('run-status').waitFor()
  await page.getByText('often', { exact: false }).first().waitFor()
  const runId = page.url().split('/runs/')[1]!.split(/[?#]/)[0]!
  const run = await system.ended(runId)
  expect(run.inputs).toEqual({ level: 7 })
  expect(errors).toEqual([])
  expect(run.origin?.cause).toMatchObject({ case: 'schedule', value: { name: 'often' } })
}, 180_000)
