// A pipeline that starts when another one has ended, not with tokens, and whose steps inherit: all of it drawn in the form.
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

const build = 'name: build\noutputs: { version: "v${{ run.number }}" }\nsteps:\n  a: { run: "echo built" }\n'
const deploy = `name: deploy
inputs: { version: { type: string, default: none } }
steps:
  ship: { run: "echo $VERSION", env: { VERSION: "\${{ inputs.version }}" } }
`
const texts = {
  en: { pipeline: 'Pipeline', timeout: 'From the defaults: 7m' },
  'zh-CN': { pipeline: '流水线', timeout: '来自默认值：7m' },
}

test.each(['en', 'zh-CN'] as const)(
  'a run of one pipeline starts the other, tokens do not, and a step shows what it inherits (%s)',
  async (locale) => {
    const say = texts[locale]
    const { project } = await system.api.projects.createProject({ name: `Triggers ${locale}` })
    const apply = async (yaml: string) =>
      (await system.api.pipelines.applyPipeline({ projectId: project!.id, yaml, publish: true })).pipeline!.id
    const [buildId, deployId] = [await apply(build), await apply(deploy)]
    const { page, errors } = await newPerson(browser, system.url, { locale })
    await signIn(page, admin)
    await page.goto(`/p/${project!.slug}/pipelines/${deployId}/edit`)

    await page.getByTestId('run-trigger-add').click()
    const trigger = page.getByTestId('run-trigger-0')
    expect(await trigger.getByLabel(say.pipeline, { exact: true }).inputValue()).toBe('build')
    await trigger.locator('summary').click()
    await trigger.locator('.fresh').fill('version')
    await trigger.locator('.fresh').press('Enter')
    await trigger.locator('.value').last().fill('${{ outputs.version }}')
    await page.keyboard.press('Tab')
    await page.getByTestId('trigger-api').click()
    const timeout = page.getByTestId('inspector-field-defaults.timeout').getByRole('textbox')
    await timeout.fill('7m')
    await timeout.press('Enter')
    const draft = async () => (await system.api.pipelines.getPipeline({ pipelineId: deployId })).yaml
    await waitFor(async () => /outputs\.version[\s\S]*api: false[\s\S]*timeout: 7m/.test(await draft()), {
      what: 'the file says it',
    })
    await page.getByTestId('node-ship').click()
    await page.getByTestId('inspector-tab-reliability').click()
    await page.getByTestId('inherited').getByText(say.timeout).waitFor()
    await system.api.pipelines.publishPipeline({ pipelineId: deployId })
    await expect(system.start(deployId)).rejects.toThrow('api: false')

    await page.goto(`/p/${project!.slug}/pipelines/${deployId}/triggers`)
    const row = page.getByTestId('run-trigger')
    await row.waitFor()
    await system.ended(await system.start(buildId))
    await row.getByRole('link').click({ timeout: 30_000 })
    await page.getByTestId('to-parent').getByText('build #1').waitFor()
    const run = await system.ended(page.url().split('/runs/')[1]!.split(/[?#]/)[0]!)
    expect(run.inputs).toEqual({ version: 'v1' })
    expect(errors).toEqual([])
  },
  120_000,
)
