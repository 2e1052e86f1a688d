// A pipeline that is a file is changed on the canvas, proposed as a branch, merged by git, and clean again; and kept in AnsFlow after that.
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { RepositoryService } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import type { Browser, Locator } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newPerson, signIn, startBrowser } from '../setup/browser.ts'
import { admin, type System, startSystem } from '../setup/system.ts'
import { waitFor } from '../setup/wait-for.ts'
import { connected, Repositories, reachesThisMachine } from './shop-repository.ts'

let system: System
let browser: Browser
let repositories: Repositories
beforeAll(async () => {
  repositories = await Repositories.start()
  system = await startSystem({ env: reachesThisMachine })
  browser = await startBrowser()
}, 60_000)
afterAll(async () => {
  await browser?.close()
  await system?.[Symbol.asyncDispose]()
  await repositories?.[Symbol.asyncDispose]()
})

const texts = {
  en: { usual: 'Change the pipeline', branch: 'A new branch', kept: 'Keep in AnsFlow', is: 'AnsFlow is the truth' },
  'zh-CN': { usual: '修改流水线', branch: '新分支', kept: '保存在 AnsFlow', is: '以 AnsFlow 为准' },
}

test.each(['en', 'zh-CN'] as const)(
  'a draft is proposed, merged and clean again (%s)',
  async (locale) => {
    const say = texts[locale]
    const name = `proposed-${locale.slice(0, 2)}`
    await repositories.make(name)
    const { project } = await system.api.projects.createProject({ name: `Proposals ${locale}` })
    const projectId = project!.id
    const { repositoryId } = await connected(system, projectId, repositories, name)
    await repositories.git(name, 'config', 'http.receivepack', 'true')
    const pipelines = system.client(PipelineService)
    const find = async () => (await pipelines.listPipelines({ projectId })).pipelines[0]!
    const { id } = await find()
    const { page, errors } = await newPerson(browser, system.url, { locale })
    await signIn(page, admin)
    await page.goto(`/p/${project!.slug}/pipelines/${id}/edit?node=check`)
    const kept = page.getByTestId('kept-chip')
    expect(await kept.getAttribute('data-kept')).toBe('repository')

    // Whoever looks at the list of pipelines sees it come and go.
    const list = await page.context().newPage()
    await list.goto(`/p/${project!.slug}/pipelines`)
    const inList = list.getByTestId('pipeline-row-build').getByTestId('proposal-chip')
    await list.getByTestId('pipeline-row-build').waitFor()
    expect(await inList.count()).toBe(0)

    const { yaml } = await pipelines.getPipeline({ pipelineId: id })
    await pipelines.applyPipeline({ projectId, yaml: yaml.replace('echo checked', 'echo checked twice') })
    const opener = page.getByTestId('propose-button')
    await opener.click()
    const dialog = page.getByTestId('propose-dialog')
    await dialog.getByTestId('diff').getByText('echo checked twice').waitFor()
    // What is loaded takes the focus; whoever opened it has it back.
    const hasFocus = (what: Locator) => what.evaluate((element) => element === document.activeElement)
    await expect.poll(() => hasFocus(dialog.locator('input[name="proposal-title"]'))).toBe(true)
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    expect(await hasFocus(opener)).toBe(true)
    await opener.click()
    await dialog.locator('summary').click()
    await dialog.getByTestId('yaml-diff').locator('.come', { hasText: 'echo checked twice' }).waitFor()
    expect(await dialog.locator('input[name="proposal-title"]').inputValue()).toContain(say.usual)
    await dialog.getByTestId('way-branch').getByText(say.branch).waitFor()
    // A plain git server has no requests.
    expect(await dialog.getByTestId('way-request').count()).toBe(0)
    await page.getByTestId('propose-confirm').click()
    await dialog.waitFor({ state: 'detached' })
    const chip = page.getByTestId('proposal-chip')
    await chip.waitFor()
    expect(await chip.getAttribute('data-state')).toBe('open')
    await inList.waitFor()

    const branch = (
      await repositories.git(name, 'for-each-ref', '--format=%(refname:short)', 'refs/heads/ansflow/')
    ).trim()
    await repositories.git(name, 'update-ref', 'refs/heads/main', branch)
    await system.client(RepositoryService).refreshRepository({ repositoryId })
    await waitFor(async () => (await find()).latestVersion === 2, {
      what: 'what was merged is a version',
      timeoutMs: 30_000,
    })
    await inList.waitFor({ state: 'detached' })
    expect((await find()).draftChanged).toBe(false)
    expect((await pipelines.getPipeline({ pipelineId: id })).yaml).toBe(
      yaml.replace('echo checked', 'echo checked twice'),
    )
    await page.reload()
    await page.locator('[data-testid="proposal-chip"][data-state="merged"]').waitFor()

    await kept.click()
    await page.getByTestId('keep-here').click()
    await page.getByRole('dialog').getByRole('button', { name: say.kept }).click()
    await page.getByTestId('publish-button').waitFor()
    expect(await kept.getAttribute('data-kept')).toBe('ansflow')
    await kept.click()
    await page.getByTestId('kept-text').getByText(say.is).waitFor()
    expect(errors).toEqual([])
  },
  180_000,
)
