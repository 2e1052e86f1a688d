// Working without a network beside others: everything opens, the count is told, the merge is shown, and what a browser keeps goes
// when its person signs out.

import { readFile } from 'node:fs/promises'
import { Role } from '@ansflow/proto/access'
import { MemberService } from '@ansflow/proto/gen/ansflow/v1/members_pb'
import { OrganizationService } from '@ansflow/proto/gen/ansflow/v1/organizations_pb'
import type { Browser, Page, Request } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { newPerson, signIn, startBrowser } from '../setup/browser.ts'
import { admin, type System, startSystem } from '../setup/system.ts'
import { TcpProxy } from '../setup/tcp-proxy.ts'
import { waitFor } from '../setup/wait-for.ts'
import { Editor } from './editor.ts'
import { grace, join } from './people.ts'

let system: System
let browser: Browser
let proxy: TcpProxy
beforeAll(async () => {
  system = await startSystem({ slots: 0 })
  proxy = await new TcpProxy(system.httpPort).listen()
  browser = await startBrowser()
})
// Of a test that failed while it was cut.
afterEach(() => proxy.restore())
afterAll(async () => {
  await browser?.close()
  await proxy?.[Symbol.asyncDispose]()
  await system?.[Symbol.asyncDispose]()
})

const kept = (page: Page) =>
  page.evaluate(async () =>
    (await indexedDB.databases()).flatMap(({ name }) => (name?.startsWith('ansflow:') ? [name] : [])),
  )

test('offline everything opens, the merge tells what came together, and signing out leaves nothing behind', async () => {
  await join(system, grace)
  const { pipelineId, projectId } = await system.pipeline(
    'name: apart\nsteps:\n  one: { run: echo one }\n  two: { run: echo two }\n',
  )
  const slug = (await system.api.projects.getProject({ projectId })).project?.slug ?? ''
  const ada = await newPerson(browser, `http://127.0.0.1:${proxy.port}`)
  const her = await newPerson(browser, system.url)
  await Promise.all([signIn(ada.page, admin), signIn(her.page, grace)])
  const [a, g] = [new Editor(ada.page), new Editor(her.page)]
  const loading = new Set<Request>()
  const loaded: string[] = []
  ada.page.on('request', (request) => loading.add(request))
  ada.page.on('requestfailed', (request) => loading.delete(request))
  ada.page.on('requestfinished', (request) => {
    loading.delete(request)
    loaded.push(request.url())
  })
  await Promise.all([a.open(slug, pipelineId), g.open(slug, pipelineId)])
  const isThere = (part: string) => loaded.some((url) => url.includes(part))
  // With what they are made of, to the last byte: a request that the network's end meets would be no part.
  const isLoading = () => [...loading].some((one) => ['script', 'stylesheet'].includes(one.resourceType()))
  await waitFor(() => ['ScriptField', 'YamlPane', 'StepListView'].every(isThere) && !isLoading(), {
    what: 'the parts that open later are there',
  })

  // Nothing with a script was opened before the network went.
  proxy.cut()
  await a.label('offline')
  await a.select('one')
  await a.script('end')
  await ada.page.keyboard.type(' alone')
  const name = a.inspector.getByTestId('step-name')
  await name.fill('By him')
  await name.press('Enter')
  await a.show('YAML')
  await ada.page.getByTestId('yaml-editor').getByText('echo one alone').waitFor()
  await a.show('Graph')
  expect(await a.saved.textContent()).toMatch(/Offline – \d+ changes kept on this device/)

  await g.select('two')
  await g.replaceScript('echo two by her')
  await g.select('one')
  await g.tab('Reliability')
  await g.fill('timeout', '3m')
  await g.label('saved')

  proxy.restore()
  await a.label('saved')
  const panel = ada.page.getByTestId('merge-panel')
  await panel.getByText('1 change of yours, 2 of others.').waitFor()
  expect(await panel.getByRole('listitem').count()).toBe(0)
  await ada.page.getByTestId('merge-close').click()
  await panel.waitFor({ state: 'detached' })
  await g.node('one').getByText('By him').waitFor()

  // Signing out with changes that nobody else has asks first, and then takes them from this browser.
  expect(await kept(ada.page)).toHaveLength(1)
  await ada.page.goto('/')
  await ada.page.getByRole('button', { name: /^Account of/ }).click()
  await ada.page.getByText('Sign out', { exact: true }).click()
  await ada.page.waitForURL(/login/)
  await waitFor(async () => (await kept(ada.page)).length === 0, { what: 'nothing is kept in this browser' })
})

