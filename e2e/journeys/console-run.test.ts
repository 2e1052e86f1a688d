// The page of a run, as somebody uses it who watches one go and then looks for why another failed.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RunStatus } from '@ansflow/proto/status'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newPerson, signIn, signInByForm, startBrowser } from '../setup/browser.ts'
import { admin, type System, startSystem } from '../setup/system.ts'
import { waitFor } from '../setup/wait-for.ts'

let system: System
let browser: Browser
let watched: string
let broken: string
let gate: string
beforeAll(async () => {
  system = await startSystem()
  browser = await startBrowser()
  gate = join(system.folder, 'gate')
  const tick = `n=0; while [ ! -f ${gate} ]; do n=$((n+1)); echo "tick $n"; sleep 0.05; done`
  watched = `name: watched
steps:
  prepare: { run: echo prepared }
  slow: { needs: [prepare], run: '${tick}' }
  beside: { name: Beside it, needs: [prepare], run: '${tick}; sleep 60' }
  after: { needs: [slow, beside], run: echo never }
`
  broken = `name: broken
inputs: { channel: { type: string, default: stable } }
steps:
  fetch: { run: echo fetched }
  style: { needs: [fetch], allowFailure: true, run: echo two remarks; exit 1 }
  build:
    needs: [fetch]
    retry: { max: 1, delay: 0s }
    run: |
      if [ ! -f .tried ]; then touch .tried; echo first try; exit 1; fi
      printf '\\033[32mgreen words\\033[0m\\n'
      for i in $(seq 1 400); do echo "line $i of the build, $((i * 7))"; done
      echo "error: the tank leaks $(seq -s ' ' 1 200)"
      exit 3
  report: { needs: [build], run: echo never }
`
}, 60_000)
afterAll(async () => {
  await browser?.close()
  await system?.[Symbol.asyncDispose]()
})

const panelTitle = (page: Page) => page.getByTestId('step-panel').locator('h2')
/** Waits until the whole of it lies within the part of the area that is seen. */
async function inView(page: Page, area: string, selected: string): Promise<void> {
  let last = ''
  await waitFor(
    async () => {
      const [outer, inner] = await Promise.all([area, selected].map((id) => page.getByTestId(id).boundingBox()))
      last = JSON.stringify({ outer, inner })
      if (!outer || !inner) return false
      const across = inner.x >= outer.x && inner.x + inner.width <= outer.x + outer.width
      return across && inner.y >= outer.y && inner.y + inner.height <= outer.y + outer.height
    },
    { what: `${selected} is in view`, detail: () => last },
  )
}
const logLine = (page: Page, text: string) => page.getByTestId('log-rows').getByText(text, { exact: true })

test('a run that goes on is watched, steered and ended', { timeout: 60_000 }, async () => {
  const { pipelineId } = await system.pipeline(watched)
  const { page, context, errors } = await newPerson(browser, system.url, { motion: true })
  await signIn(page, admin)
  // Another window shows the first page, which follows without asking again and again.
  const home = await context.newPage()
  await home.goto('/')
  await home.locator('[data-kind="live"]').waitFor()
  let asked = 0
  home.on('request', (request) => {
    if (request.url().endsWith('/ListRuns')) asked++
  })
  const runId = await system.start(pipelineId)
  const shownRun = home.getByRole('region', { name: 'Running now' }).getByRole('link', { name: /watched #1$/ })
  await shownRun.waitFor()
  await page.goto(`/runs/${runId}`)

  // It opens at what runs and stays there although another runs beside it; what waits says for what.
  await waitFor(async () => (await page.locator('[data-testid^="run-node-"][data-st="running"]').count()) === 2, {
    what: 'both slow steps run',
  })
  expect(await panelTitle(page).textContent()).toBe('slow')
  await page.getByTestId('run-step-after').getByText('Waits for slow, Beside it').waitFor()
  await page.waitForFunction(() => document.title === '#1 watched · Running · AnsFlow')
  expect(await page.locator('link[rel="icon"]').getAttribute('href')).toContain('data:image/svg+xml')

  // The log grows under the reader's eyes until they scroll up, then it counts what is new.
  const rows = page.getByTestId('log-rows')
  await waitFor(async () => rows.evaluate((element) => element.scrollHeight > element.clientHeight + 200), {
    what: 'the log is longer than the window',
  })
  await rows.hover()
  await page.mouse.wheel(0, -300)
  await page
    .getByTestId('log-follow')
    .getByText(/\d+ new lines?/)
    .waitFor()
  await page.getByTestId('log-follow').click()
  await page.getByTestId('log-follow').waitFor({ state: 'detached' })
  expect(
    await rows.evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight),
  ).toBeLessThan(60)

  // Keys: steps, views, and a question before anything is done.
  await page.keyboard.press('j')
  await page.waitForURL(/step=beside/)
  await page.keyboard.press('k')
  await page.waitForURL(/step=slow/)
  await page.keyboard.press('w')
  await page.getByTestId('waterfall-beside').locator('[data-st="running"]').first().waitFor()
  await page.keyboard.press('t')
  await page.getByTestId('run-graph').waitFor({ state: 'detached' })
  await page.keyboard.press('g')
  await page.getByTestId('run-graph').waitFor()
  await page.keyboard.press('x')
  const dialog = page.getByRole('dialog', { name: 'Cancel run #1?' })
  await dialog.waitFor()
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'detached' })
  await page.keyboard.press('?')
  await page.getByRole('dialog').getByText('Next failed step').waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })

  // A chosen step stays chosen when it ends.
  await writeFile(gate, '')
  await page.locator('[data-testid="run-node-slow"][data-st="succeeded"]').waitFor()
  expect(await panelTitle(page).textContent()).toBe('slow')
  await page.getByTestId('cancel-run').click()
  await page.locator('[data-testid="run-status"][data-status="CANCELED"]').waitFor()
  await page.getByText('canceled by owner', { exact: true }).waitFor()
  await home.getByText('Finished in the last 10 minutes').waitFor()
  await home.getByText('Nothing is running').waitFor()
  // Read once more at most, by two calls, when it began to follow.
  expect(asked).toBeLessThanOrEqual(2)
  await home.close()

  await page.getByTestId('rerun').click()
  await page.waitForURL((url) => url.pathname.startsWith('/runs/') && !url.pathname.endsWith(runId))
  await page.getByText('repeats another run').waitFor()
  await page.keyboard.press('x')
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel the run' }).click()
  await page.locator('[data-testid="run-status"][data-status="CANCELED"]').waitFor()
  expect(errors).toEqual([])
})

