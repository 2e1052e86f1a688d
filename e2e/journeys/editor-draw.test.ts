// Drawing a pipeline: every way to add, connect, move and take back, with the mouse; and the same graph with the keyboard alone.
import { NeedKind } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newPerson, signIn, startBrowser } from '../setup/browser.ts'
import { admin, type System, startSystem } from '../setup/system.ts'
import { waitFor } from '../setup/wait-for.ts'
import { Editor, type Place } from './editor.ts'

/** The steps by their key, each with what it waits for; what is not a plain success says so. */
type Graph = Record<string, string[]>

const five: Graph = {
  'fetch-code': [],
  script: ['fetch-code'],
  build: ['script'],
  test: ['build'],
  'script-2': ['build', 'script failure'],
}

const words: Partial<Record<NeedKind, string>> = { [NeedKind.FAILURE]: 'failure', [NeedKind.ALWAYS]: 'always' }

let system: System
let browser: Browser
let project: { id: string; slug: string }
beforeAll(async () => {
  system = await startSystem()
  browser = await startBrowser()
  const answer = await system.api.projects.createProject({ name: 'Drawings' })
  project = { id: answer.project?.id ?? '', slug: answer.project?.slug ?? '' }
})
afterAll(async () => {
  await browser?.close()
  await system?.[Symbol.asyncDispose]()
})

