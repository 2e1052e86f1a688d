// A repository of a plain git server: connected in the console, what is pushed to it starts runs, and what was sent is explained.
import { Role } from '@ansflow/proto/access'
import { BadgeService } from '@ansflow/proto/gen/ansflow/v1/badges_pb'
import { ConnectionService } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import { RepositoryService } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import { starterOf } from '@ansflow/proto/triggers/run-origin'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newPerson, signIn, startBrowser } from '../setup/browser.ts'
import { admin, type System, startSystem } from '../setup/system.ts'
import { join } from './people.ts'
import { connected, postPush, Repositories, reachesThisMachine, readWith } from './shop-repository.ts'

/** Who makes the commits. */
const author = { name: 'Tess Author', email: 'test@example.test', password: 'a commit a day at least' }

let system: System
let browser: Browser
let repositories: Repositories
beforeAll(async () => {
  repositories = await Repositories.start()
  system = await startSystem({ env: reachesThisMachine })
  await join(system, author, Role.VIEWER)
  browser = await startBrowser()
}, 60_000)
afterAll(async () => {
  await browser?.close()
  await system?.[Symbol.asyncDispose]()
  await repositories?.[Symbol.asyncDispose]()
})

const texts = {
  en: {
    none: 'No repositories yet',
    refused: 'Refused',
    wrong: 'Signature does not match|Its signature is wrong',
    disconnect: 'Disconnect',
    used: 'Disconnect them first',
    remove: 'Delete connection',
    settings: 'Settings',
    tag: 'Tag',
    tags: 'This is the tag v1.0, and the trigger takes no tags.',
  },
  'zh-CN': {
    none: '还没有仓库',
    refused: '被拒绝',
    wrong: '签名错误',
    disconnect: '断开仓库',
    used: '请先断开这些仓库',
    remove: '删除连接',
    settings: '设置',
    tag: '标签',
    tags: '这是标签 v1.0，而触发方式不接受标签。',
  },
}

