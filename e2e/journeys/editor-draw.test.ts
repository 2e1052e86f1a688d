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
  return { editor, page, errors, graph, is }
}

function sorted(graph: Graph): [string, string[]][] {
  return Object.entries(graph)
    .map(([key, needs]): [string, string[]] => [key, [...needs].sort()])
    .sort(([a], [b]) => a.localeCompare(b))
}