test('five steps by mouse: every way to add and connect, cycles refused, each gesture one step of undo', async () => {
  const { editor, page, errors, is } = await openNew('by mouse')
  const gestures: Graph[] = [{}]
  const after = async (next: Graph) => {
    await is(next)
    gestures.push(next)
  }

  await editor.drop('fetch_code', { x: 140, y: 160 })
  await after({ 'fetch-code': [] })
  await editor.drop('build', { x: 640, y: 160 })
  await after({ 'fetch-code': [], build: [] })
  await editor.connect('fetch-code', 'build')
  await after({ 'fetch-code': [], build: ['fetch-code'] })

  // The line lights up under what is dragged over it and takes it in between.
  const line = editor.line('fetch-code', 'build')
  await editor.press(page.getByTestId('palette-item-custom'))
  await editor.moveTo(await editor.onLine('fetch-code', 'build'))
  await page.locator('[data-testid="edge-fetch-code-build"].drop').waitFor({ state: 'attached' })
  await page.mouse.up()
  await line.waitFor({ state: 'detached' })
  await after({ 'fetch-code': [], script: ['fetch-code'], build: ['script'] })

  // A handle let go over nothing offers a step that is connected already.
  await editor.dragHandle('build', 'out', await editor.onCanvas({ x: 560, y: 420 }))
  await editor.quickAdd('test')
  await after({ ...gestures.at(-1), test: ['build'] })

  // Against the lines: the reason is told, what cannot be reached fades, nothing is drawn.
  await editor.tidy()
  const tidied = await editor.places()
  await editor.press(await editor.handle('test', 'out'))
  await editor.moveTo(await editor.center('fetch-code'))
  await page.getByText('Would make a cycle: test → fetch-code → script → build → test').waitFor()
  for (const key of ['fetch-code', 'script', 'build'])
    await page.locator(`[data-testid="node-${key}"].blocked`).waitFor()
  await page.mouse.up()
  await page.getByRole('status').filter({ hasText: 'Would make a cycle' }).first().waitFor()
  await is(gestures.at(-1) ?? {})

  // Without dragging: the step's menu adds after it and connects it.
  await editor.menu('build', 'addAfter')
  await editor.quickAdd('script')
  await is({ ...gestures.at(-1), 'script-2': ['build'] })
  await editor.menu('script', 'connectTo')
  const dialog = page.getByTestId('connect-dialog')
  expect(await dialog.getByTestId('connect-to-fetch-code').textContent()).toContain(
    'Would make a cycle: script → fetch-code',
  )
  expect(await dialog.getByTestId('connect-to-fetch-code').getAttribute('aria-disabled')).toBe('true')
  await dialog.getByText('failed', { exact: true }).click()
  await dialog.getByTestId('connect-to-script-2').click()
  await page.getByTestId('connect-confirm').click()
  await is(five)

  // "+" on a line, taken back by deleting the step and drawing the line again.
  await editor.hoverLine('fetch-code', 'script')
  await page.getByTestId('edge-plus').click()
  await editor.quickAdd('script')
  await is({ ...five, 'script-3': ['fetch-code'], script: ['script-3'] })
  await editor.undo()
  await is(five)
  // So does the line's own bar, which also changes what it asks for.
  await editor.clickLine('fetch-code', 'script')
  await page.getByTestId('edge-kind').getByText('ended').click()
  await is({ ...five, script: ['fetch-code always'] })
  await editor.undo()
  await is(five)
  // A double click on nothing adds a step that stands alone.
  const empty = await editor.onCanvas({ x: 420, y: 620 })
  await page.mouse.dblclick(empty.x, empty.y)
  await editor.quickAdd('build')
  await is({ ...five, 'build-2': [] })
  await editor.select('build-2')
  await page.keyboard.press('Delete')
  await page.getByText('build-2 deleted.').waitFor()
  await is(five)

  await severalAtOnce()
  await allBackAndForth()
  expect(errors).toEqual([])

  /** Box, Shift, moved together and taken back in one step. */
  async function severalAtOnce(): Promise<void> {
    await editor.leave()
    const places = await editor.places()
    const from = await editor.box('fetch-code')
    const to = await editor.box('script')
    await editor.drag({ x: to.x + to.width + 12, y: to.y - 40 }, { x: from.x + 20, y: from.y + from.height + 10 })
    await editor.selected(['fetch-code', 'script'])
    await page.keyboard.down('Shift')
    await editor.node('build').click({ position: { x: 90, y: 12 } })
    await page.keyboard.up('Shift')
    await editor.selected(['build', 'fetch-code', 'script'])
    await page.getByTestId('inspector').getByText('3 steps').waitFor()

    const grip = await editor.center('script')
    await editor.drag(grip, { x: grip.x + 40, y: grip.y + 120 })
    await waitFor(async () => (await editor.places())['script'] !== places['script'], { what: 'the steps have moved' })
    const moved = await editor.places()
    const by = difference(moved['script'], places['script'])
    expect(by.y).toBeGreaterThanOrEqual(100)
    for (const key of ['fetch-code', 'build']) expect(difference(moved[key], places[key])).toEqual(by)
    for (const key of ['test', 'script-2']) expect(moved[key]).toEqual(places[key])
    await editor.undo()
    await waitFor(async () => JSON.stringify(await editor.places()) === JSON.stringify(places), {
      what: 'one undo moves all of them back',
    })
    await editor.redo()
    await waitFor(async () => JSON.stringify(await editor.places()) === JSON.stringify(moved), {
      what: 'and redo forth',
    })
    await editor.selected(['build', 'fetch-code', 'script'])
    await editor.select('build')
    await editor.selected(['build'])

    await editor.leave()
    await editor.tidy()
    await waitFor(async () => JSON.stringify(await editor.places()) !== JSON.stringify(moved), { what: 'it is tidied' })
    await editor.undo()
    await waitFor(async () => JSON.stringify(await editor.places()) === JSON.stringify(moved), {
      what: 'one undo takes all of tidy back',
    })
    expect(Object.keys(tidied)).toHaveLength(4)
  }

  /** Everything that was drawn, gesture by gesture back to nothing, and forth again. */
  async function allBackAndForth(): Promise<void> {
    let steps = 0
    while (await page.getByTestId('undo').isEnabled()) {
      await editor.undo()
      steps++
      expect(steps).toBeLessThan(40)
    }
    await is({})
    // The first gestures, one step each, then all that came after.
    for (const expected of gestures.slice(1)) {
      await editor.redo()
      await is(expected)
    }
    while (await page.getByTestId('redo').isEnabled()) await editor.redo()
    await is(five)
  }
})

