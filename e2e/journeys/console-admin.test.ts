// Running a house: projects, people, secrets, tokens, agents, and the ways in and out, every button as somebody presses it.
import { AuthService } from '@ansflow/proto/gen/ansflow/v1/auth_pb'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newPerson, signIn, startBrowser } from '../setup/browser.ts'
import { admin, type System, startSystem } from '../setup/system.ts'
import { waitFor } from '../setup/wait-for.ts'

let system: System
let browser: Browser
beforeAll(async () => {
  system = await startSystem()
  browser = await startBrowser()
}, 60_000)
afterAll(async () => {
  await browser?.close()
  await system?.[Symbol.asyncDispose]()
})

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
const inDialog = (page: Page, name: string) => page.getByRole('dialog').getByRole('button', { name, exact: true })
const dialogGone = (page: Page) => page.getByRole('dialog').waitFor({ state: 'detached' })
const row = (page: Page, text: string) => page.getByRole('row').filter({ hasText: text })

test('a project is made, renamed and deleted; its secrets come and go', { timeout: 60_000 }, async () => {
  const { page, errors } = await newPerson(browser, system.url)
  await signIn(page, admin)
  await page.goto('/p')
  await button(page, 'New project').first().click()
  await page.locator('input[name="project-name"]').fill('Payments API')
  expect(await page.locator('input[name="project-slug"]').inputValue()).toBe('payments-api')
  await inDialog(page, 'Create project').click()
  await page.waitForURL(/\/p\/payments-api/)

  await page.goto('/p/payments-api/secrets')
  await button(page, 'New secret').click()
  await page.locator('input[name="secret-name"]').fill('DEPLOY KEY')
  // What it will be called is said before it is stored.
  await page.getByRole('dialog').getByText('It will be called DEPLOY_KEY').waitFor()
  await page.locator('textarea[name="secret-value"]').fill('first')
  await page.getByRole('dialog').locator('button').last().click()
  await row(page, 'DEPLOY_KEY').getByText('owner').waitFor()
  await row(page, 'DEPLOY_KEY').getByRole('button', { name: 'Replace' }).click()
  await page.locator('textarea[name="secret-value"]').fill('second')
  await page.getByRole('dialog').locator('button').last().click()
  await dialogGone(page)
  expect(await page.content()).not.toContain('second')
  await row(page, 'DEPLOY_KEY').getByRole('button', { name: 'Remove' }).click()
  expect(await inDialog(page, 'Remove').isDisabled()).toBe(true)
  await page.getByRole('dialog').locator('input').fill('DEPLOY_KEY')
  await inDialog(page, 'Remove').click()
  await page.getByText('No secrets yet').waitFor()

  await page.goto('/p/payments-api/settings')
  await page.locator('input[name="project-name"]').fill('Payments')
  await button(page, 'Save').click()
  await page.getByRole('heading', { name: 'Payments', exact: true }).waitFor()
  await button(page, 'Delete project').click()
  await page.getByRole('dialog').locator('input').fill('payments-api')
  await inDialog(page, 'Delete project').click()
  await page.waitForURL((url) => url.pathname === '/p')
  await page.getByText('No projects yet').waitFor()
  expect(errors).toEqual([])
})

