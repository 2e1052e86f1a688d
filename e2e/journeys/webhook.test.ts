// A pipeline with an address: its webhook is made in the form and published, its secret shown once, and what is posted starts runs.
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

const yaml = `name: hooked
inputs: { ref: { type: string, default: none } }
steps:
  a: { run: "echo $REF", env: { REF: "\${{ inputs.ref }}" } }
`
const texts = {
  en: {
    started: 'Run started',
    filtered: 'Not taken by the condition',
    refused: 'Refused',
    why: 'Whether it starts a run cannot be said',
    rotate: 'Make a new secret',
  },
  'zh-CN': {
    started: '已启动运行',
    filtered: '不符合条件',
    refused: '已拒绝',
    why: '无法判断是否启动运行',
    rotate: '更换密钥',
  },
}

async function post(address: string, body: unknown): Promise<number> {
  const headers = { 'content-type': 'application/json' }
  return (await fetch(address, { method: 'POST', headers, body: JSON.stringify(body) })).status
}

test.each(['en', 'zh-CN'] as const)(
  'a webhook is drawn, published, posted to, and given another secret (%s)',
  async (locale) => {
    const say = texts[locale]
    const { project } = await system.api.projects.createProject({ name: `Hook ${locale}` })
    const applied = await system.api.pipelines.applyPipeline({ projectId: project!.id, yaml, publish: true })
    const pipelineId = applied.pipeline!.id
    const { page, errors } = await newPerson(browser, system.url, { locale })
    await signIn(page, admin)
    await page.goto(`/p/${project!.slug}/pipelines/${pipelineId}/edit`)
    const editor = page.getByTestId('webhook-editor')
    await editor.getByTestId('webhook-on').click()
    const filter = page.getByTestId('inspector-field-on.webhook.filter').getByRole('textbox')
    await filter.fill('body.ref != "skip"')
    await filter.press('Tab')
    const inputs = page.getByTestId('inspector-field-on.webhook.inputs')
    await inputs.locator('.fresh').fill('ref')
    await inputs.locator('.fresh').press('Enter')
    await inputs.locator('.value input, input.value, .value').last().fill('${{ body.ref }}')
    await page.keyboard.press('Tab')
    const draft = async () => (await system.api.pipelines.getPipeline({ pipelineId })).yaml
    await waitFor(async () => /filter[\s\S]*body\.ref \}\}/.test(await draft()), { what: 'the file says it' })
    await system.api.pipelines.publishPipeline({ pipelineId })

    await page.goto(`/p/${project!.slug}/pipelines/${pipelineId}/triggers`)
    await page.getByTestId('webhook-make').click()
    const address = (await page.getByTestId('webhook-address').locator('code').textContent())!
    expect(await post(address, { ref: 'main' })).toBe(202)
    expect(await post(address, { ref: 'skip' })).toBe(200)
    expect(await post(address, {})).toBe(400)
    const deliveries = page.getByTestId('delivery')
    await page.reload()
    await deliveries.filter({ hasText: say.filtered }).waitFor()
    await deliveries.filter({ hasText: say.refused }).getByText(say.why).waitFor()
    // The secret is not shown again.
    expect(await page.content()).not.toContain(address.split('/').at(-1)!)
    await deliveries.getByRole('link', { name: say.started }).click()
    await page.getByTestId('run-status').waitFor()
    const runId = page.url().split('/runs/')[1]!.split(/[?#]/)[0]!
    const run = await system.ended(runId)
    expect(run.inputs).toEqual({ ref: 'main' })
    expect(run.origin?.cause.case).toBe('webhook')

    await page.goBack()
    await page.getByTestId('webhook-rotate').click()
    await page.getByRole('dialog').getByRole('button', { name: say.rotate }).click()
    await page.getByTestId('webhook-address').waitFor()
    expect(await post(address, { ref: 'main' })).toBe(404)
    expect(await post((await page.getByTestId('webhook-address').locator('code').textContent())!, { ref: 'x' })).toBe(
      202,
    )
    expect(errors).toEqual([])
  },
  120_000,
)
