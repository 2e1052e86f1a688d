// A run that failed is laid beside the last green one; one that goes on says how long it may still take. In both languages.
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

const yaml = (script: string) =>
  `name: measured\ninputs: { level: { type: number, default: 1 } }\nsteps:\n  build: { run: "${script}" }\n`

test.each([
  {
    locale: 'en' as const,
    title: 'Since the last green run',
    same: 'Nothing has changed that AnsFlow knows of',
    left: /^about .* left$/,
  },
  { locale: 'zh-CN' as const, title: '自上次成功以来的变化', same: '没有变化', left: /^大约还需 / },
])(
  'what has changed since the last green run, and how long one takes ($locale)',
  async ({ locale, title, same, left }) => {
    const { projectId, pipelineId } = await system.pipeline(yaml('sleep 5'), `Compared ${locale}`)
    const green = await system.ended(await system.start(pipelineId))
    const { page, errors } = await newPerson(browser, system.url, { locale })
    await signIn(page, admin)
    await page.goto(`/runs/${green.id}`)
    await page.getByTestId('run-status').waitFor()
    expect(await page.getByTestId('compare-run').count()).toBe(0)

    await page.goto(`/runs/${(await system.ended(await system.start(pipelineId))).id}`)
    await page.getByTestId('compare-run').click()
    await page.getByTestId('compare-same').filter({ hasText: same }).waitFor()

    await system.api.pipelines.applyPipeline({ projectId, yaml: yaml('sleep 30; false'), publish: true })
    const runId = await system.start(pipelineId, { level: 2 })
    await page.goto(`/runs/${runId}`)
    await page.getByTestId('run-expected').filter({ hasText: left }).waitFor()
    await page.getByTestId('cancel-run').click()
    await system.ended(runId)
    await page.getByTestId('compare-run').click()
    const dialog = page.getByTestId('compare-dialog')
    await page.getByText(title).waitFor()
    await dialog.getByTestId('compare-graph').getByText('sleep 5 → sleep 30; false').waitFor()
    await dialog.getByTestId('compare-inputs').getByText('1 → 2').waitFor()
    expect(await dialog.getByTestId('compare-agents').count()).toBe(0)
    await dialog.getByRole('link').first().click()
    await page.waitForURL((url) => !url.pathname.includes(runId))
    expect(errors).toEqual([])
  },
  90_000,
)
