// Sizes that hurt: a graph and a run of 300 steps, and a log of 100,000 lines, as a person meets them.
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newPerson, signIn, startBrowser } from '../setup/browser.ts'
import { admin, type System, startSystem } from '../setup/system.ts'
import { waitFor } from '../setup/wait-for.ts'

const count = 300
const steps = Array.from({ length: count }, (_, i) => {
  const needs = i < 10 ? [] : [`s${i - 10}`, ...(i % 7 === 0 ? [`s${i - 9}`] : [])]
  return `  s${i}: { run: echo ${i}, needs: [${needs.join(', ')}] }`
})
const large = `name: large\nsteps:\n${steps.join('\n')}\n`
const lines = 100_000
const talkative = `name: talkative\nsteps:\n  talk:\n    run: |\n      seq -f 'line %06.0f of the log' 1 ${lines}\n`

let system: System
let browser: Browser
beforeAll(async () => {
  system = await startSystem({ slots: 4 })
  browser = await startBrowser()
})
afterAll(async () => {
  await browser?.close()
  await system?.[Symbol.asyncDispose]()
})

test('a pipeline of 300 steps opens, pans and zooms, and its run shows them all', { timeout: 300_000 }, async () => {
  const { pipelineId, projectId } = await system.pipeline(large)
  const slug = (await system.api.projects.getProject({ projectId })).project?.slug ?? ''
  const { page, errors } = await newPerson(browser, system.url)
  await signIn(page, admin)
  await page.goto(`/p/${slug}/pipelines/${pipelineId}/edit`)
  await page.locator('[data-testid="saved-label"][data-state="saved"]').waitFor()
  await waitFor(async () => (await page.locator('.vue-flow__node').count()) > 0, { what: 'steps are drawn' })

  const canvas = await page.getByTestId('canvas').boundingBox()
  await page.mouse.move((canvas?.x ?? 0) + 300, (canvas?.y ?? 0) + 300)
  const panned = await frames(page, async () => {
    for (let i = 0; i < 40; i++) await page.mouse.wheel(i < 20 ? 60 : -60, i % 2 ? 20 : -20)
  })
  const zoomed = await frames(page, async () => {
    await page.keyboard.down('Control')
    for (let i = 0; i < 20; i++) await page.mouse.wheel(0, i < 10 ? 60 : -60)
    await page.keyboard.up('Control')
  })
  await page.getByTestId('fit').click()
  await waitFor(async () => (await page.locator('.step[data-testid^="node-"]').count()) === count, {
    what: 'all steps are on the canvas',
  })
  const elements = await page.locator('[data-testid="canvas"] *').count()
  console.log(`canvas of ${count} steps: ${elements} elements; pan ${panned}; zoom ${zoomed}`)
  expect(elements).toBeLessThanOrEqual(6000)

  const began = performance.now()
  const runId = await system.start(pipelineId)
  await page.goto(`/runs/${runId}`)
  await page.getByTestId('run-graph').waitFor()
  await waitFor(async () => (await page.locator('[data-testid^="run-node-"]').count()) === count, {
    what: 'the run page shows all steps',
  })
  await page.locator('[data-testid="run-status"][data-status="SUCCEEDED"]').waitFor({ timeout: 240_000 })
  await waitFor(async () => (await page.locator('[data-testid^="run-node-"][data-st="succeeded"]').count()) === count, {
    what: 'every step is shown as succeeded',
  })
  console.log(`run of ${count} steps: ${((performance.now() - began) / 1000).toFixed(1)} s until shown as ended`)
  expect(errors).toEqual([])
})

test('a log of 100,000 lines jumps, searches and links with few rows in the page', { timeout: 180_000 }, async () => {
  const { pipelineId } = await system.pipeline(talkative)
  const runId = await system.start(pipelineId)
  await system.ended(runId)
  const { page, errors } = await newPerson(browser, system.url)
  await signIn(page, admin)
  await page.goto(`/runs/${runId}`)
  const rows = page.locator('[data-testid="log-rows"] [data-line]')
  const shows = async (line: number) => {
    await page
      .locator('[data-testid="log-rows"]')
      .getByText(`line ${String(line).padStart(6, '0')} of the log`)
      .waitFor()
    expect(await rows.count()).toBeLessThanOrEqual(200)
  }

  await rows.first().waitFor()
  await page.getByTestId('log-rows').focus()
  await page.keyboard.press('End')
  await shows(lines)
  await page.keyboard.press('Home')
  await shows(1)
  await page.getByTestId('log-search').locator('input').fill('line 054321')
  await shows(54_321)
  await page.getByTestId('log-hits').getByText('1 / 1').waitFor()

  await page.goto(`/runs/${runId}?step=talk#L77777`)
  await page.reload()
  await shows(77_777)
  expect(errors).toEqual([])
})

/** Times between frames while something happens, as one sentence. */
async function frames(page: Page, act: () => Promise<void>): Promise<string> {
  await page.evaluate(() => {
    const state = { times: [] as number[], on: true }
    Object.assign(window, { frameTimes: state })
    let last = performance.now()
    const tick = (now: number) => {
      state.times.push(now - last)
      last = now
      if (state.on) requestAnimationFrame(tick)
    }
    requestAnimationFrame(tick)
  })
  await act()
  const times = await page.evaluate(() => {
    const state = (window as unknown as { frameTimes: { times: number[]; on: boolean } }).frameTimes
    state.on = false
    return state.times.slice(1)
  })
  const sorted = times.toSorted((one, other) => one - other)
  const slow = (100 * times.filter((time) => time > 33).length) / Math.max(1, times.length)
  return `${times.length} frames, ${slow.toFixed(0)} % over 33 ms, p95 ${(sorted[Math.floor(sorted.length * 0.95)] ?? 0).toFixed(0)} ms`
}
