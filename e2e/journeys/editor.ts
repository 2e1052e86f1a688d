// The pipeline editor as a person uses it: the mouse on palette and canvas, the forms, the file.
import type { Locator, Page } from 'playwright-core'
import { waitFor } from '../setup/wait-for.ts'

export interface Place {
  x: number
  y: number
}

/** What the canvas shows, for comparing two people's: steps with their places, lines with their kind. */
export interface Drawing {
  steps: { key: string; title: string; place: string }[]
  lines: string[]
}

export class Editor {
  readonly page: Page
  readonly canvas: Locator
  readonly inspector: Locator
  readonly saved: Locator

  constructor(page: Page) {
    this.page = page
    this.canvas = page.getByTestId('canvas')
    this.inspector = page.getByTestId('inspector')
    this.saved = page.getByTestId('saved-label')
  }

  async open(projectSlug: string, pipelineId: string): Promise<void> {
    await this.page.goto(`/p/${projectSlug}/pipelines/${pipelineId}/edit`)
    await this.canvas.waitFor()
    await this.label('saved')
  }

  /** Waits until the label says so. */
  async label(state: 'saved' | 'sending' | 'offline' | 'connecting'): Promise<void> {
    await this.page.locator(`[data-testid="saved-label"][data-state="${state}"]`).waitFor()
  }

  node(key: string): Locator {
    return this.page.getByTestId(`node-${key}`)
  }

  line(from: string, to: string): Locator {
    return this.page.getByTestId(`edge-${from}-${to}`)
  }

  async select(key: string): Promise<void> {
    await this.node(key).click({ position: { x: 90, y: 12 } })
    await this.inspects(key)
  }

  async inspects(key: string): Promise<void> {
    await waitFor(async () => (await this.inspector.getByTestId('step-key').inputValue()) === key, {
      what: `the inspector shows ${key}`,
    })
  }

  async tab(name: 'Settings' | 'When' | 'Matrix' | 'Reliability' | 'Env'): Promise<void> {
    await this.inspector.getByRole('tab', { name }).click()
  }

  field(path: string): Locator {
    return this.inspector.getByTestId(`inspector-field-${path}`).locator('input, textarea').first()
  }

  /** Types a field's new value and leaves it. */
  async fill(path: string, text: string): Promise<void> {
    const field = this.field(path)
    await field.fill(text)
    await field.press('Tab')
  }

  /** Where a script is typed; its caret goes to the start or the end. */
  async script(at: 'start' | 'end' | 'all'): Promise<Locator> {
    const text = this.page.getByTestId('script-script')
    await text.click()
    await this.page.keyboard.press('Control+a')
    if (at !== 'all') await this.page.keyboard.press(at === 'start' ? 'Control+Home' : 'Control+End')
    return text
  }

  /** The script without the carets of others that stand in it. */
  async scriptText(): Promise<string> {
    return this.page.getByTestId('script-script').evaluate((text) => {
      const lines = [...text.querySelectorAll('.cm-line')].map((line) => line.cloneNode(true) as Element)
      for (const caret of lines.flatMap((line) => [...line.querySelectorAll('[class*="cm-ySelection"]')]))
        if (!caret.classList.contains('cm-ySelection')) caret.remove()
      return lines.map((line) => line.textContent).join('\n')
    })
  }

  /** Pastes a script in place of the one that is there: typing would let the editor help with brackets. */
  async replaceScript(script: string): Promise<void> {
    await this.page.evaluate((text) => navigator.clipboard.writeText(text), script)
    await this.script('all')
    await this.page.keyboard.press('Control+v')
    await waitFor(async () => (await this.scriptText()) === script, { what: 'the script is pasted' })
  }

  /** Drags a type from the palette so that the step's middle lies at the place of the canvas; answers its key. */
  async drop(type: string, at: Place): Promise<string> {
    const before = new Set(await this.keys())
    await this.drag(await middle(this.page.getByTestId(`palette-item-${type}`)), await this.onCanvas(at))
    const key = await waitFor(async () => (await this.keys()).find((one) => !before.has(one)), {
      what: `a step ${type} is drawn`,
    })
    await this.inspects(key)
    return key
  }

  async connect(from: string, to: string): Promise<void> {
    await this.node(from).hover()
    await this.drag(await middle(this.page.getByTestId(`handle-out-${from}`)), await middle(this.node(to)))
    await this.line(from, to).waitFor({ state: 'attached' })
  }

  /** Presses, moves in small steps as a hand does, lets go. */
  async drag(from: Place, to: Place): Promise<void> {
    await this.page.mouse.move(from.x, from.y)
    await this.page.mouse.down()
    await this.moveTo(to)
    await this.page.mouse.up()
  }

  async press(target: Locator): Promise<void> {
    const { x, y } = await middle(target)
    await this.page.mouse.move(x, y)
    await this.page.mouse.down()
  }

  async moveTo({ x, y }: Place): Promise<void> {
    await this.page.mouse.move(x - 40, y - 24, { steps: 4 })
    await this.page.mouse.move(x, y, { steps: 4 })
  }

  async handle(key: string, which: 'out' | 'failure' | 'always'): Promise<Locator> {
    await this.node(key).hover()
    return this.page.getByTestId(`handle-${which}-${key}`)
  }

  async dragHandle(key: string, which: 'out' | 'failure' | 'always', to: Place): Promise<void> {
    await this.press(await this.handle(key, which))
    await this.moveTo(to)
    await this.page.mouse.up()
  }

  /** Types into the list of step types that has opened and takes the first. */
  async quickAdd(text: string): Promise<void> {
    const search = this.page.getByTestId('quick-add-search')
    await search.waitFor()
    await search.fill(text)
    await search.press('Enter')
    await search.waitFor({ state: 'detached' })
  }

