import { setTimeout as pause } from 'node:timers/promises'
import type { Browser, Page } from 'playwright-core'
import { signIn, startBrowser } from '../../setup/browser.ts'
import { admin, type System } from '../../setup/system.ts'
import { measurement } from '../measurement.ts'
import { percentile } from '../statistics.ts'
import { rowsOf300 } from './collab.ts'

/** What a page notes, by the page's own clock, which counts from the same moment as all others here. */
interface Notes {
  pressed: number[]
  received: number[]
  drawn: number[]
}
declare global {
  interface Window {
    notes: Notes
  }
}

export const canvas = measurement({
  name: 'canvas',
  what: 'Two pages in Chromium with the canvas of a pipeline of 300 steps: from a key that switches a step off or on until each page has drawn it.',
  needs: 'chromium-headless-shell',
  figures: {
    own: { what: 'key to drawn on the own page, p50', unit: 'ms', better: 'less' },
    socket: { what: 'key to the other page’s socket, p50', unit: 'ms', better: 'less' },
    other: { what: 'key to drawn on the other page, p50', unit: 'ms', better: 'less' },
    other95: { what: 'key to drawn on the other page, p95', unit: 'ms', better: 'less' },
  },
  async run(context) {
    const system = await context.system()
    const { pipelineId, projectId } = await system.pipeline(rowsOf300('canvas'))
    const slug = (await system.api.projects.getProject({ projectId })).project?.slug ?? ''
    const path = `/p/${slug}/pipelines/${pipelineId}/edit`
    const browser = await startBrowser()
    try {
      const pages = [await open(system, browser, path), await open(system, browser, path)] as const
      const samples = await press(...pages, context.times(100, 10))
      return {
        own: { value: percentile(samples.own, 0.5) },
        socket: { value: percentile(samples.socket, 0.5) },
        other: { value: percentile(samples.other, 0.5) },
        other95: { value: percentile(samples.other, 0.95) },
      }
    } finally {
      await browser.close()
    }
  },
})

async function open(system: System, browser: Browser, path: string): Promise<Page> {
  const context = await browser.newContext({
    baseURL: system.url,
    viewport: { width: 1440, height: 900 },
    locale: 'en',
  })
  const page = await context.newPage()
  await page.addInitScript(takeNotes)
  await signIn(page, admin)
  await page.goto(path)
  await page.locator('[data-testid="saved-label"][data-state="saved"]').waitFor()
  await page.getByTestId('node-s0').waitFor()
  return page
}

/** Runs in the page. */
function takeNotes(): void {
  const notes: Notes = { pressed: [], received: [], drawn: [] }
  window.notes = notes
  const stamp = () => performance.timeOrigin + performance.now()
  window.addEventListener('keydown', (event) => notes.pressed.push(performance.timeOrigin + event.timeStamp), true)
  const send = WebSocket.prototype.send
  const known = new WeakSet<WebSocket>()
  WebSocket.prototype.send = function listenAndSend(data) {
    if (!known.has(this)) {
      known.add(this)
      this.addEventListener('message', ({ data: bytes }) => {
        if (!(bytes instanceof ArrayBuffer)) return
        // The first byte of a change to the document is 0, the second 2.
        const [frame, kind] = new Uint8Array(bytes, 0, 2)
        if (frame === 0 && kind === 2) notes.received.push(stamp())
      })
    }
    send.call(this, data)
  }
  new MutationObserver((changes) => {
    const step = document.querySelector('[data-testid="node-s0"]')
    if (changes.some(({ target }) => target === step)) notes.drawn.push(stamp())
  }).observe(document, { subtree: true, attributes: true, attributeFilter: ['class'] })
}

/** One key, one field of the document, one class of one node. */
async function press(one: Page, other: Page, times: number) {
  await one.getByTestId('node-s0').click({ position: { x: 90, y: 12 } })
  await other.locator('[data-testid="node-s0"][data-who]').waitFor()
  await one.getByTestId('canvas').focus()
  const samples = { own: [] as number[], socket: [] as number[], other: [] as number[] }
  for (let n = 0; n < times; n++) {
    for (const page of [one, other]) {
      await page.evaluate(() => {
        for (const list of Object.values(window.notes)) list.length = 0
      })
    }
    await one.keyboard.press('e')
    for (const page of [one, other]) await page.waitForFunction(() => window.notes.drawn.length > 0)
    const [here, there] = await Promise.all([one, other].map((page) => page.evaluate(() => window.notes)))
    const pressed = here?.pressed[0] ?? Number.NaN
    samples.own.push((here?.drawn[0] ?? Number.NaN) - pressed)
    samples.socket.push((there?.received[0] ?? Number.NaN) - pressed)
    samples.other.push((there?.drawn[0] ?? Number.NaN) - pressed)
    // As somebody who works.
    await pause(30 + (n % 7) * 5)
  }
  return samples
}