test('somebody is invited, given another role, and shown the door', { timeout: 60_000 }, async () => {
  await system.api.projects.createProject({ name: 'Shop' })
  const owner = (await newPerson(browser, system.url)).page
  await signIn(owner, admin)
  await owner.goto('/settings/members')
  await button(owner, 'Invite').click()
  await owner.locator('input[name="invitee"]').fill('ada@example.test')
  await inDialog(owner, 'Invite').click()
  const link = (await owner.getByRole('dialog').locator('code').textContent()) ?? ''
  await inDialog(owner, 'Done').click()
  await row(owner, 'ada@example.test').getByRole('button', { name: 'Withdraw' }).waitFor()

  const { page: ada, errors } = await newPerson(browser, system.url)
  await ada.goto(link)
  await ada.locator('input[name="name"]').fill('Ada Lovelace')
  await ada.locator('input[autocomplete="new-password"]').fill('analytical engine')
  await ada.keyboard.press('Enter')
  await ada.waitForURL((url) => url.pathname === '/')
  await ada.goto('/p/shop/settings')
  await ada.getByText('You may not see this').waitFor()
  await ada.getByText('Ask an owner of this organization or project.').waitFor()

  // The list follows by itself.
  await row(owner, 'ada@example.test').getByRole('button', { name: 'Withdraw' }).waitFor({ state: 'detached' })
  await row(owner, 'Ada Lovelace').locator('.role').click()
  await owner.locator('.n-base-select-option').getByText('Maintainer', { exact: true }).click()
  await row(owner, 'Ada Lovelace').locator('.role').getByText('Maintainer').waitFor()
  // So does the other window, where nobody does anything.
  await ada.locator('input[name="project-name"]').waitFor()
  await ada.getByRole('navigation', { name: 'Project' }).getByText('Settings').waitFor()
  await row(owner, 'Ada Lovelace').getByRole('button', { name: 'Remove' }).click()
  await inDialog(owner, 'Remove').click()
  await row(owner, 'Ada Lovelace').waitFor({ state: 'detached' })
  await ada.locator('input[name="project-name"]').waitFor({ state: 'detached' })
  await ada.goto('/p/shop')
  await ada.getByText('It does not exist, or you may not see it.').waitFor()
  // Nor are its pages there.
  expect(await ada.locator('.project .tab').count()).toBe(0)
  expect(errors.filter((error) => !/status of 40[34]/.test(error))).toEqual([])
})

test('an organization gets another name, which every page says', { timeout: 60_000 }, async () => {
  const { page, errors } = await newPerson(browser, system.url)
  await signIn(page, admin)
  await page.goto('/settings/organization')
  await page.locator('input[name="organization-name"]').fill('Corner Works')
  await button(page, 'Save').click()
  await page.getByText('Saved').waitFor()
  await page.getByRole('link', { name: 'Members' }).click()
  await page.locator('main').getByText('Corner Works').waitFor()
  expect(errors).toEqual([])
})

test('a token is shown once, works, and is worth nothing when revoked', { timeout: 60_000 }, async () => {
  const { page, errors } = await newPerson(browser, system.url)
  await signIn(page, admin)
  await page.goto('/settings/tokens')
  await button(page, 'New token').click()
  await page.locator('input[name="token-name"]').fill('release script')
  await inDialog(page, 'Create token').click()
  const secret = (await page.getByRole('dialog').locator('code').first().textContent()) ?? ''
  expect(secret).toMatch(/^af_/)
  await inDialog(page, 'Done').click()
  await dialogGone(page)
  expect(await page.content()).not.toContain(secret)
  const api = system.client(AuthService, secret)
  expect((await api.getMe({})).user?.email).toBe(admin.email)
  await row(page, 'release script').getByRole('button').click()
  await page.getByRole('dialog').getByRole('button').last().click()
  await row(page, 'release script').waitFor({ state: 'detached' })
  await expect(api.getMe({})).rejects.toThrow(/unauthenticated/)
  expect(errors).toEqual([])
})

test('an agent is added, drained, woken and removed', { timeout: 60_000 }, async () => {
  const { page, errors } = await newPerson(browser, system.url)
  await signIn(page, admin)
  await page.goto('/agents')
  await page.getByTestId('add-agent').click()
  const commands = (await page.getByTestId('agent-commands').textContent()) ?? ''
  expect(commands).toContain(`${system.url}/download/agent/ansflow-agent.mjs`)
  expect(commands).toMatch(/ANSFLOW_AGENT_TOKEN=\S{20,}/)
  const second = await system.addAgent({ name: 'builder-2' })
  await page.getByText('builder-2 is here').waitFor()
  await page.keyboard.press('Escape')
  await dialogGone(page)

  const cell = page.getByTestId('agent-builder-2')
  const act = async (name: string) => {
    await cell.getByRole('button').click()
    await page.locator('.n-dropdown-option').getByText(name).click()
  }
  await act('Drain')
  await page.locator('[data-testid="agent-builder-2"][data-state="draining"]').waitFor()
  await act('Take jobs again')
  await page.locator('[data-testid="agent-builder-2"][data-state="online"]').waitFor()
  await act('Remove')
  await inDialog(page, 'Remove').click()
  await cell.waitFor({ state: 'detached' })
  await second.kill()
  expect(errors).toEqual([])
})

