// What a pipeline asks of people and secrets that are not there is said while it is edited and when it is published; a run that waits
// for nobody says so. Who mends it elsewhere and comes back sees it mended.
import { SecretService } from '@ansflow/proto/gen/ansflow/v1/secrets_pb'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newPerson, signIn, startBrowser } from '../setup/browser.ts'
import { admin, type System, startSystem } from '../setup/system.ts'
import { waitFor } from '../setup/wait-for.ts'
import { Editor } from './editor.ts'

let system: System
let browser: Browser
beforeAll(async () => {
  system = await startSystem()
  browser = await startBrowser()
})
afterAll(async () => {
  await browser?.close()
  await system?.[Symbol.asyncDispose]()
})

const yaml = (secret: string) => `name: ship
steps:
  sign-off: { uses: approval, with: { approvers: ["role:maintainer"] } }
  ship: { needs: [sign-off], run: ./ship, secrets: [${secret}] }
`

const texts = {
  en: {
    secret: (name: string) => `The project has no secret ${name}`,
    approval: 'Who starts a run does not decide its approvals',
    stuck: 'Nobody else may decide this now',
  },
  'zh-CN': {
    secret: (name: string) => `项目没有密钥 ${name}`,
    approval: '发起运行的人不能审批自己的运行',
    stuck: '目前没有其他人可以审批',
  },
}

test.each(['en', 'zh-CN'] as const)('is said before it is run, and while it waits (%s)', async (locale) => {
  const secret = locale === 'en' ? 'NPM_TOKEN' : 'SHIP_KEY'
  const { projectId, pipelineId } = await system.pipeline(yaml(secret))
  const say = texts[locale]
  const ada = await newPerson(browser, system.url, { locale, theme: locale === 'en' ? 'light' : 'dark' })
  await signIn(ada.page, admin)
  const { page } = ada
  const editor = new Editor(page)
  const { projects } = await system.api.projects.listProjects({})
  const { slug } = projects.find(({ id }) => id === projectId)!
  await editor.open(slug, pipelineId)
  await page.getByTestId('problems-toggle').click()
  const list = page.getByTestId('problems-list')
  await list.getByText(say.secret(secret)).waitFor()
  await list.getByText(say.approval).waitFor()

  // Made elsewhere: whoever comes back to the tab sees it.
  await system.client(SecretService).putSecret({ projectId, name: secret, value: 'hush' })
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
  await list.getByText(say.secret(secret)).waitFor({ state: 'detached' })
  await page.getByTestId('publish-button').click()
  await page.getByTestId('publish-problems').getByText(say.approval).waitFor()
  await page.keyboard.press('Escape')

  const runId = await system.start(pipelineId)
  await page.goto(`/runs/${runId}`)
  await page.getByTestId('approval-stuck').getByText(say.stuck).waitFor()
  if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/stuck-${locale}.png` })
  expect(ada.errors).toEqual([])

  // Typed away: the list follows once it is stored.
  await editor.open(slug, pipelineId)
  await page.getByTestId('problems-toggle').click()
  await list.getByText(say.approval).waitFor()
  if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/lacking-${locale}.png` })
  await editor.select('sign-off')
  await editor.inspector.getByTestId('inspector-field-selfApproval').getByRole('switch').click()
  await waitFor(async () => (await list.getByText(say.approval).count()) === 0, { what: 'nothing is lacking' })
  expect(ada.errors).toEqual([])
  await ada.context.close()
})
