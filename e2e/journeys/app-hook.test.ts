// GitHub's re-run button: the app's address and secret are set up in the console, and what is delivered there runs again what failed.
import { createHmac, generateKeyPairSync } from 'node:crypto'
import { ConnectionService, ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import { RepositoryService } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import { RunStatus } from '@ansflow/proto/status'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newPerson, signIn, startBrowser } from '../setup/browser.ts'
import { admin, type System, startSystem } from '../setup/system.ts'
import { waitFor } from '../setup/wait-for.ts'
import { type ForgeWithGit, startForgeWithGit } from './forge-with-git.ts'
import { reachesThisMachine, readWith } from './shop-repository.ts'

const { publicKey, privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
})
const app = { appId: '77', installationId: '5' }

let system: System
let browser: Browser
let forge: ForgeWithGit
beforeAll(async () => {
  const furtherSteps = '  check: { needs: [compile], run: "false", workspace: isolated }\n'
  forge = await startForgeWithGit(ForgeKind.GITHUB, { app: { ...app, publicKey }, furtherSteps })
  system = await startSystem({ env: reachesThisMachine })
  browser = await startBrowser()
}, 60_000)
afterAll(async () => {
  await browser?.close()
  await system?.[Symbol.asyncDispose]()
  await forge?.[Symbol.asyncDispose]()
})

/** As GitHub sends it; answers the status. */
async function send(address: string, secret: string, event: string, body: object): Promise<number> {
  const text = JSON.stringify({ repository: { full_name: 'acme/shop' }, sender: { login: 'grace' }, ...body })
  const headers = {
    'content-type': 'application/json',
    'x-github-event': event,
    'x-github-delivery': crypto.randomUUID(),
    'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(text).digest('hex')}`,
  }
  return (await fetch(address, { method: 'POST', headers, body: text })).status
}

const texts = {
  en: { open: 'Re-run button at GitHub', off: 'button: not set up', on: 'button: set up', none: 'Nothing has come' },
  'zh-CN': {
    open: 'GitHub 上的重新运行按钮',
    off: '按钮：未设置',
    on: '按钮：已设置',
    none: '还没有收到应用发来的内容',
  },
}

test.each(['en', 'zh-CN'] as const)(
  'an app is told where to send, and its button runs again what failed (%s)',
  async (locale) => {
    const say = texts[locale]
    const secret = `the-secret-of-${locale}`
    const { project } = await system.api.projects.createProject({ name: `Buttons ${locale}` })
    const projectId = project!.id
    const { connection } = await system.client(ConnectionService).createConnection({
      ...{ projectId, name: 'the app', kind: ForgeKind.GITHUB, url: forge.url },
      credentials: { kind: { case: 'app', value: { ...app, privateKey } } },
    })
    const connected = { projectId, connectionId: connection!.id, fullName: 'acme/shop' }
    const { repository } = await system.client(RepositoryService).connectRepository(connected)
    await readWith(system, repository!.id, 1)
    const hook = forge.fake.hooks.at(-1)!
    const pushed = { ref: 'refs/heads/main', before: '0'.repeat(40), after: forge.main }
    expect(await send(system.url + new URL(hook.url).pathname, hook.secret, 'push', pushed)).toBe(202)
    const runs = async () => (await system.api.runs.listRuns({ projectId })).runs
    const first = await waitFor(async () => (await runs())[0], { what: 'the push has started a run' })
    expect((await system.ended(first.id)).status).toBe(RunStatus.FAILED)

    const { page, errors } = await newPerson(browser, system.url, { locale })
    await signIn(page, admin)
    await page.goto(`/p/${project!.slug}/connections`)
    const row = page.getByTestId('connection-the app')
    await row.getByTestId('hook-state').getByText(say.off).waitFor()
    const dialog = page.getByTestId('app-hook')
    const open = async () => {
      await page.getByTestId('connection-menu-the app').click()
      await page.locator('.n-dropdown-option', { hasText: say.open }).click()
      await dialog.waitFor()
    }
    await open()
    const address = (await page.getByTestId('app-hook-address').locator('code').textContent())!
    expect(address).toBe(`${system.url}/hooks/connections/${connection!.id}`)
    await dialog.locator('input[name="hook-secret"]').fill('too short')
    await page.getByTestId('app-hook-save').click()
    await dialog.getByRole('alert').waitFor()
    await dialog.locator('input[name="hook-secret"]').fill(secret)
    await page.getByTestId('app-hook-save').click()
    await dialog.waitFor({ state: 'detached' })
    await row.getByTestId('hook-state').getByText(say.on).waitFor()
    await open()
    await dialog.getByText(say.none).waitFor()

    // Somebody presses it beside the check of the run that failed. What is not signed with the secret is refused, which is said.
    const check = { id: 1, head_sha: forge.main, external_id: first.id }
    const pressed = { action: 'rerequested', check_run: check }
    expect(await send(address, 'of-somebody-else', 'check_run', pressed)).toBe(401)
    await page.reload()
    await open()
    await page.getByTestId('app-hook-refused').waitFor()
    expect(await send(address, secret, 'check_run', pressed)).toBe(202)
    const again = await waitFor(async () => (await runs()).find(({ id }) => id !== first.id), { what: 'it runs again' })
    const ended = await system.ended(again.id)
    expect(ended.status).toBe(RunStatus.FAILED)
    expect(ended.steps.map(({ id, reused }) => [id, reused?.runId ?? ''])).toEqual([
      ['compile', first.id],
      ['check', ''],
    ])
    await page.goto(`/runs/${again.id}`)
    await page.getByText('grace').first().waitFor()
    await page.goto(`/p/${project!.slug}/connections`)
    await open()
    await page.getByTestId('app-hook-delivered').waitFor()

    // Without the secret everything is refused.
    expect(await dialog.textContent()).not.toContain(secret)
    await page.getByTestId('app-hook-remove').click()
    await dialog.waitFor({ state: 'detached' })
    await row.getByTestId('hook-state').getByText(say.off).waitFor()
    expect(await send(address, secret, 'check_run', pressed)).toBe(401)
    expect(await runs()).toHaveLength(2)
    expect(errors.filter((error) => !error.includes('status of 400'))).toEqual([])
  },
  120_000,
)
