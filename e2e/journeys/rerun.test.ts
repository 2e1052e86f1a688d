// A part of a run again: what failed, from a step, or one step alone; what is not run again is seen as it was, with its log; what
// cannot be is said, and what would do instead is one click.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RunStatus } from '@ansflow/proto/status'
import type { Browser, Page } from 'playwright-core'
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

const texts = {
  en: {
    reused: 'reused',
    count: '1 step reused',
    from: 'Reused from run #1',
    refused: 'Step Fetch has read word, which is to change, so what it has made cannot be reused. Run from it.',
    instead: 'Run from Fetch too',
  },
  'zh-CN': {
    reused: '沿用',
    count: '沿用 1 个步骤',
    from: '沿用自运行 #1',
    refused: '步骤 Fetch 读取了要修改的 word，其结果不能沿用。请从它重跑。',
    instead: '改为也从 Fetch 重跑',
  },
}

/** The run that the page shows, once it is another one. */
async function nextRun(page: Page, before: string): Promise<string> {
  await page.waitForURL((url) => /^\/runs\//.test(url.pathname) && !url.pathname.endsWith(before))
  return new URL(page.url()).pathname.split('/').at(-1)!
}

/** A refusal is an answer of 400, of which the browser tells on its console. */
const unexpected = (errors: readonly string[]) => errors.filter((text) => !/status of 400/.test(text))

test.each(['en', 'zh-CN'] as const)(
  'a failed part, from a step, and one alone (%s)',
  { timeout: 120_000 },
  async (locale) => {
    const say = texts[locale]
    const gate = join(system.folder, `gate-${locale}`)
    const { pipelineId } = await system.pipeline(`name: again-${locale.toLowerCase()}
inputs: { word: { type: string, default: first } }
steps:
  fetch: { name: Fetch, run: 'echo "got \${{ inputs.word }}" | tee got; echo "v=1" >> "$ANSFLOW_OUTPUT"', outputs: [v] }
  test: { name: Test, needs: [fetch], run: 'cat got; test -e ${gate}' }
  ship: { name: Ship, needs: [test], run: 'echo "ships \${{ steps.fetch.outputs.v }}"; cat got' }
`)
    const first = await system.start(pipelineId)
    expect((await system.ended(first)).status).toBe(RunStatus.FAILED)
    const { page, errors } = await newPerson(browser, system.url, { locale })
    await signIn(page, admin)
    await page.goto(`/runs/${first}`)
    await writeFile(gate, '')
    await page.getByTestId('rerun-failed-part').click()
    const second = await nextRun(page, first)
    expect((await system.ended(second)).status).toBe(RunStatus.SUCCEEDED)
    // What was not run is plainly another run's, its log in place.
    await page.getByTestId('run-node-fetch').getByText(say.reused, { exact: true }).waitFor()
    await page.getByTestId('reused-count').getByText(say.count, { exact: true }).waitFor()
    expect(await page.getByTestId('run-node-test').getByText(say.reused, { exact: true }).count()).toBe(0)
    await page.getByTestId('run-node-fetch').click()
    await page.getByTestId('step-panel').getByTestId('log-rows').getByText('got first', { exact: true }).waitFor()
    expect((await page.getByTestId('reused-note').textContent())?.trim()).toBe(say.from)
    expect(await system.log(second, 'fetch')).toContain('got first')
    // In the workspace that the first run has left.
    expect(await system.wholeLog(second, 'ship')).toContain('ships 1\ngot first')

    // With another input that a reused step has read: refused, and one click does what can be done.
    await page.getByTestId('run-node-ship').click()
    await page.getByTestId('step-rerun').click()
    await page.getByTestId('rerun-inputs').click()
    await page.getByTestId('rerun-input-word').locator('input').fill('second')
    await page.getByTestId('rerun-confirm').click()
    await page.getByTestId('rerun-refused').getByText(say.refused, { exact: true }).waitFor()
    await page.getByTestId('rerun-instead').getByText(say.instead, { exact: true }).click()
    const third = await nextRun(page, second)
    expect((await system.ended(third)).status).toBe(RunStatus.SUCCEEDED)
    expect(await system.wholeLog(third, 'ship')).toContain('got second')

    // From the graph: this step alone.
    await page.getByTestId('run-node-test').click({ button: 'right' })
    await page.getByTestId('rerun-alone').click()
    const alone = await nextRun(page, third)
    const ended = await system.ended(alone)
    expect(ended.steps.map(({ id, reused }) => [id, reused?.runNumber])).toEqual([
      ['fetch', 3],
      ['test', undefined],
    ])
    await page.getByTestId('reused-note').first().or(page.getByTestId('run-step-fetch')).first().waitFor()
    await page
      .locator('label')
      .filter({ hasText: locale === 'en' ? 'Waterfall' : '瀑布' })
      .click()
    await page.getByTestId('waterfall-fetch').getByText(say.reused, { exact: true }).waitFor()
    await page.getByTestId('reused-count').waitFor()
    expect(unexpected(errors)).toEqual([])
  },
)
