// Measures the live document on this machine: node e2e/bench/collab.ts [edits]. One person presses a key in one Chromium page,
// another page shows it; all clocks are one clock. Milliseconds; compare within a run only.
import { cpus, loadavg } from 'node:os'
import { collabFrame } from '@ansflow/proto/collab-frame'
import { projectShape, setStepField } from '@ansflow/proto/pipeline-doc'
import type { Browser, Page } from 'playwright-core'
import { WebSocket as NodeSocket } from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { signIn, startBrowser } from '../setup/browser.ts'
import { admin, type System, startSystem } from '../setup/system.ts'
import { waitFor } from '../setup/wait-for.ts'

const edits = Number(process.argv[2] ?? 200)
const now = () => performance.timeOrigin + performance.now()

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

console.log(`${cpus().length} CPUs, load ${loadavg()[0]?.toFixed(1)}, ${edits} edits, Node ${process.version}`)
const system = await startSystem({ slots: 0 })
const browser = await startBrowser()
try {
  for (const steps of [10, 300]) {
    const { pipelineId, projectId } = await system.pipeline(file(steps))
    const slug = (await system.api.projects.getProject({ projectId })).project?.slug ?? ''
    print(`${steps} steps: edit made → peer’s document`, await socketDelays(system, pipelineId))
    const path = `/p/${slug}/pipelines/${pipelineId}/edit`
    const [one, other] = [await open(browser, path), await open(browser, path)]
    await pages(one, other, steps)
    await one.context().close()
    await other.context().close()
  }
} finally {
  await browser.close()
  await system[Symbol.asyncDispose]()
}

function file(steps: number): string {
  const lines = Array.from({ length: steps }, (_, n) => {
    const needs = n >= 5 ? `needs: [s${n - 5}], ` : ''
    return `  s${n}: { ${needs}run: echo ${n} }`
  })
  return `name: bench ${steps}\nsteps:\n${lines.join('\n')}\n`
}

/** Two clients without a browser: what the network and the controller take. */
async function socketDelays(on: System, pipelineId: string): Promise<number[]> {
  class Signed extends NodeSocket {
    constructor(address: string, protocols?: string[]) {
      super(address, protocols, { headers: { authorization: `Bearer ${admin.token}` } })
    }
  }
  const connect = () => {
    const doc = new Y.Doc()
    const options = { WebSocketPolyfill: Signed as unknown as typeof globalThis.WebSocket, disableBc: true }
    const link = new WebsocketProvider(`${on.url.replace('http', 'ws')}/collab`, pipelineId, doc, options)
    link.messageHandlers[collabFrame] = () => undefined
    return { doc, link }
  }
  const [a, b] = [connect(), connect()]
  const origin = { user: 'bench' }
  try {
    await waitFor(() => a.link.synced && b.link.synced, { what: 'both have the document' })
    const step = projectShape(a.doc).graph.steps[0]?.nodeId ?? ''
    const samples: number[] = []
    for (let n = 0; n < edits; n++) {
      const seen = new Promise<number>((resolve) => b.doc.once('update', () => resolve(now())))
      const made = now()
      setStepField(a.doc, step, 'name', `n${n}`, origin)
      samples.push((await seen) - made)
      await pause(20)
    }
    setStepField(a.doc, step, 'name', '', origin)
    return samples
  } finally {
    for (const { doc, link } of [a, b]) {
      link.destroy()
      doc.destroy()
    }
  }
}

async function open(on: Browser, path: string): Promise<Page> {
  const context = await on.newContext({ baseURL: system.url, viewport: { width: 1440, height: 900 }, locale: 'en' })
  const page = await context.newPage()
  await page.addInitScript(() => {
    const notes: Notes = { pressed: [], received: [], drawn: [] }
    window.notes = notes
    const stamp = () => performance.timeOrigin + performance.now()
    window.addEventListener('keydown', (event) => notes.pressed.push(performance.timeOrigin + event.timeStamp), true)
    // The first byte of a change to the document is 0, the second 2.
    const listen = WebSocket.prototype.send
    const known = new WeakSet<WebSocket>()
    WebSocket.prototype.send = function send(data) {
      if (!known.has(this)) {
        known.add(this)
        this.addEventListener('message', ({ data: bytes }) => {
          if (!(bytes instanceof ArrayBuffer)) return
          const [frame, kind] = new Uint8Array(bytes, 0, 2)
          if (frame === 0 && kind === 2) notes.received.push(stamp())
        })
      }
      listen.call(this, data)
    }
    new MutationObserver((changes) => {
      const step = document.querySelector('[data-testid="node-s0"]')
      if (changes.some(({ target }) => target === step)) notes.drawn.push(stamp())
    }).observe(document, { subtree: true, attributes: true, attributeFilter: ['class'] })
  })
  await signIn(page, admin)
  await page.goto(path)
  await page.locator('[data-testid="saved-label"][data-state="saved"]').waitFor()
  await page.getByTestId('node-s0').waitFor()
  return page
}

/** Switching a step off and on: one key, one field of the document, one class of one node. */
async function pages(one: Page, other: Page, steps: number): Promise<void> {
  await one.getByTestId('node-s0').click({ position: { x: 90, y: 12 } })
  await other.locator('[data-testid="node-s0"][data-who]').waitFor()
  await one.getByTestId('canvas').focus()
  const samples = { own: [] as number[], socket: [] as number[], page: [] as number[], seen: [] as number[] }
  for (let n = 0; n < edits; n++) {
    for (const page of [one, other]) {
      await page.evaluate(() => {
        for (const list of Object.values(window.notes)) list.length = 0
      })
    }
    await one.keyboard.press('e')
    await other.waitForFunction(() => window.notes.drawn.length > 0, undefined, { polling: 50 })
    const [here, there] = await Promise.all([one, other].map((page) => page.evaluate(() => window.notes)))
    const pressed = here?.pressed[0] ?? Number.NaN
    const received = there?.received[0] ?? Number.NaN
    const drawn = there?.drawn[0] ?? Number.NaN
    samples.own.push((here?.drawn[0] ?? Number.NaN) - pressed)
    samples.socket.push(received - pressed)
    samples.page.push(drawn - received)
    samples.seen.push(drawn - pressed)
    await pause(30 + (n % 7) * 5)
  }
  print(`${steps} steps: key → drawn on the own page`, samples.own)
  print(`${steps} steps: key → other page’s socket`, samples.socket)
  print(`${steps} steps: other page’s socket → drawn`, samples.page)
  print(`${steps} steps: key → drawn on the other page`, samples.seen)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function print(what: string, samples: number[]): void {
  const sorted = samples.filter(Number.isFinite).sort((a, b) => a - b)
  const share = (part: number) => (sorted[Math.floor((sorted.length - 1) * part)] ?? Number.NaN).toFixed(1)
  console.log(
    `${what.padEnd(46)} n=${sorted.length}  p50 ${share(0.5)}  p95 ${share(0.95)}  p99 ${share(0.99)}  max ${share(1)} ms`,
  )
}