  /** Chooses from the menu that the right button opens on a step. */
  async menu(key: string, item: string): Promise<void> {
    await this.node(key).click({ button: 'right', position: { x: 90, y: 12 } })
    await this.page.getByTestId(`step-menu-${item}`).click()
  }

  async clickLine(from: string, to: string): Promise<void> {
    const { x, y } = await this.onLine(from, to)
    await this.page.mouse.click(x, y)
    await this.page.getByTestId('edge-toolbar').waitFor()
  }

  async hoverLine(from: string, to: string): Promise<void> {
    await this.moveTo(await this.onLine(from, to))
  }

  /** The middle of a line's way, in the window. */
  async onLine(from: string, to: string): Promise<Place> {
    return this.line(from, to)
      .locator('.hit')
      .evaluate((path: SVGPathElement) => {
        const { x, y } = path
          .getPointAtLength(path.getTotalLength() / 2)
          .matrixTransform(path.getScreenCTM() ?? undefined)
        return { x, y }
      })
  }

  async box(key: string): Promise<{ x: number; y: number; width: number; height: number }> {
    const box = await this.node(key).boundingBox()
    if (!box) throw new Error(`${key} is not on the canvas`)
    return box
  }

  async center(key: string): Promise<Place> {
    return middle(this.node(key))
  }

  /** Where each step lies on the canvas, whatever part of it is seen. */
  async places(): Promise<Record<string, Place>> {
    const found = await this.page.locator('.vue-flow__node').evaluateAll((nodes) =>
      nodes.map((node): [string, Place] => {
        const { e, f } = new DOMMatrix((node as HTMLElement).style.transform)
        return [node.querySelector('.step')?.getAttribute('data-testid')?.slice('node-'.length) ?? '', { x: e, y: f }]
      }),
    )
    return Object.fromEntries(found.sort(([a], [b]) => a.localeCompare(b)))
  }

  /** Waits until exactly these are chosen. */
  async selected(keys: string[]): Promise<void> {
    let last = ''
    await waitFor(
      async () => {
        const ids = await this.page
          .locator('.step.selected[data-testid^="node-"]')
          .evaluateAll((nodes) => nodes.map((node) => node.getAttribute('data-testid')?.slice('node-'.length)))
        last = ids.sort().join()
        return last === [...keys].sort().join()
      },
      { what: `${keys} are chosen`, detail: () => `Chosen are: ${last}` },
    )
  }

  /** A click on nothing: nothing is chosen then. */
  async leave(): Promise<void> {
    const { x, y } = await this.onCanvas({ x: 380, y: 700 })
    await this.page.mouse.click(x, y)
    await this.selected([])
  }

  async undo(): Promise<void> {
    await this.page.getByTestId('undo').click()
  }

  async redo(): Promise<void> {
    await this.page.getByTestId('redo').click()
  }

  /** Waits until the layout has come back from its worker. */
  async tidy(): Promise<void> {
    const before = JSON.stringify(await this.places())
    await this.page.getByTestId('tidy').click()
    await waitFor(async () => JSON.stringify(await this.places()) !== before, { what: 'the steps lie tidily' })
  }

  async onCanvas(at: Place): Promise<Place> {
    const box = await this.canvas.boundingBox()
    return { x: (box?.x ?? 0) + at.x, y: (box?.y ?? 0) + at.y }
  }

  async keys(): Promise<string[]> {
    const ids = await this.page
      .locator('.step[data-testid^="node-"]')
      .evaluateAll((nodes) => nodes.map((node) => node.getAttribute('data-testid') ?? ''))
    return ids.map((id) => id.slice('node-'.length)).sort()
  }

  async drawing(): Promise<Drawing> {
    return this.page.evaluate(() => {
      const steps = [...document.querySelectorAll<HTMLElement>('.vue-flow__node')].map((node) => ({
        key: node.querySelector('.step')?.getAttribute('data-testid')?.slice('node-'.length) ?? '',
        title: node.querySelector('.name')?.textContent ?? '',
        place: node.style.transform,
      }))
      const lines = [...document.querySelectorAll('.edge')].map(
        (line) => `${line.getAttribute('data-testid')}${line.classList.contains('suspended') ? ' suspended' : ''}`,
      )
      return { steps: steps.sort((a, b) => a.key.localeCompare(b.key)), lines: lines.sort() }
    })
  }

  async show(view: 'Graph' | 'YAML'): Promise<void> {
    await this.page.getByTestId('view-switch').getByText(view, { exact: true }).click()
  }

  /** The file as this person sees it. */
  async yaml(): Promise<string> {
    await this.show('YAML')
    const lines = this.page.getByTestId('yaml-editor').locator('.cm-line')
    await lines.first().waitFor()
    const text = await lines.allTextContents()
    await this.show('Graph')
    await this.canvas.waitFor()
    return text.join('\n')
  }

  async publish(note: string): Promise<void> {
    await this.page.getByTestId('publish-button').click()
    await this.page.getByTestId('publish-note').fill(note)
    await this.page.getByTestId('publish-confirm').click()
    await this.page.getByTestId('publish-dialog').waitFor({ state: 'detached' })
  }

  /** Starts a test run and waits until the canvas shows how it ended. */
  async run(): Promise<void> {
    await this.page.getByTestId('run-button').click()
    await this.page.getByTestId('start-run-confirm').click()
    await this.page.getByTestId('run-bar').waitFor()
  }
}

async function middle(target: Locator): Promise<Place> {
  await target.scrollIntoViewIfNeeded()
  const box = await target.boundingBox()
  if (!box) throw new Error(`${target} is not on the page`)
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 }
}
