// Chromium for journeys: one browser a test file, a context a person. What a person saw last is told when their test fails.
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, type BrowserContext, type ConsoleMessage, chromium, type Page } from 'playwright-core'
import { onTestFailed } from 'vitest'
import { findProgram } from '../../deploy/dev/system-packages.ts'

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export async function startBrowser(): Promise<Browser> {
  const executablePath = findProgram('chromium-headless-shell')
  if (!executablePath) throw new Error('Browser journeys need the program chromium-headless-shell.')
  return chromium.launch({ executablePath, args: flags })
}

export interface Person {
  context: BrowserContext
  page: Page
  /** Console errors and uncaught exceptions so far. */
  errors: string[]
}

interface PersonOptions {
  locale?: 'en' | 'zh-CN'
  theme?: 'light' | 'dark'
  /**
   * Pages move, as for most people. Drawn by the processor a spinner takes a tenth of it and more for as long as a run goes on, so only journeys
   * in which something is drawn, watched or dragged see it; all others have asked their system for less motion.
   */
  motion?: boolean
}

export async function newPerson(browser: Browser, baseURL: string, options: PersonOptions = {}): Promise<Person> {
  const context = await browser.newContext({
    baseURL,
    viewport: { width: 1440, height: 900 },
    locale: options.locale ?? 'en',
    colorScheme: options.theme ?? 'light',
    reducedMotion: options.motion ? 'no-preference' : 'reduce',
    permissions: ['clipboard-read', 'clipboard-write'],
  })
  const page = await context.newPage()
  const errors: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' && !isExpected(message)) errors.push(message.text())
  })
  page.on('pageerror', (error) => errors.push(error.message))
  onTestFailed(() => tellWhatIsSeen(page, errors))
  return { context, page, errors }
}

/** Somebody who is not signed in, and the page for addresses that are nobody's. */
export function isExpected(message: ConsoleMessage): boolean {
  const text = message.text()
  return /status of 401/.test(text) || (/status of 404/.test(text) && message.location().url === message.page()?.url())
}

async function tellWhatIsSeen(page: Page, errors: readonly string[]): Promise<void> {
  if (page.isClosed()) return
  const path = join(await mkdtemp(join(tmpdir(), 'ansflow-seen-')), 'page.png')
  await page.screenshot({ path }).catch(() => {})
  const text = await page
    .locator('body')
    .ariaSnapshot()
    .catch((error) => String(error))
  console.log(
    `At the end ${page.url()} showed (${path}):\n${text.slice(0, 2000)}\nConsole errors: ${errors.join('\n') || 'none'}`,
  )
}

/**
 * Lets somebody in without the form: the page that is asked for next is the first that is loaded. The form itself is what the journeys
 * of who comes and goes are about (`signInByForm`).
 */
export async function signIn(page: Page, who: { email: string; password: string }): Promise<void> {
  const { email, password } = who
  // Its cookie is the context's.
  const answer = await page.request.post('/api/ansflow.v1.AuthService/Login', { data: { email, password } })
  if (!answer.ok()) throw new Error(`${email} cannot sign in: ${answer.status()} ${await answer.text()}`)
}

export async function signInByForm(page: Page, who: { email: string; password: string }): Promise<void> {
  await page.goto('/login')
  await page.locator('input[type="email"], input[name="email"], input[autocomplete="username"]').first().fill(who.email)
  await page.locator('input[type="password"]').first().fill(who.password)
  await page.keyboard.press('Enter')
  await page.waitForURL((url) => url.pathname === '/')
}