test('a failed run says why, and its log is searched, linked, copied and saved', { timeout: 60_000 }, async () => {
  const { pipelineId } = await system.pipeline(broken)
  const runId = await system.start(pipelineId)
  expect((await system.ended(runId)).status).toBe(RunStatus.FAILED)
  await system.wholeLog(runId, 'build')
  const { page, errors } = await newPerson(browser, system.url)
  await signIn(page, admin)
  await page.goto(`/runs/${runId}`)

  // What, why, what now. A failure that was allowed is none.
  const cause = page.getByTestId('cause-card')
  await cause.getByText('Exit code 3').waitFor()
  await cause.getByText(/^\s*402error: the tank leaks/).waitFor()
  await cause.getByText('It is the first run of this pipeline').waitFor()
  expect(await page.getByTestId('run-step-style').locator('svg').first().getAttribute('data-st')).toBe('warning')
  await page.getByTestId('jump-to-error').click()
  await page.waitForURL(/step=build#L402$/)
  await page.locator('.line.chosen [data-line="402"]').waitFor()

  // Attempts are tabs.
  await page.getByRole('tab', { name: 'Try 1' }).click()
  await logLine(page, 'first try').waitFor()
  await page.getByRole('tab', { name: 'Try 2' }).click()
  await page.keyboard.press('f')
  await page.waitForURL((url) => !url.searchParams.has('attempt') && url.searchParams.get('step') === 'build')

  // Search over the whole log.
  await page.getByTestId('log-rows').focus()
  await page.keyboard.press('Control+f')
  await page.keyboard.type('line 39')
  const hits = page.getByTestId('log-hits')
  await hits.getByText('1 / 11').waitFor()
  await page.keyboard.press('Enter')
  await hits.getByText('2 / 11').waitFor()
  await logLine(page, 'line 39').first().waitFor()
  await page.getByTestId('log-previous').click()
  await page.getByTestId('log-previous').click()
  await hits.getByText('11 / 11').waitFor()
  await page.getByTestId('log-next').click()
  await hits.getByText('1 / 11').waitFor()
  await page.getByTestId('log-regex').click()
  await page.getByTestId('log-search').locator('input').fill('^LINE 39[01] ')
  await hits.getByText('1 / 2').waitFor()
  await page.getByTestId('log-case').click()
  await hits.getByText('0', { exact: true }).waitFor()
  await page.getByTestId('log-case').click()
  await page.getByTestId('log-search').locator('input').fill('line (')
  await page.getByTestId('step-panel').getByRole('alert').waitFor()
  await page.keyboard.press('Escape')

  // Lines have addresses, alone and as a range, and survive a reload.
  await page.getByTestId('log-rows').focus()
  await page.keyboard.press('Home')
  await page.locator('[data-line="3"]').click()
  await page.waitForURL(/#L3$/)
  await page.locator('[data-line="6"]').click({ modifiers: ['Shift'] })
  await page.waitForURL(/#L3-L6$/)
  await page.getByTestId('log-copy').click()
  await waitFor(
    async () =>
      (await page.evaluate(() => navigator.clipboard.readText())) ===
      [2, 3, 4, 5].map((i) => `line ${i} of the build, ${i * 7}\n`).join(''),
    { what: 'the range is in the clipboard' },
  )
  await page.goto(`/runs/${runId}?step=build#L200-L202`)
  await page.reload()
  await waitFor(async () => (await page.locator('.line.chosen').count()) === 3, { what: 'the range is shown' })

  // Colours, the end, wrapping, times, the whole width, the file.
  await page.getByTestId('log-rows').focus()
  await page.keyboard.press('Home')
  await page.locator('.ansi-green').getByText('green words').waitFor()
  await page.keyboard.press('Shift+G')
  const longest = page.locator('.line').filter({ has: page.locator('[data-line="402"]') })
  await longest.waitFor()
  expect((await longest.boundingBox())?.height).toBe(20)
  await page.getByTestId('log-wrap').click()
  await waitFor(async () => ((await longest.boundingBox())?.height ?? 0) > 30, { what: 'the long line is wrapped' })
  const inside = await page.getByTestId('log-rows').evaluate((element) => element.scrollWidth <= element.clientWidth)
  expect(inside).toBe(true)
  await page.getByTestId('log-wrap').click()
  await page.getByTestId('log-time').click()
  await page.getByTestId('log-time').click()
  await page.locator('.line .time').first().waitFor({ state: 'detached' })
  await page.keyboard.press('Shift+F')
  await page.getByTestId('step-list').waitFor({ state: 'detached' })
  await page.getByTestId('log-wide').click()
  await page.getByTestId('step-list').waitFor()
  const download = page.waitForEvent('download')
  await page.getByTestId('log-download').click()
  expect((await download).suggestedFilename()).toMatch(/build.*\.(log|txt)$/)
  expect(errors).toEqual([])
})

test('what is selected is in view, in each view, at any width', { timeout: 60_000 }, async () => {
  const chain = Array.from({ length: 12 }, (_, i) => `  c${i}: { needs: [${i === 0 ? '' : `c${i - 1}`}], run: 'true' }`)
  const fan = Array.from({ length: 24 }, (_, i) => `  f${i}: { needs: [c0], run: 'true' }`)
  const { pipelineId } = await system.pipeline(`name: wide\nsteps:\n${[...chain, ...fan].join('\n')}\n`)
  const runId = await system.start(pipelineId)
  await system.ended(runId)
  const { page, errors } = await newPerson(browser, system.url)
  await signIn(page, admin)
  await page.goto(`/runs/${runId}?step=c11`)
  await inView(page, 'run-graph', 'run-node-c11')
  await page.keyboard.press('Shift+F')
  await page.getByTestId('run-graph').waitFor({ state: 'detached' })
  await page.keyboard.press('Shift+F')
  await inView(page, 'run-graph', 'run-node-c11')
  await page.setViewportSize({ width: 1000, height: 700 })
  await inView(page, 'run-graph', 'run-node-c11')
  await page.goto(`/runs/${runId}?step=f22`)
  await inView(page, 'run-graph', 'run-node-f22')
  await inView(page, 'step-list', 'run-step-f22')
  await page.keyboard.press('j')
  await page.waitForURL(/step=f23/)
  await inView(page, 'run-graph', 'run-node-f23')
  await inView(page, 'step-list', 'run-step-f23')
  await page.keyboard.press('w')
  await inView(page, 'run-waterfall', 'waterfall-f23')
  expect(errors).toEqual([])
})

test('the first page starts a pipeline and begins a new one', { timeout: 60_000 }, async () => {
  const { pipelineId } = await system.pipeline('name: quick\nsteps:\n  hello: { run: echo hello }\n', 'Tools')
  await system.api.projects.createProject({ name: 'Other' })
  await system.ended(await system.start(pipelineId))
  const { page, context, errors } = await newPerson(browser, system.url)
  await signInByForm(page, admin)
  await page.getByTestId('home-run').press('Enter')
  await page.getByText('Tools / quick', { exact: true }).click()
  await page.getByTestId('start-run-confirm').click()
  await page.waitForURL(/\/runs\//)
  await page.locator('[data-testid="run-status"][data-status="SUCCEEDED"]').waitFor()
  await page.goto('/')
  await page.getByTestId('home-new').click()
  await page.locator('.n-dropdown-option').getByText('Tools', { exact: true }).click()
  await page.waitForURL(/\/p\/tools\/pipelines/)
  await page.getByRole('dialog').waitFor()
  expect(errors).toEqual([])
  await context.close()
})
