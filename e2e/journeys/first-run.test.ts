// From an empty machine to a green run, as the first person does it: the set-up link, an account, the sample, Run.
import type { Browser, Locator } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newPerson, startBrowser } from '../setup/browser.ts'
import { type System, startSystem } from '../setup/system.ts'
import { waitFor } from '../setup/wait-for.ts'

const agentToken = 'first-run-'.repeat(4)
let system: System
let browser: Browser
beforeAll(async () => {
  system = await startSystem({ empty: true, env: { ANSFLOW_LOCAL_AGENT_TOKEN: agentToken } })
  system.startLocalAgent(agentToken)
  browser = await startBrowser()
})
afterAll(async () => {
  await browser?.close()
  await system?.[Symbol.asyncDispose]()
})

test('the set-up link leads to a green run of the sample', async () => {
  const link = await waitFor(() => /http:\S+\/setup#\S+/.exec(system.output)?.[0], {
    what: 'the set-up link is printed',
  })
  const { page, errors } = await newPerson(browser, system.url, { motion: true })
  let clicks = 0
  let fields = 0
  const click = async (target: Locator) => {
    await target.click()
    clicks++
  }
  const fill = async (name: string, text: string) => {
    await page.locator(`input[name="${name}"]`).fill(text)
    fields++
  }
  const began = performance.now()
  const seconds = () => ((performance.now() - began) / 1000).toFixed(1)

  await page.goto(link)
  await fill('organization', 'Example')
  await fill('name', 'Ada Lovelace')
  await fill('email', 'ada@example.test')
  await fill('new-password', 'correct horse battery')
  await click(page.getByRole('button', { name: 'Continue' }))

  await page.getByText('Online', { exact: true }).waitFor()
  const online = seconds()
  await click(page.getByRole('button', { name: 'Continue' }))
  await click(page.getByRole('button', { name: 'Open the sample' }))

  await page.getByTestId('pipeline-editor').waitFor()
  await page.locator('[data-testid^="node-"]').first().waitFor()
  const drawn = seconds()
  await click(page.getByTestId('run-button'))
  await page.locator('[data-testid="run-bar"][data-st="succeeded"]').waitFor({ timeout: 60_000 })
  const green = seconds()
  await page.getByTestId('next-steps').waitFor()
  await page.getByTestId('next-steps-close').click()

  const words = await page
    .locator('.step[data-testid^="node-"]')
    .evaluateAll((nodes) => nodes.map((node) => node.dataset.st))
  expect(words.length).toBeGreaterThan(2)
  expect(words.filter((word) => !/^(succeeded|skipped|warning)$/.test(word ?? ''))).toEqual([])

  await page.getByTestId('run-link').click()
  await page.locator('[data-testid="run-status"][data-status="SUCCEEDED"]').waitFor()
  await page.locator('[data-testid="log-rows"] [data-line]').first().waitFor()

  console.log(
    `first run: agent online after ${online} s, sample drawn after ${drawn} s, green after ${green} s; ${clicks} clicks, ${fields} fields`,
  )
  expect(clicks).toBeLessThanOrEqual(4)
  expect(fields).toBeLessThanOrEqual(4)
  expect(errors).toEqual([])
})

test('the set-up link is worth nothing afterwards', async () => {
  const { page } = await newPerson(browser, system.url, { motion: true })
  await page.goto(/http:\S+\/setup#\S+/.exec(system.output)?.[0] ?? '')
  await page.getByText('This server has an admin already.').waitFor()
})