test('the same five steps by keyboard alone, and the focus is never lost', async () => {
  const { editor, page, errors, is, pipelineId } = await openNew('by keyboard')
  const { keyboard } = page
  const press = async (...keys: string[]) => {
    for (const key of keys) await keyboard.press(key)
    await waitFor(() => page.evaluate(() => document.activeElement !== document.body), {
      what: `something has the focus after ${keys.join(' ')}`,
    })
  }
  const add = async (type: string) => {
    await press('n')
    await editor.quickAdd(type)
    await focusIsOn('canvas')
  }
  const focusIsOn = (id: string) =>
    waitFor(() => page.evaluate((wanted) => document.activeElement?.getAttribute('data-testid') === wanted, id), {
      what: `the focus is on ${id}`,
    })

  await add('fetch')
  await editor.selected(['fetch-code'])
  await add('script')
  await add('build')
  await add('test')
  await is({ 'fetch-code': [], script: ['fetch-code'], build: ['script'], test: ['build'] })
  await press('ArrowLeft')
  await editor.selected(['build'])
  await add('script')
  await editor.selected(['script-2'])
  await press('ArrowUp')
  await editor.selected(['test'])
  await press('ArrowLeft', 'ArrowLeft')
  await editor.selected(['script'])

  // A second line, for a failure.
  await press('c')
  await focusIsOn('connect-search')
  await keyboard.type('script-2')
  await press('Tab', 'ArrowRight')
  expect(await page.getByTestId('connect-dialog').getByRole('radio', { name: 'failed' }).isChecked()).toBe(true)
  await press('Shift+Tab')
  await focusIsOn('connect-search')
  await press('Enter')
  await page.getByTestId('connect-dialog').waitFor({ state: 'detached' })
  await is(five)
  await focusIsOn('canvas')

  // Renamed, opened, typed in, and back to the graph.
  await press('F2')
  await focusIsOn('step-name')
  await keyboard.type('Prepare')
  await press('Enter')
  await focusIsOn('canvas')
  await editor.node('script').getByText('Prepare').waitFor()
  await press('Enter')
  await focusIsOn('inspector-tab-settings')
  await press('ArrowRight')
  await focusIsOn('inspector-tab-when')
  await press('ArrowLeft')
  await tabTo('script-script')
  await press('Control+a')
  await keyboard.type('echo prepared ')
  // The first closes the list of words, if it is open.
  await waitFor(
    async () => {
      await keyboard.press('Escape')
      return page.evaluate(() => document.activeElement?.getAttribute('data-testid') === 'canvas')
    },
    { what: 'Esc leads back to the canvas', everyMs: 100 },
  )
  await editor.selected(['script'])
  const step = async () =>
    (await system.api.pipelines.getPipeline({ pipelineId })).graph?.steps.find(({ id }) => id === 'script')
  await waitFor(async () => (await step())?.with?.['script'] === 'echo prepared ', { what: 'the script is stored' })
  expect((await step())?.name).toBe('Prepare')

  // Deleted with what lies behind it, and taken back.
  await press('ArrowRight')
  await editor.selected(['build'])
  await press('Shift+ArrowRight')
  await editor.selected(['build', 'script-2', 'test'])
  await press('Delete')
  await is({ 'fetch-code': [], script: ['fetch-code'] })
  await focusIsOn('canvas')
  await press('Control+z')
  await is(five)
  await press('Control+y')
  await is({ 'fetch-code': [], script: ['fetch-code'] })
  await press('Control+Shift+z')
  await press('Control+z')
  await is(five)

  // Nudged, switched off and on, tidied; the menu key.
  await press('Escape', 'ArrowRight')
  await editor.selected(['fetch-code'])
  const before = (await editor.places())['fetch-code']
  await press('Control+ArrowDown')
  await waitFor(async () => (await editor.places())['fetch-code']?.y === (before?.y ?? 0) + 20, {
    what: 'it moved by 20',
  })
  await press('Control+Shift+ArrowUp')
  await waitFor(async () => (await editor.places())['fetch-code']?.y === (before?.y ?? 0) - 80, { what: 'and by 100' })
  await press('e')
  await page.locator('[data-testid="node-fetch-code"].off').waitFor()
  await press('Shift+F10')
  await focusIsOn('step-menu-addAfter')
  await press('ArrowUp', 'ArrowUp', 'ArrowUp')
  await focusIsOn('step-menu-enable')
  await press('Enter')
  await page.locator('[data-testid="node-fetch-code"]:not(.off)').waitFor()
  await focusIsOn('canvas')
  await press('Shift+Alt+T')
  await waitFor(async () => (await editor.places())['fetch-code']?.y !== (before?.y ?? 0) - 80, {
    what: 'it is tidied',
  })

  await panels()
  await whereTabGoes()

  // F8 leads to the one thing that is wrong, into its field; put right there, the draft runs.
  await press('F8')
  await page.getByTestId('problems-list').waitFor()
  await waitFor(() => editor.field('url').evaluate((field) => field === document.activeElement), {
    what: 'the focus is in the field with the problem',
  })
  await keyboard.type('file:///nowhere/to/be/found.git')
  await press('Enter')
  await page.getByText('Nothing is wrong with this draft.').waitFor()
  await press('Control+Enter')
  await page.getByTestId('start-run-confirm').waitFor()
  await waitFor(() => page.getByTestId('start-run-confirm').evaluate((button) => button === document.activeElement), {
    what: 'Enter would start the run',
  })
  await press('Enter')
  await page.locator('[data-testid="node-fetch-code"][data-st="failed"]').waitFor({ timeout: 20_000 })
  await page.locator('[data-testid="run-bar"][data-st="failed"]').waitFor()
  await is(five)
  expect(errors).toEqual([])

  async function tabTo(id: string): Promise<void> {
    for (let i = 0; i < 12; i++) {
      await press('Tab')
      if ((await page.evaluate(() => document.activeElement?.getAttribute('data-testid'))) === id) return
    }
    throw new Error(`Tab does not come to ${id}`)
  }

  /** Palette, problems, inspector and map come and go; the sheet of keys tells of them. */
  async function panels(): Promise<void> {
    for (const [keys, id] of [
      ['Control+b', 'palette'],
      ['Control+i', 'inspector'],
      ['Control+j', 'problems-list'],
    ] as const) {
      const there = await page.getByTestId(id).isVisible()
      await press(keys)
      await page.getByTestId(id).waitFor({ state: there ? 'detached' : 'visible' })
      await press(keys)
      await page.getByTestId(id).waitFor({ state: there ? 'visible' : 'detached' })
    }
    await press('m')
    await page.locator('svg.minimap').waitFor({ state: 'detached' })
    await press('m')
    await page.locator('svg.minimap').waitFor()
    await press('?')
    await page.getByTestId('shortcut-sheet').getByText('Test run').waitFor()
    await press('Escape')
    await page.getByTestId('shortcut-sheet').waitFor({ state: 'detached' })
    await focusIsOn('canvas')
    await press('y')
    await page.getByTestId('yaml-editor').waitFor()
    await press('y')
    await focusIsOn('canvas')
    await editor.selected(['fetch-code'])
  }

  /** One after the other from the head to the inspector, and every stop is seen. */
  async function whereTabGoes(): Promise<void> {
    await page.getByTestId('canvas').focus()
    await press('Escape')
    await page.getByRole('link', { name: 'Back to the pipelines' }).focus()
    const stops: string[] = []
    while (!stops.includes('inspector')) {
      await press('Tab')
      const { part, name, seen } = await page.evaluate(() => {
        const here = document.activeElement as HTMLElement
        const part = ['palette', 'canvas', 'inspector'].find((id) => here.closest(`[data-testid="${id}"]`)) ?? 'other'
        const around = [here, here.parentElement, here.parentElement?.parentElement].flatMap((one) => one ?? [])
        const seen = around.some((one) => {
          const style = getComputedStyle(one)
          return style.outlineStyle !== 'none' || style.boxShadow !== 'none'
        })
        return { part, seen, name: here.getAttribute('aria-label') ?? here.textContent?.trim() ?? here.tagName }
      })
      expect(seen, `the focus on ${name} is seen`).toBe(true)
      if (stops.at(-1) !== part) stops.push(part)
      expect(stops.length).toBeLessThan(9)
    }
    expect(stops.filter((stop) => stop !== 'other')).toEqual(['palette', 'canvas', 'inspector'])
  }
})