test('rights that go while someone writes leave what they wrote to them, and only to them', async () => {
  const { pipelineId, projectId } = await system.pipeline('name: rights\nsteps:\n  one: { run: echo one }\n')
  const slug = (await system.api.projects.getProject({ projectId })).project?.slug ?? ''
  const organizations = system.client(OrganizationService)
  const organizationId = (await organizations.listOrganizations({})).organizations[0]?.id ?? ''
  const { members } = await system.client(MemberService).listMembers({ organizationId })
  const userId = members.find(({ email }) => email === grace.email)?.userId ?? ''
  const { page } = await newPerson(browser, `http://127.0.0.1:${proxy.port}`)
  await signIn(page, grace)
  const g = new Editor(page)
  await g.open(slug, pipelineId)
  await g.select('one')
  await g.script('end')
  proxy.cut()
  await g.label('offline')
  await page.keyboard.type(' unsent')
  await system.client(MemberService).setMemberRole({ organizationId, userId, role: Role.VIEWER })
  proxy.restore()
  await page
    .getByTestId('refused-banner')
    .getByText('You may no longer change this pipeline.')
    .waitFor({ timeout: 40_000 })
  await page.locator('[data-testid="script-script"][contenteditable="false"]').waitFor()
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByTestId('save-copy').click()])
  expect(await readFile(await download.path(), 'utf8')).toContain('echo one unsent')
  expect((await system.api.pipelines.getPipeline({ pipelineId })).yaml).not.toContain('unsent')

  // Not locked out: the copy is discarded, and the pipeline is as everyone sees it.
  await page.getByTestId('discard-copy').click()
  const dialog = page.getByRole('dialog', { name: 'Discard your copy of this pipeline?' })
  await Promise.all([page.waitForEvent('load'), dialog.getByRole('button', { name: 'Discard my copy' }).click()])
  await page.getByTestId('read-only-banner').waitFor()
  await g.label('saved')
  await g.node('one').click({ position: { x: 90, y: 12 } })
  await waitFor(async () => (await g.scriptText()) === 'echo one', { what: 'nothing of the copy is left' })
  expect(await page.getByTestId('refused-banner').count()).toBe(0)
})

test('another role counts at once in an open editor, and what was not changed is never refused', async () => {
  const { pipelineId, projectId } = await system.pipeline('name: roles\nsteps:\n  one: { run: echo one }\n')
  const slug = (await system.api.projects.getProject({ projectId })).project?.slug ?? ''
  const members = system.client(MemberService)
  const organizationId = (await system.client(OrganizationService).listOrganizations({})).organizations[0]?.id ?? ''
  const userId =
    (await members.listMembers({ organizationId })).members.find(({ email }) => email === grace.email)?.userId ?? ''
  const become = (role: Role) => members.setMemberRole({ organizationId, userId, role })
  await become(Role.VIEWER)
  const [ada, her] = [await newPerson(browser, system.url), await newPerson(browser, system.url)]
  await Promise.all([signIn(ada.page, admin), signIn(her.page, grace)])
  const [a, g] = [new Editor(ada.page), new Editor(her.page)]
  await a.open(slug, pipelineId)
  await g.open(slug, pipelineId)
  const readOnly = her.page.getByTestId('read-only-banner')
  await readOnly.waitFor()
  // The notice of a refusal would be there for moments only; and nothing here is found by loading the page again.
  await her.page.evaluate(() => {
    const seen = { refused: 0 }
    Object.assign(window, { seen })
    new MutationObserver(() => {
      if (document.querySelector('[data-testid="refused-banner"]')) seen.refused++
    }).observe(document.body, { childList: true, subtree: true })
  })
  const refused = () => her.page.evaluate(() => (window as unknown as { seen: { refused: number } }).seen.refused)
  const file = async () => (await system.api.pipelines.getPipeline({ pipelineId })).yaml
  const inFile = (part: string) => waitFor(async () => (await file()).includes(part), { what: `the file says ${part}` })

  // She looks on while somebody writes.
  await a.select('one')
  await g.node('one').click({ position: { x: 90, y: 12 } })
  await a.script('end')
  await ada.page.keyboard.type(' and more, and more, and more', { delay: 10 })
  await inFile('and more, and more, and more')
  await readOnly.waitFor()

  await become(Role.DEVELOPER)
  await readOnly.waitFor({ state: 'detached' })
  await her.page.locator('[data-testid="script-script"][contenteditable="true"]').waitFor()
  await g.replaceScript('echo hers')
  await inFile('echo hers')
  await g.label('saved')

  await become(Role.VIEWER)
  await readOnly.waitFor()
  await her.page.locator('[data-testid="script-script"][contenteditable="false"]').waitFor()
  await ada.page.keyboard.press('End')
  await ada.page.keyboard.type(' his', { delay: 10 })
  await inFile('his')
  expect(await refused()).toBe(0)

  // Out of the organization and in again: the document closes and opens.
  await members.removeMember({ organizationId, userId })
  await her.page.getByTestId('refused-banner').waitFor()
  await members.inviteMember({ organizationId, email: grace.email, role: Role.DEVELOPER })
  await her.page.getByTestId('refused-banner').waitFor({ state: 'detached' })
  await her.page.locator('[data-testid="script-script"][contenteditable="true"]').waitFor()
  await g.replaceScript('echo again')
  await inFile('echo again')
  expect([...ada.errors, ...her.errors.filter((error) => !/status of 40[34]/.test(error))]).toEqual([])
})
