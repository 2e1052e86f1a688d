// Drawing a pipeline with the mouse: every way to add, connect, move and take back.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { waitFor } from '../setup/wait-for.ts'
import { type DrawingRoom, fiveSteps, type Graph, startDrawingRoom } from './drawing.ts'
import type { Place } from './editor.ts'

let room: DrawingRoom
beforeAll(async () => {
  room = await startDrawingRoom()
})
afterAll(async () => {
  await room?.[Symbol.asyncDispose]()
})

test('five steps by mouse: every way to add and connect, cycles refused, each gesture one step of undo', async () => {
  const { editor, page, errors, is } = await room.openNew('by mouse')
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
  await is(fiveSteps)

  // "+" on a line, taken back by deleting the step and drawing the line again.
  await editor.hoverLine('fetch-code', 'script')
  await page.getByTestId('edge-plus').click()
  await editor.quickAdd('script')
  await is({ ...fiveSteps, 'script-3': ['fetch-code'], script: ['script-3'] })
  await editor.undo()
  await is(fiveSteps)
  // So does the line's own bar, which also changes what it asks for.
  await editor.clickLine('fetch-code', 'script')
  await page.getByTestId('edge-kind').getByText('ended').click()
  await is({ ...fiveSteps, script: ['fetch-code always'] })
  await editor.undo()
  await is(fiveSteps)
  // A double click on nothing adds a step that stands alone.
  const empty = await editor.onCanvas({ x: 420, y: 620 })
  await page.mouse.dblclick(empty.x, empty.y)
  await editor.quickAdd('build')
  await is({ ...fiveSteps, 'build-2': [] })
  await editor.select('build-2')
  await page.keyboard.press('Delete')
  await page.getByText('build-2 deleted.').waitFor()
  await is(fiveSteps)

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
    await is(fiveSteps)
  }
})

const difference = (a?: Place, b?: Place) => ({ x: (a?.x ?? 0) - (b?.x ?? 0), y: (a?.y ?? 0) - (b?.y ?? 0) })