const difference = (a?: Place, b?: Place) => ({ x: (a?.x ?? 0) - (b?.x ?? 0), y: (a?.y ?? 0) - (b?.y ?? 0) })

async function openNew(name: string) {
  const { pipeline } = await system.api.pipelines.createPipeline({ projectId: project.id, name })
  const { page, errors } = await newPerson(browser, system.url)
  page.setDefaultTimeout(10_000)
  await signIn(page, admin)
  const editor = new Editor(page)
  await editor.open(project.slug, pipeline?.id ?? '')
  const graph = async (): Promise<Graph> => {
    const answer = await system.api.pipelines.getPipeline({ pipelineId: pipeline?.id ?? '' })
    const steps = answer.graph?.steps ?? []
    return Object.fromEntries(
      steps.map((step) => [
        step.id,
        step.needs.map(({ stepId, kind }) => (kind === NeedKind.SUCCESS ? stepId : `${stepId} ${words[kind]}`)).sort(),
      ]),
    )
  }
  let last = ''
  /** What is stored is this graph, and the canvas shows it. */
  const is = async (wanted: Graph) => {
    const text = JSON.stringify(sorted(wanted))
    await waitFor(
      async () => {
        last = JSON.stringify(sorted(await graph()))
        return last === text
      },
      { what: `the graph is ${text}`, detail: () => `It is ${last}.` },
    )
    await waitFor(async () => (await editor.keys()).join() === Object.keys(wanted).sort().join(), {
      what: `the canvas shows ${Object.keys(wanted)}`,
    })
  }
  return { editor, page, errors, is, pipelineId: pipeline?.id ?? '' }
}

function sorted(graph: Graph): [string, string[]][] {
  return Object.entries(graph)
    .map(([key, needs]): [string, string[]] => [key, [...needs].sort()])
    .sort(([a], [b]) => a.localeCompare(b))
}
