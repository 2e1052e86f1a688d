// A forge lists its repositories, sets up its hook and sends a pull request of a fork: it waits, and is approved on a phone.
import { createHmac } from 'node:crypto'
import { ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import { RunStatus } from '@ansflow/proto/status'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newPerson, signIn, startBrowser } from '../setup/browser.ts'
import { admin, type System, startSystem } from '../setup/system.ts'
import { type ForgeWithGit, startForgeWithGit } from './forge-with-git.ts'
import { reachesThisMachine } from './shop-repository.ts'

let system: System
let browser: Browser
let forge: ForgeWithGit
beforeAll(async () => {
  forge = await startForgeWithGit(ForgeKind.GITEA)
  system = await startSystem({ env: reachesThisMachine })
  browser = await startBrowser()
}, 60_000)
afterAll(async () => {
  await browser?.close()
  await system?.[Symbol.asyncDispose]()
  await forge?.[Symbol.asyncDispose]()
})

async function send(action: string, head: string): Promise<number> {
  const { secret, url } = forge.fake.hooks[0]!
  const user = { login: 'mallory' }
  const repository = (fullName: string) => ({
    full_name: fullName,
    html_url: `${forge.url}/${fullName}`,
    clone_url: `${forge.url}/${fullName}.git`,
    default_branch: 'main',
  })
  const body = JSON.stringify({
    action,
    number: 7,
    pull_request: {
      number: 7,
      title: 'Faster checkout',
      html_url: `${forge.url}/acme/shop/pulls/7`,
      state: 'open',
      draft: false,
      merged: false,
      user,
      labels: [],
      head: { ref: 'fast', sha: head, repo_id: 9, repo: repository('mallory/shop') },
      base: { ref: 'main', sha: forge.main, repo_id: 2, repo: repository('acme/shop') },
    },
    repository: repository('acme/shop'),
    sender: user,
  })
  const headers = {
    'content-type': 'application/json',
    'x-gitea-event': 'pull_request',
    'x-gitea-delivery': crypto.randomUUID(),
    'x-gitea-signature': createHmac('sha256', secret).update(body).digest('hex'),
  }
  return (await fetch(system.url + new URL(url).pathname, { method: 'POST', headers, body })).status
}

test('a pull request of a fork waits until somebody approves its commit', { timeout: 180_000 }, async () => {
  const { project } = await system.api.projects.createProject({ name: 'Forks' })
  const base = `/p/${project!.slug}`
  const { page, errors } = await newPerson(browser, system.url)
  await signIn(page, admin)

  await page.goto(`${base}/repositories/connect`)
  const form = page.getByTestId('new-connection')
  await form.getByText('Gitea, Forgejo').click()
  await form.locator('input[name="connection-url"]').fill(forge.url)
  await form.locator('input[name="connection-token"]').fill('of nobody')
  await form.getByTestId('connection-save').click()
  await form.getByRole('alert').waitFor()
  await form.locator('input[name="connection-token"]').fill('nobodys')
  await form.getByTestId('connection-save').click()
  await form.getByText('The forge does not let AnsFlow in').waitFor()
  await form.locator('input[name="connection-token"]').fill(forge.fake.token)
  await form.getByTestId('connection-save').click()
  const picker = page.getByTestId('repository-picker')
  await picker.locator('input[name="repository-name"]').fill('nothing like it')
  await picker.getByText('No repository matches').waitFor()
  await picker.locator('input[name="repository-name"]').fill('sho')
  await picker.getByRole('button', { name: 'Connect acme/shop' }).click()
  await page.getByTestId('branch-main').waitFor()
  await page.getByTestId('health-hook').getByText('Set up by AnsFlow').waitFor()
  const address = page.url()
  await page.goto(`${base}/repositories/connect`)
  await page.getByTestId('found-acme/shop').getByRole('link', { name: 'connected' }).waitFor()

  await page.setViewportSize({ width: 390, height: 844 })
  await page.goto(address)
  expect(await send('opened', forge.fork)).toBe(202)
  const row = page.getByTestId('pull-request-7')
  const short = forge.fork.slice(0, 7)
  await row.getByTestId('fork-wait').waitFor({ timeout: 30_000 })
  await row.getByText('They may: owner').waitFor()
  const { runs: before } = await system.api.runs.listRuns({ projectId: project!.id })
  expect(before).toEqual([])
  await row.getByRole('button', { name: `Approve commit ${short} of pull request 7`, exact: true }).click()
  await page.getByText('What it runs is what the pipeline files of this commit say').waitFor()
  await page
    .getByRole('dialog')
    .getByRole('button', { name: `Approve commit ${short}`, exact: true })
    .click()
  await row.getByRole('link', { name: '#1' }).waitFor({ timeout: 30_000 })
  await row.getByText('approved by owner').waitFor()
  const { runs } = await system.api.runs.listRuns({ projectId: project!.id })
  const run = await system.ended(runs[0]!.id)
  expect(run.status).toBe(RunStatus.SUCCEEDED)
  expect(run.origin?.git).toMatchObject({ commit: forge.fork, pullRequest: 7 })

  // A further commit asks again.
  const next = await forge.push()
  expect(await send('synchronized', next)).toBe(202)
  const asked = `Approve commit ${next.slice(0, 7)} of pull request 7`
  await row.getByRole('button', { name: asked, exact: true }).waitFor({ timeout: 30_000 })
  expect((await system.api.runs.listRuns({ projectId: project!.id })).runs).toHaveLength(1)

  // From now on they run at once, trusted with nothing, on agents that take that.
  await page.setViewportSize({ width: 1280, height: 800 })
  await page.getByTestId('repository-settings').click()
  await page.getByTestId('fork-policy').click()
  await page.getByText('Run at once, without secrets').click()
  await page.getByText('Strangers run what they like on the agents').waitFor()
  await page.getByTestId('settings-save').click()
  await page.getByTestId('settings-form').waitFor({ state: 'detached' })
  const last = await forge.push('brew')
  expect(await send('synchronized', last)).toBe(202)
  await row.getByRole('link', { name: '#2' }).click({ timeout: 30_000 })
  await page.getByTestId('untrusted').waitFor()
  await page.getByTestId('file-of').getByText('file of main').waitFor()
  await page.getByText('Waits for an agent that takes runs of strangers').first().waitFor({ timeout: 30_000 })
  const strangers = page.url()
  await page.goto('/agents')
  await page.getByRole('button', { name: /^Actions for/ }).click()
  await page.getByText('Take runs of strangers').click()
  await page.getByRole('button', { name: 'Let them' }).click()
  await page.getByTestId('takes-untrusted').waitFor()
  await page.goto(strangers)
  await page.locator('[data-testid="run-status"][data-status="SUCCEEDED"]').waitFor({ timeout: 30_000 })
  await page.goto(`${base}/runs`)
  await page.getByTestId('run-row-2').getByTestId('untrusted').waitFor()
  await page.goto(address)
  await row.getByText('It ran without secrets').waitFor()
  await row.getByTestId('trust').click()
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /^Approve commit/ })
    .click()
  await row.getByRole('link', { name: '#3' }).waitFor({ timeout: 30_000 })
  const [trusted] = (await system.api.runs.listRuns({ projectId: project!.id })).runs
  expect(trusted!.origin).toMatchObject({ untrusted: false, fileOf: '', git: { commit: last } })
  expect(errors.filter((error) => !error.includes('status of 400'))).toEqual([])
})
