// Drawing the same pipeline with the keyboard alone.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { waitFor } from '../setup/wait-for.ts'
import { type DrawingRoom, fiveSteps, startDrawingRoom } from './drawing.ts'

let room: DrawingRoom
beforeAll(async () => {
  room = await startDrawingRoom()
})
afterAll(async () => {
  await room?.[Symbol.asyncDispose]()
})

test('the same five steps by keyboard alone, and the focus is never lost', async () => {
  const { editor, page, errors, is, pipelineId } = await room.openNew('by keyboard')
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
  await is(fiveSteps)
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
    (await room.system.api.pipelines.getPipeline({ pipelineId })).graph?.steps.find(({ id }) => id === 'script')
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
  await is(fiveSteps)
  await press('Control+y')
  await is({ 'fetch-code': [], script: ['fetch-code'] })
  await press('Control+Shift+z')
  await press('Control+z')
  await is(fiveSteps)

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
  await is(fiveSteps)
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
