// What a run would do is seen on the canvas before it runs: the order, what would not run and why, and each expression's value.
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newPerson, signIn, startBrowser } from '../setup/browser.ts'
import { admin, type System, startSystem } from '../setup/system.ts'
import { Editor } from './editor.ts'

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

const texts = {
  en: {
    four: '4 steps would run',
    three: '3 steps would run',
    skipped: "Its condition was false: inputs.level == 'high'",
    known: 'Known only when Build has ended',
    main: 'Main',
  },
  'zh-CN': {
    four: '会运行 4 步',
    three: '会运行 3 步',
    skipped: "条件不成立：inputs.level == 'high'",
    known: 'Build 结束后才可知',
    main: 'Main',
  },
}

test.each(['en', 'zh-CN'] as const)(
  'the draft is explained on its canvas (%s)',
  { timeout: 90_000 },
  async (locale) => {
    const say = texts[locale]
    const { pipelineId } = await system.pipeline(`name: explained-${locale.toLowerCase()}
inputs: { level: { type: choice, options: [low, high], default: low } }
steps:
  build: { name: Build, run: 'echo v=1 >> "$ANSFLOW_OUTPUT"', outputs: [v] }
  test: { name: Test, needs: [build], run: 'echo \${{ steps.build.outputs.v }} \${{ run.trigger }}' }
  deep: { name: Deep, needs: [build], when: "\${{ inputs.level == 'high' }}", run: echo deep }
  grid: { name: Grid, needs: [build], run: 'echo \${{ matrix.n }}', matrix: { n: [1, 2, 3] } }
  main: { name: Main, needs: [test], when: "\${{ git.branch == 'main' }}", run: echo main }
`)
    const { page, errors } = await newPerson(browser, system.url, { locale })
    await signIn(page, admin)
    const editor = new Editor(page)
    await editor.open('test', pipelineId)
    await page.getByTestId('explain-button').click()
    const result = page.getByTestId('explain-result')
    await result.getByText(say.three, { exact: true }).waitFor()
    expect(await page.getByTestId('wave-build').textContent()).toBe('1')
    expect(await page.getByTestId('wave-grid').textContent()).toBe('2')
    await page.getByTestId('why-deep').getByText(say.skipped).waitFor()
    expect(await page.getByTestId('wave-main').count()).toBe(0)

    // Another event, another answer.
    await page.getByTestId('explain-branch').locator('input').fill('main')
    await result.getByText(say.four, { exact: true }).waitFor()
    await page.getByTestId('wave-main').getByText('3', { exact: true }).waitFor()
    const panel = page.getByTestId('explain-panel')
    await panel.getByTestId('explain-step-main').click()
    await panel.getByTestId('explained-when').getByText('true', { exact: true }).waitFor()
    await page.getByTestId('node-test').click()
    await panel.getByTestId('explained-with.script').getByText(say.known).waitFor()
    await panel.getByTestId('explained-with.script').getByText('"manual"', { exact: true }).waitFor()
    await page.getByTestId('node-grid').click()
    expect(await panel.getByTestId('explain-copies').locator('.copy').count()).toBe(3)

    await page.getByTestId('explain-close').click()
    await page.getByTestId('wave-build').waitFor({ state: 'detached' })
    expect((await system.api.runs.listRuns({ pipelineId })).runs).toEqual([])
    expect(errors).toEqual([])
  },
)

test.each(['en', 'zh-CN'] as const)('a draft that cannot run is not asked about, until it can (%s)', async (locale) => {
  const { projectId } = await system.pipeline('name: other\nsteps: { a: { run: "true" } }\n')
  const { pipeline } = await system.api.pipelines.createPipeline({ projectId, name: `empty-${locale.toLowerCase()}` })
  const { page, errors } = await newPerson(browser, system.url, { locale })
  const asked: number[] = []
  page.on('response', (response) => {
    if (response.url().endsWith('/ExplainRun')) asked.push(response.status())
  })
  await signIn(page, admin)
  const editor = new Editor(page)
  await editor.open('test', pipeline!.id)
  await page.getByTestId('explain-button').click()
  const fault = page.getByTestId('explain-fault')
  await fault.getByText(locale === 'en' ? 'The pipeline has no steps.' : '流水线还没有步骤').waitFor()
  const yaml = `name: empty-${locale.toLowerCase()}\nsteps: { a: { run: "true" } }\n`
  await system.api.pipelines.applyPipeline({ projectId, yaml })
  await page.getByTestId('wave-a').waitFor()
  expect(await fault.count()).toBe(0)
  expect(asked.every((status) => status === 200)).toBe(true)
  expect(errors).toEqual([])
})
