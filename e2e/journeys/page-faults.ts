// What a reader would find wrong with a page, whatever it is about: texts that are keys, another language, things wider than the
// window, what axe calls serious, and a level of headings that is left out.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

const namespaces = 'agents|auth|connections|home|organizations|pipelines|projects|repositories|runs|secrets|shell|ui'
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Nothing is being loaded or moved any more. */
export async function settled(page: Page): Promise<void> {
  await page.locator('.skeleton').first().waitFor({ state: 'detached' })
  await page.evaluate(async () => {
    await document.fonts.ready
    await Promise.allSettled(
      document
        .getAnimations()
        .map((one) => (one.effect?.getComputedTiming().iterations === 1 ? one.finished : undefined)),
    )
  })
}

export async function textFaults(page: Page, locale: string): Promise<string[]> {
  const found = await page.evaluate(
    ({ names, language }) => {
      const faults: string[] = []
      const key = new RegExp(`\\b(?:${names})\\.[a-z][A-Za-z]*(?:\\.[A-Za-z]+)*\\b`)
      const texts = [document.title, document.body.textContent ?? '']
      for (const element of document.querySelectorAll('[title], [aria-label], [placeholder]'))
        for (const attribute of ['title', 'aria-label', 'placeholder'])
          texts.push(element.getAttribute(attribute) ?? '')
      for (const text of texts) {
        const raw = key.exec(text)
        if (raw) faults.push(`shows the key ${raw[0]}`)
      }
      // What stands beside a title gives way before it.
      for (const title of document.querySelectorAll('h1'))
        if (title.scrollWidth > title.clientWidth && title.clientWidth < 160)
          faults.push(`cuts its title to ${title.clientWidth} px: ${title.textContent}`)
      if (document.documentElement.lang !== language) faults.push(`is in ${document.documentElement.lang}`)
      return faults
    },
    { names: namespaces, language: locale },
  )
  return [...found, ...(await widthFaults(page))]
}

/** Something that only scrolls sideways is lost to whoever does not know that it is there. */
export async function widthFaults(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const areas = [document.documentElement, ...document.querySelectorAll<HTMLElement>('main, :has(> table)')]
    const wide = Math.max(...areas.map((area) => area.scrollWidth - area.clientWidth))
    if (wide <= 0) return []
    const edge = window.innerWidth
    const out = [...document.querySelectorAll<HTMLElement>('main *')].filter((element) => {
      const box = element.getBoundingClientRect()
      return box.width > 0 && box.right > edge + 1
    })
    const first = out[0]
    return [`is ${wide} px wider than the window of ${edge}: ${first?.tagName.toLowerCase()}.${first?.className}`]
  })
}

interface AxeViolation {
  id: string
  impact: string
  nodes: { html: string; failureSummary: string }[]
}

export async function axeFaults(page: Page): Promise<string[]> {
  // The console goes from page to page without loading itself anew.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe)
  const violations = await page.evaluate(async () => {
    const { axe: tool } = window as unknown as {
      axe: { run(what: unknown, how: unknown): Promise<{ violations: AxeViolation[] }> }
    }
    return (await tool.run(document, { resultTypes: ['violations'] })).violations
  })
  return violations
    .filter(({ id, impact }) => impact === 'serious' || impact === 'critical' || id === 'heading-order')
    .flatMap(({ id, nodes }) =>
      nodes
        // The code editor scrolls round an editable text, which takes the focus; axe does not count that.
        .filter((node) => id !== 'scrollable-region-focusable' || !node.html.includes('cm-scroller'))
        .slice(0, 4)
        .map((node) => `axe ${id}: ${node.html.slice(0, 160)} (${node.failureSummary.split('\n')[1]})`),
    )
}

const controls = new Set(
  'button checkbox combobox link listbox menuitem radio searchbox slider spinbutton switch tab textbox'.split(' '),
)

/** What can be used or takes the focus has a role and a name: without, nobody who does not see it knows what it is. */
export async function nameFaults(page: Page): Promise<string[]> {
  const session = await page.context().newCDPSession(page)
  const { nodes } = await session.send('Accessibility.getFullAXTree')
  const nameless = nodes.filter(({ ignored, role, name, properties = [], backendDOMNodeId }) => {
    if (ignored || backendDOMNodeId === undefined || role?.value === 'RootWebArea') return false
    const has = (wanted: string) => properties.find((one) => one.name === wanted)?.value.value === true
    return (controls.has(role?.value) || has('focusable')) && !has('disabled') && !name?.value
  })
  const faults: string[] = []
  for (const { role, backendDOMNodeId } of nameless) {
    const { outerHTML } = await session.send('DOM.getOuterHTML', { backendNodeId: backendDOMNodeId! })
    // Only programs give such an area the focus.
    if (!controls.has(role?.value) && /^[^>]* tabindex="-1"/.test(outerHTML)) continue
    faults.push(`a ${role?.value} has no name: ${outerHTML.slice(0, 200)}`)
  }
  await session.detach()
  return faults
}
