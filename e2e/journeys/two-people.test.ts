// Two people in one pipeline at once, each behind a network of their own that can be cut: both end equal, nobody's edit is lost.

import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newPerson, signIn, startBrowser } from '../setup/browser.ts'
import { admin, type System, startSystem } from '../setup/system.ts'
import { TcpProxy } from '../setup/tcp-proxy.ts'
import { waitFor } from '../setup/wait-for.ts'
import { Editor } from './editor.ts'
import { grace, join } from './people.ts'

const yaml = `name: duet
steps:
  prepare: { run: echo prepare }
  compile:
    run: |
      echo middle
  docs: { run: echo docs }
  left: { run: echo left }
  right: { run: echo right }
`

let system: System
let browser: Browser
let proxies: TcpProxy[]
beforeAll(async () => {
  system = await startSystem()
  proxies = await Promise.all([0, 1].map(() => new TcpProxy(system.httpPort).listen()))
  browser = await startBrowser()
})
afterAll(async () => {
  await browser?.close()
  for (const proxy of proxies ?? []) await proxy[Symbol.asyncDispose]()
  await system?.[Symbol.asyncDispose]()
})

test('two people edit one pipeline at once, one is cut off and comes back, and both watch the run', async () => {
  await join(system, grace)
  const { pipelineId, projectId } = await system.pipeline(yaml)
  const slug = (await system.api.projects.getProject({ projectId })).project?.slug ?? ''
  const [first, second] = proxies as [TcpProxy, TcpProxy]
  const ada = await newPerson(browser, `http://127.0.0.1:${first.port}`, { motion: true })
  const her = await newPerson(browser, `http://127.0.0.1:${second.port}`)
  const a = new Editor(ada.page)
  const g = new Editor(her.page)
  const file = async () => (await system.api.pipelines.getPipeline({ pipelineId })).yaml
  const inFile = (part: string) => waitFor(async () => (await file()).includes(part), { what: `the file says ${part}` })

  await Promise.all([signIn(ada.page, admin), signIn(her.page, grace)])
  await Promise.all([a.open(slug, pipelineId), g.open(slug, pipelineId)])
  await theySeeEachOther(a, g)

  // Different fields of one step, one of them half typed when the other's change comes in.
  await Promise.all([a.select('compile'), g.select('compile')])
  const name = a.inspector.getByTestId('step-name')
  await name.fill('')
  await name.pressSequentially('Compile ')
  await g.tab('Reliability')
  await g.fill('timeout', '5m')
  await inFile('timeout: 5m')
  await name.pressSequentially('all')
  await name.press('Enter')
  await g.node('compile').getByText('Compile all').waitFor()
  await inFile('name: Compile all')
  await g.tab('Settings')

  // One script, typed by both at the same time.
  await Promise.all([a.script('start'), g.script('end')])
  await Promise.all([
    ada.page.keyboard.type('echo ada was here\n', { delay: 15 }),
    her.page.keyboard.type('echo grace was here\n', { delay: 15 }),
  ])
  const merged = 'echo ada was here\necho middle\necho grace was here\n'
  let seen: string[] = []
  await waitFor(
    async () => {
      seen = await Promise.all([a.scriptText(), g.scriptText()])
      return seen.every((text) => text === merged)
    },
    { what: 'both lines are in both scripts', detail: () => JSON.stringify(seen) },
  )
  // At the very same place every character of both stays.
  await Promise.all([a.script('end'), g.script('end')])
  await Promise.all([
    ada.page.keyboard.type('# aaaaaaaaaa', { delay: 10 }),
    her.page.keyboard.type('# gggggggggg', { delay: 10 }),
  ])
  await waitFor(
    async () => {
      seen = await Promise.all([a.scriptText(), g.scriptText()])
      const last = seen[0]?.slice(merged.length) ?? ''
      return seen[0] === seen[1] && last.length === 24 && last.split('a').length === 11 && last.split('g').length === 11
    },
    { what: 'all characters of both are in both scripts', detail: () => JSON.stringify(seen) },
  )
  await Promise.all([a.label('saved'), g.label('saved')])
  expect(await file()).toContain('echo grace was here')

  // Deleted by one while the other writes in it: deleted, and the undo brings back what was written too.
  await Promise.all([a.select('docs'), g.select('docs')])
  await g.script('end')
  await a.node('docs').click({ position: { x: 90, y: 12 } })
  await Promise.all([her.page.keyboard.type(' and more', { delay: 10 }), ada.page.keyboard.press('Delete')])
  await g.node('docs').waitFor({ state: 'detached' })
  await ada.page.keyboard.press('Control+z')
  await g.node('docs').waitFor()
  await inFile('echo docs ')
  await waitFor(async () => JSON.stringify(await a.drawing()) === JSON.stringify(await g.drawing()), {
    what: 'both see the step again as it was being written',
  })

  await cutOff()
  await theSavedLabelIsTruthful()

  await bothAreEqual()
  await publishAndWatch()
  expect(ada.errors.filter(unexpected)).toEqual([])
  expect(her.errors.filter(unexpected)).toEqual([])

  /** Both work on while one is alone; the lines they draw would make a cycle together. */
  async function cutOff(): Promise<void> {
    first.cut()
    await a.label('offline')
    await a.connect('left', 'right')
    await a.select('prepare')
    await a.script('start')
    await ada.page.keyboard.type('echo alone\n')
    expect(await a.saved.textContent()).toMatch(/Offline – \d+ changes kept on this device/)

    await g.connect('right', 'left')
    await g.select('prepare')
    await g.script('end')
    await her.page.keyboard.type('\necho together')
    await a.node('docs').click({ position: { x: 90, y: 12 } })
    await ada.page.keyboard.press('Delete')
    await g.select('docs')
    await g.replaceScript('echo docs and more')
    await inFile('echo docs and more')
    await inFile('echo together')
    expect(await file()).not.toContain('alone')

    first.restore()
    await a.label('saved')
    await g.node('docs').waitFor({ state: 'detached' })
    await ada.page.keyboard.press('Control+z')
    await g.node('docs').waitFor()
    for (const part of ['echo alone', 'echo together', 'echo docs and more']) await inFile(part)
    for (const editor of [a, g])
      await waitFor(
        async () => (await editor.drawing()).lines.filter((line) => line.endsWith(' suspended')).length === 1,
        {
          what: 'one of the two opposite lines is suspended',
        },
      )
    expect((await a.drawing()).lines).toEqual((await g.drawing()).lines)
  }

  async function theSavedLabelIsTruthful(): Promise<void> {
    await g.select('left')
    await g.label('saved')
    second.stall()
    await g.script('end')
    await her.page.keyboard.type(' stalled')
    await g.label('sending')
    expect(await file()).not.toContain('stalled')
    second.restore()
    await g.label('saved')
    expect(await file()).toContain('echo left stalled')
  }

  async function bothAreEqual(): Promise<void> {
    await Promise.all([a.label('saved'), g.label('saved')])
    await waitFor(async () => JSON.stringify(await a.drawing()) === JSON.stringify(await g.drawing()), {
      what: 'both see the same graph',
    })
    expect((await a.drawing()).steps.map((step) => step.key)).toEqual(['compile', 'docs', 'left', 'prepare', 'right'])
    const [one, other, stored] = await Promise.all([a.yaml(), g.yaml(), file()])
    expect(one).toBe(other)
    expect(one).toBe(stored)
  }

  async function publishAndWatch(): Promise<void> {
    const suspended = (await g.drawing()).lines.find((line) => line.endsWith(' suspended')) ?? ''
    await her.page
      .getByTestId(suspended.split(' ')[0] ?? '')
      .locator('.hit')
      .click({ force: true })
    await her.page.getByTestId('edge-delete').click()
    await waitFor(async () => (await a.drawing()).lines.length === 1, { what: 'the suspended line is gone for both' })
    await g.publish('Drawn by two')
    await ada.page.getByText('Grace Hopper published v2').waitFor()
    await g.run()
    await ada.page.goto(`/p/${slug}/runs`)
    await ada.page.locator('tbody tr, [role="row"]').last().click()
    await ada.page.locator('[data-testid="run-status"][data-status="SUCCEEDED"]').waitFor({ timeout: 60_000 })
    await her.page.locator('[data-testid="run-bar"][data-st="succeeded"]').waitFor()
    for (const key of ['compile', 'docs', 'left', 'prepare', 'right']) {
      await her.page.locator(`[data-testid="node-${key}"][data-st="succeeded"]`).waitFor()
      await ada.page.locator(`[data-testid="run-node-${key}"][data-st="succeeded"]`).waitFor()
    }
  }
})

async function theySeeEachOther(a: Editor, g: Editor): Promise<void> {
  await a.page.getByTestId(`person-${grace.name}`).waitFor()
  await g.page.getByTestId('people').locator('button').first().waitFor()
  const place = await g.onCanvas({ x: 300, y: 500 })
  await g.page.mouse.move(place.x, place.y, { steps: 5 })
  await a.page.locator('.cursor').getByText(grace.name).waitFor()
}

/** A cut network is told by the browser itself. */
const unexpected = (error: string) => !/ERR_CONNECTION|ERR_EMPTY_RESPONSE|ERR_SOCKET|WebSocket connection/.test(error)