test.each(['en', 'zh-CN'] as const)(
  'a repository is connected, starts runs, says why not, and is disconnected (%s)',
  async (locale) => {
    const say = texts[locale]
    const name = `shop-${locale.slice(0, 2)}`
    const head = await repositories.make(name)
    const alone = await repositories.tag(name, 'v1.0')
    const { project } = await system.api.projects.createProject({ name: `Repositories ${locale}` })
    const base = `/p/${project!.slug}`
    const { page, errors } = await newPerson(browser, system.url, { locale })
    await signIn(page, admin)

    await page.goto(`${base}/repositories`)
    await page.getByText(say.none).waitFor()
    await page.getByTestId('connect-repository').click()
    // The first connection is made on the way.
    const form = page.getByTestId('new-connection')
    await form.getByTestId('connection-kind').locator('label').last().click()
    await form.locator('input[name="connection-url"]').fill('not an address')
    await form.getByTestId('connection-save').click()
    await form.getByRole('alert').waitFor()
    await form.locator('input[name="connection-url"]').fill(repositories.url)
    await form.locator('input[name="connection-name"]').fill('local git')
    await form.getByTestId('connection-save').click()
    const picker = page.getByTestId('repository-picker')
    // Pasted as git would be given it.
    await picker.locator('input[name="repository-name"]').fill(repositories.server.url(`${name}.git`))
    await picker.getByTestId('connect-by-name').click()
    const address = (await page.getByTestId('hook-address').locator('code').textContent())!
    const secret = (await page.getByTestId('hook-secret').locator('code').textContent())!
    await page.getByTestId('first-read').getByText('1').waitFor()
    await page.getByTestId('to-repository').click()

    await page.getByTestId('branch-main').getByText(head.slice(0, 7)).waitFor()
    await page.getByTestId('branch-docs/words').waitFor()
    expect(await page.content()).not.toContain(secret)
    const repositoryId = page.url().split('/repositories/')[1]!.split(/[?#]/)[0]!
    await readWith(system, repositoryId, 1)

    expect(await postPush(address, secret, 'main', head)).toBe(202)
    expect(await postPush(address, secret, 'docs/words', head)).toBe(202)
    expect(await postPush(address, 'of nothing', 'main', head)).toBe(401)

    // The page follows what comes.
    const deliveries = page.getByTestId('delivery')
    await deliveries.nth(2).waitFor({ timeout: 30_000 })
    await deliveries.filter({ hasText: '#1' }).click()
    const decision = page.getByTestId('decision')
    await decision.getByTestId('asked').filter({ hasText: 'build' }).getByRole('link', { name: '#1' }).waitFor()
    expect(await page.getByTestId('delivery-detail').textContent()).not.toContain(secret)
    await page.getByTestId('copy-curl').click()
    const curl = await page.evaluate(() => navigator.clipboard.readText())
    expect(curl).toContain(`curl -X POST '${address}'`)
    expect(curl).not.toContain('authorization')
    await deliveries.filter({ hasText: 'docs/words' }).click()
    await decision.getByTestId('asked').filter({ hasText: 'main' }).waitFor()
    await page.getByTestId('deliveries').getByText(say.refused, { exact: true }).click()
    await deliveries.first().click()
    await decision.getByText(new RegExp(say.wrong)).waitFor()
    expect(await deliveries.count()).toBe(1)

    // What is being read of a push stays, whatever happens in the repository meanwhile.
    const explained: string[] = []
    page.on('request', (request) => {
      if (request.url().endsWith('/ExplainEvent')) explained.push(request.url())
    })
    await page.goto(`${base}/repositories/${repositoryId}/explain?by=push`)
    await page.getByTestId('explained-steps').first().click()
    await page.getByTestId('start-steps').getByRole('listitem').first().waitFor()
    expect(explained).toHaveLength(1)
    for (const pollSeconds of [120, 180]) {
      const isRead = page.waitForResponse((response) => response.url().endsWith('/GetRepository'))
      await system.client(RepositoryService).updateRepository({ repositoryId, pollSeconds })
      await isRead
    }
    expect(explained).toHaveLength(1)
    expect(await page.getByTestId('start-steps').getByRole('listitem').count()).toBeGreaterThan(0)

    await page.goto(`${base}/repositories/${repositoryId}`)
    await page.getByTestId('broken-none').waitFor()

    // What the last one would start now, what a tag to which no branch leads would, and what a body would.
    await page.getByTestId('explain-event').click()
    const starts = page.getByTestId('explained-start')
    await starts.filter({ hasText: 'build' }).waitFor()
    const explain = page.getByTestId('explain-event-page')
    await explain.getByText(say.tag, { exact: true }).click()
    await page.getByTestId('explain-tag').click()
    await page.locator('.n-base-select-option', { hasText: 'v1.0' }).click()
    await page.getByTestId('explained-event').getByText(alone.slice(0, 7)).waitFor()
    expect(new URL(page.url()).searchParams.get('tag')).toBe('v1.0')
    await starts.filter({ hasText: say.tags }).waitFor()
    await explain.getByText('JSON', { exact: true }).click()
    await page
      .locator('textarea[name="explain-body"]')
      .fill(`{ "ref": "refs/heads/main", "before": "${head}" "after": "${head}" }`)
    await page.getByTestId('explain-ask').click()
    await page
      .getByRole('alert')
      .getByText(/JSON.*1.*\d/)
      .waitFor()
    await page
      .locator('textarea[name="explain-body"]')
      .fill(`{ "ref": "refs/heads/main", "before": "", "after": "${head}" }`)
    await page.getByTestId('explain-ask').click()
    await starts.filter({ hasText: 'build' }).getByTestId('explained-steps').click()
    await page.getByTestId('start-steps').getByRole('listitem').first().waitFor()
    await starts.filter({ hasText: 'build' }).getByTestId('explained-canvas').click()
    await page.getByTestId('explain-facts').getByText(head.slice(0, 7)).waitFor()
    await page.getByTestId('explain-drop').click()
    await page.getByTestId('explain-branch').waitFor()

    // By hand, for a branch.
    await page.goto(`${base}/pipelines`)
    await page.getByTestId('run-build').click()
    await page.getByTestId('pick-branch').click()
    await page.locator('.n-base-select-option', { hasText: 'docs/words' }).click()
    await page.getByTestId('start-run-confirm').click()
    await page.getByTestId('run-status').waitFor()
    const runId = page.url().split('/runs/')[1]!.split(/[?#]/)[0]!
    const run = await system.ended(runId)
    expect(run.origin?.git).toMatchObject({ repositoryId, branch: 'docs/words', commit: head })
    // What a page elsewhere shows of that branch.
    const { badge } = await system.client(BadgeService).getBadge({ pipelineId: run.pipelineId })
    const shown = await fetch(`${system.url}${badge!.path}/status.svg?branch=docs%2Fwords&lang=${locale}`)
    expect(await shown.text()).toContain(locale === 'en' ? '<title>build: passed' : '<title>build: 成功')
    await page.getByTestId('to-commit').click()
    await page.getByTestId('commit-page').getByTestId('run-row-1').waitFor()
    await page.getByTestId('run-row-2').waitFor()
    // Whose commits they are for, and what the reader has started.
    await page.getByTestId('author-runs').click()
    // Known by their commits, in lists as well.
    const firstRun = page.getByTestId('run-row-1').first()
    await firstRun
      .getByTestId('run-subject')
      .filter({ hasText: head.slice(0, 7), visible: true })
      .waitFor()
    await firstRun.getByTestId('run-place').filter({ hasText: 'main', visible: true }).waitFor()
    await page.getByTestId('filter-person').getByText(author.name, { exact: true }).waitFor()
    await page.goto('/')
    await page.getByTestId('my-runs').click()
    await page.getByTestId('run-row-2').first().waitFor()
    expect(await page.getByTestId('run-row-1').count()).toBe(0)
    expect(new URL(page.url()).searchParams.get('person')).toBe(starterOf(run.origin).userId)
    // It is published by pushing: the draft is proposed.
    await page.goto(`${base}/pipelines/${run.pipelineId}/edit`)
    await page.getByTestId('propose-button').waitFor()
    expect(await page.getByTestId('publish-button').count()).toBe(0)
    await page.getByTestId('file-chip').click()

    await page.getByTestId('repository-settings').click()
    await page.getByTestId('rotate-hook').click()
    expect(await page.getByTestId('hook-secret').locator('code').textContent()).not.toBe(secret)
    await page.getByTestId('hook-done').click()
    expect(await postPush(address, secret, 'main', head)).toBe(401)

    // What is used stays.
    await page.goto(`${base}/connections`)
    const row = page.getByTestId('connection-local git')
    // Reached from the settings, it is lit as a part of them.
    await page.locator('.tabs .is-on', { hasText: say.settings }).waitFor()
    await row.getByText(name).waitFor()
    const removeIt = async () => {
      await page.getByTestId('connection-menu-local git').click()
      await page.locator('.n-dropdown-option', { hasText: say.remove }).click()
      await page.getByRole('dialog').getByRole('button', { name: say.remove }).click()
    }
    await removeIt()
    await page.getByRole('dialog').getByRole('alert').getByText(say.used).waitFor()
    await page.keyboard.press('Escape')
    await row.getByRole('link', { name }).click()
    await page.getByTestId('repository-settings').click()
    await page.getByTestId('disconnect').click()
    await page.getByTestId('settings-form').waitFor({ state: 'detached' })
    await page.getByRole('dialog').getByRole('button', { name: say.disconnect, exact: true }).click()
    await page.getByText(say.none).waitFor()
    await page.goto(`${base}/connections`)
    await page.getByTestId('connection-test-local git').click()
    await removeIt()
    await row.waitFor({ state: 'detached' })

    // One of the organization is made and changed there, and used here.
    await page.goto('/settings/connections')
    await page.getByTestId('connection-new').click()
    const made = page.getByTestId('connection-form')
    await made.getByTestId('connection-kind').locator('label').last().click()
    await made.locator('input[name="connection-url"]').fill(repositories.url)
    await made.locator('input[name="connection-name"]').fill('shared git')
    await page.getByTestId('connection-save').click()
    const shared = page.getByTestId('connection-shared git')
    await shared.waitFor()
    const { connections } = await system.client(ConnectionService).listOrganizationConnections({})
    const connectionId = connections[0]!.id
    const used = { projectId: project!.id, connectionId, fullName: name }
    const { repository } = await system.client(RepositoryService).connectRepository(used)
    await page.goto(`${base}/connections`)
    await shared.getByRole('link', { name }).waitFor()
    expect(await shared.getByRole('button').count()).toBe(0)
    await shared.getByTestId('connection-home').click()
    await shared.getByRole('link', { name: project!.name }).waitFor()
    await page.getByTestId('connection-test-shared git').click()
    await system.client(RepositoryService).disconnectRepository({ repositoryId: repository!.id })
    await page.reload()
    await page.getByTestId('connection-menu-shared git').click()
    await page.locator('.n-dropdown-option', { hasText: say.remove }).click()
    await page.getByRole('dialog').getByRole('button', { name: say.remove }).click()
    await shared.waitFor({ state: 'detached' })
    // What was refused above.
    expect(errors.filter((error) => !error.includes('status of 400'))).toEqual([])
  },
  180_000,
)

test('steps stand in another file of the repository: it makes versions, and is named where it is wrong', async () => {
  const parts = '.ansflow/parts.yaml'
  const steps = (more = '') => `templates:\n  shared:\n    steps:\n      make: { run: echo from the parts }\n${more}`
  await repositories.make('parts')
  await repositories.commit('parts', parts, steps())
  const head = await repositories.commit(
    'parts',
    '.ansflow/build.yaml',
    `name: build
on: { push: { branches: [main] } }
include: [${parts}]
steps: { web: { uses: template, with: { template: shared } } }
`,
  )
  const { project } = await system.api.projects.createProject({ name: 'Steps elsewhere' })
  const { repositoryId, address, secret } = await connected(system, project!.id, repositories, 'parts.git')
  const { page, errors } = await newPerson(browser, system.url, { locale: 'en' })
  await signIn(page, admin)
  const repository = `/p/${project!.slug}/repositories/${repositoryId}`
  await page.goto(repository)
  const pushed = async (commit: string) => {
    expect(await postPush(address, secret, 'main', commit)).toBe(202)
    const delivery = page.getByTestId('delivery').filter({ hasText: commit.slice(0, 7) })
    await delivery.click({ timeout: 30_000 })
    return page.getByTestId('decision').getByTestId('asked')
  }

  await (await pushed(head)).getByRole('link', { name: '#1' }).click()
  await page.getByTestId('step-list').getByTestId('run-step-web/make').waitFor()
  await page.getByTestId('run-from-web').getByText(parts).waitFor()
  const { pipelines } = await system.api.pipelines.listPipelines({ projectId: project!.id })
  expect(pipelines.map(({ name, latestVersion }) => [name, latestVersion])).toEqual([['build', 1]])
  await page.goto(`/p/${project!.slug}/pipelines/${pipelines[0]!.id}/edit`)
  await page.getByTestId('node-web').getByText(`shared · ${parts}`).waitFor()

  // Nothing but what is included changes: the pipeline has another version, with one step more.
  await page.goto(repository)
  const more = await repositories.commit('parts', parts, steps('      check: { needs: [make], run: echo more }\n'))
  await (await pushed(more)).getByRole('link', { name: '#2' }).click()
  await page.getByTestId('step-list').getByTestId('run-step-web/check').waitFor()
  await page.goto(`/p/${project!.slug}/pipelines/${pipelines[0]!.id}/versions`)
  await page.getByTestId('version-2').waitFor()

  // What is wrong is said with the file and the line where it stands; then there is no such file.
  await page.goto(repository)
  const wrong = await repositories.commit('parts', parts, steps('      check: { needs: [make], rnu: echo more }\n'))
  const asked = await pushed(wrong)
  await asked.getByText(`In ${parts}, line 5: A step has no key "rnu". Did you mean "run"?`).waitFor()
  expect(await asked.getByRole('link').count()).toBe(0)
  const gone = await repositories.commit('parts', parts)
  await (await pushed(gone)).getByText(`The repository has no file "${parts}" at this commit.`).waitFor()
  const inChinese = await newPerson(browser, system.url, { locale: 'zh-CN' })
  await signIn(inChinese.page, admin)
  await inChinese.page.goto(page.url())
  await inChinese.page
    .getByTestId('delivery')
    .filter({ hasText: gone.slice(0, 7) })
    .click()
  await inChinese.page.getByTestId('asked').getByText('仓库在此提交中没有文件').waitFor()
  expect([...errors, ...inChinese.errors]).toEqual([])
}, 120_000)