test('ways in and out: wrong words, an ended session, nowhere, and the keyboard alone', {
  timeout: 60_000,
}, async () => {
  const { page, context, errors } = await newPerson(browser, system.url)
  await page.goto('/login')
  await page.locator('input[name="email"]').fill(admin.email)
  await page.locator('input[name="password"]').fill('not this one')
  await page.keyboard.press('Enter')
  await page
    .getByRole('alert')
    .getByText(/do not match/)
    .waitFor()
  await page.locator('input[name="password"]').fill(admin.password)
  await page.keyboard.press('Enter')
  await page.waitForURL((url) => url.pathname === '/')

  // The first Tab skips to the content; a dialog keeps the focus and gives it back.
  await page.goto('/p')
  await button(page, 'New project').first().waitFor()
  await page.keyboard.press('Tab')
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to content')
  await page.keyboard.press('Enter')
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('content')
  await button(page, 'New project').first().focus()
  await page.keyboard.press('Enter')
  await page.locator('input[name="project-name"]').waitFor()
  for (let i = 0; i < 12; i++) {
    await page.keyboard.press('Tab')
    expect(
      await page.evaluate(() => document.activeElement?.closest('[role="dialog"], .n-modal-container') !== null),
    ).toBe(true)
  }
  await page.keyboard.press('Escape')
  await dialogGone(page)
  await waitFor(
    async () => (await page.evaluate(() => document.activeElement?.textContent?.trim())) === 'New project',
    {
      what: 'the focus is back on the button',
    },
  )
  await page.keyboard.press('?')
  await page.getByRole('dialog', { name: 'Keys' }).waitFor()
  await page.keyboard.press('Escape')
  await dialogGone(page)
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox').fill('agents')
  await page.keyboard.press('Enter')
  await page.waitForURL((url) => url.pathname === '/agents')

  await page.goto('/no/such/page')
  await page.getByText('There is no such page').first().waitFor()
  await button(page, 'Go to Home').click()
  await page.waitForURL((url) => url.pathname === '/')

  // The session ends under one's hands: sign in again, and be where one was.
  await page.goto('/settings/tokens')
  await page.getByRole('heading', { name: 'API tokens' }).waitFor()
  await context.clearCookies()
  await page.getByRole('link', { name: 'Sessions', exact: true }).click()
  await page.waitForURL(/\/login\?.*next=/)
  await page.getByText(/session has ended|signed out/i).waitFor()
  await page.locator('input[name="email"]').fill(admin.email)
  await page.locator('input[name="password"]').fill(admin.password)
  await page.keyboard.press('Enter')
  await page.waitForURL(/\/settings\/sessions/)
  await page.getByRole('button', { name: /^Account of/ }).click()
  await page.locator('.n-dropdown-option').getByText('Sign out').click()
  await page.waitForURL((url) => url.pathname === '/login')
  await page.goto('/runs')
  await page.waitForURL(/\/login\?next=/)
  expect(errors).toEqual([])
})

test('the console comes packed', async () => {
  const first = await fetch(`${system.url}/`)
  const script = /src="(\/assets\/[^"]+\.js)"/.exec(await first.text())?.[1] ?? ''
  const packed = await fetch(system.url + script, { headers: { 'accept-encoding': 'br' } })
  expect(packed.headers.get('content-encoding')).toBe('br')
  expect(packed.headers.get('content-type')).toContain('javascript')
  expect(packed.headers.get('cache-control')).toContain('immutable')
})
