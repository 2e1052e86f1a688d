// What a run would do is seen on the canvas before it runs: the order, what would not run and why, and each expression's value.
import { RunStatus } from '@ansflow/proto/status'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newPerson, signIn, startBrowser } from '../setup/browser.ts'
import { admin, type System, startSystem } from '../setup/system.ts'
import { waitFor } from '../setup/wait-for.ts'
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
    unasked: 'The one before is true already',
    noTimes: 'no run has ended yet',
    since: 'without Deep, also Main',
    about: 'about',
    held: 'Waits for lock db-en: held by step hold of run #1 of holds-db-en',
  },
  'zh-CN': {
    four: '会运行 4 步',
    three: '会运行 3 步',
    skipped: "条件不成立：inputs.level == 'high'",
    known: 'Build 结束后才可知',
    main: 'Main',
    unasked: '前一项已成立',
    noTimes: '尚无结束的运行',
    since: '少跑“Deep”、多跑“Main”',
    about: '约',
    held: '等待锁 db-zh-cn：holds-db-zh-cn 的运行 #1 的步骤 hold 正在使用它',
  },
}

/** Steps of which a part is out of the canvas's frame, or under its tools. */
async function unseen({ canvas }: Editor): Promise<string[]> {
  return canvas.evaluate((frame) => {
    const { left, right, top, bottom } = frame.getBoundingClientRect()
    const tools = frame.querySelector('[role="toolbar"]')!.getBoundingClientRect()
    const nodes = [...frame.querySelectorAll('.vue-flow__node')].map((node) => node.getBoundingClientRect())
    return nodes
      .filter(
        (box) => box.left < left || box.right > right || box.top < top || box.bottom > Math.min(bottom, tools.top),
      )
      .map((box) => `${box.left},${box.top}`)
  })
}

test.each(['en', 'zh-CN'] as const)(
  'the draft is explained on its canvas (%s)',
  { timeout: 90_000 },
  async (locale) => {
    const say = texts[locale]
    const { pipelineId } = await system.pipeline(`name: explained-${locale.toLowerCase()}
inputs: { level: { type: choice, options: [low, high], default: low } }
steps:
  build: { name: Build, locks: [db-${locale.toLowerCase()}], run: 'echo v=1 >> "$ANSFLOW_OUTPUT"', outputs: [v] }
  test: { name: Test, needs: [build], run: 'echo \${{ steps.build.outputs.v }} \${{ run.trigger }}' }
  deep: { name: Deep, needs: [build], when: "\${{ inputs.level == 'high' }}", run: echo deep }
  grid: { name: Grid, needs: [build], run: 'echo \${{ matrix.n }}', matrix: { n: [1, 2, 3] } }
  main: { name: Main, needs: [test], when: "\${{ git.branch == 'main' && (run.trigger == 'manual' || inputs.level == 'high') }}", run: echo main }
`)
    const { page, errors } = await newPerson(browser, system.url, { locale })
    await signIn(page, admin)
    const editor = new Editor(page)
    await editor.open('test', pipelineId)
    const view = await editor.canvas.locator('.vue-flow__transformationpane').getAttribute('style')
    await page.getByTestId('explain-button').click()
    const result = page.getByTestId('explain-result')
    await result.getByText(say.three, { exact: true }).waitFor()
    // The times below take of the canvas, not of what was seen on it.
    await page.getByTestId('expected-time').waitFor()
    await expect.poll(() => unseen(editor)).toEqual([])
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
    // Taken apart, with what it reads; what nobody asks says why.
    const pieces = panel.getByTestId('explained-when').getByTestId('piece')
    await pieces.nth(1).getByText('"main"', { exact: true }).waitFor()
    const values = () => pieces.evaluateAll((all) => all.map((each) => each.getAttribute('data-value')))
    expect(await values()).toEqual(['true', 'true', 'true', 'true', 'unasked'])
    await pieces.nth(4).getByText(say.unasked).waitFor()
    await page.getByTestId('node-test').click()
    await panel.getByTestId('explained-with.script').getByText(say.known).waitFor()
    await panel.getByTestId('explained-with.script').getByText('"manual"', { exact: true }).waitFor()
    await page.getByTestId('node-grid').click()
    expect(await panel.getByTestId('explain-copies').locator('.copy').count()).toBe(3)

    const times = page.getByTestId('expected-time')
    await times.getByText(say.noTimes).waitFor()
    expect(await times.getByTestId('expected-build').getAttribute('data-takes')).toBe('unknown')
    expect(await page.getByTestId('explain-since').count()).toBe(0)

    await page.getByTestId('explain-close').click()
    await page.getByTestId('wave-build').waitFor({ state: 'detached' })
    await expect.poll(() => editor.canvas.locator('.vue-flow__transformationpane').getAttribute('style')).toBe(view)
    expect((await system.api.runs.listRuns({ pipelineId })).runs).toEqual([])

    // What has run tells how long it takes, and what is other now.
    for (let n = 0; n < 2; n++) await system.ended(await system.start(pipelineId, { level: 'high' }))
    await page.getByTestId('explain-button').click()
    await page.getByTestId('explain-since').getByText(say.since).waitFor()
    await page.getByTestId('explain-total').getByText(say.about).waitFor()
    expect(await times.getByTestId('expected-build').getAttribute('data-takes')).toBe('usual')
    expect(await times.getByTestId('expected-main').getAttribute('data-takes')).toBe('unknown')
    expect(await times.locator('.bar.critical').count()).toBeGreaterThan(1)
    await times.getByTestId('expected-build').click()
    await expect.poll(() => page.getByTestId('took-dot').count()).toBe(2)
    await times.getByTestId('expected-main').click()
    await pieces.nth(4).waitFor()
    expect(await page.getByTestId('explain-needs').getAttribute('data-value')).toBe('true')
    expect(await times.getByTestId('expected-build').locator('.queue').count()).toBe(0)

    // Somebody has the lock that it would want.
    const lock = `db-${locale.toLowerCase()}`
    const holder = await system.pipeline(`name: holds-${lock}\nsteps: { hold: { run: sleep 300, locks: [${lock}] } }\n`)
    const holding = await system.start(holder.pipelineId)
    await waitFor(async () => (await system.run(holding)).status === RunStatus.RUNNING, { what: 'the lock is held' })
    await page.getByTestId('explain-close').click()
    await page.getByTestId('explain-button').click()
    await times.getByText(say.held).waitFor()
    await times.getByTestId('expected-build').locator('.queue').waitFor()
    await times.getByTestId('expected-main').click()
    const folder = process.env.ANSFLOW_SCREENSHOTS
    for (const colorScheme of folder ? (['light', 'dark'] as const) : []) {
      await page.emulateMedia({ colorScheme })
      await page.screenshot({ path: `${folder}/explain.${locale}.${colorScheme}.png` })
    }
    await system.api.runs.cancelRun({ runId: holding })
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
