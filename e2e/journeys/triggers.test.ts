// A pipeline that starts when another one has ended, not with tokens, and whose steps inherit: all of it drawn in the form.
import type { Browser } from 'playwright-core'
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

const build = 'name: build\noutputs: { version: "v${{ run.number }}" }\nsteps:\n  a: { run: "echo built" }\n'
const deploy = `name: deploy
inputs: { version: { type: string, default: none } }
steps:
  ship: { run: "echo $VERSION", env: { VERSION: "\${{ inputs.version }}" } }
`
const texts = {
  en: { pipeline: 'Pipeline', timeout: 'From the defaults: 7m' },
  'zh-CN': { pipeline: '流水线', timeout: '来自默认值：7m' },
}

test.each(['en', 'zh-CN'] as const)(
  'a run of one pipeline starts the other, tokens do not, and a step shows what it inherits (%s)',
  async (locale) => {
    const say = texts[locale]
    const { project } = await system.api.projects.createProject({ name: `Triggers ${locale}` })
    const apply = async (yaml: string) =>
      (await system.api.pipelines.applyPipeline({ projectId: project!.id, yaml, publish: true })).pipeline!.id
    const [buildId, deployId] = [await apply(build), await apply(deploy)]
    const { page, errors } = await newPerson(browser, system.url, { locale })
    await signIn(page, admin)
    await page.goto(`/p/${project!.slug}/pipelines/${deployId}/edit`)

    await page.getByTestId('run-trigger-add').click()
    const trigger = page.getByTestId('run-trigger-0')
    expect(await trigger.getByLabel(say.pipeline, { exact: true }).inputValue()).toBe('build')
    await trigger.locator('summary').click()
    await trigger.locator('.fresh').fill('version')
    await trigger.locator('.fresh').press('Enter')
    await trigger.locator('.value').last().fill('${{ outputs.version }}')
    await page.keyboard.press('Tab')
    await page.getByTestId('trigger-api').click()
    const timeout = page.getByTestId('inspector-field-defaults.timeout').getByRole('textbox')
    await timeout.fill('7m')
    await timeout.press('Enter')
    const draft = async () => (await system.api.pipelines.getPipeline({ pipelineId: deployId })).yaml
    await waitFor(async () => /outputs\.version[\s\S]*api: false[\s\S]*timeout: 7m/.test(await draft()), {
      what: 'the file says it',
    })
    await page.getByTestId('node-ship').click()
    await page.getByTestId('inspector-tab-reliability').click()
    await page.getByTestId('inherited').getByText(say.timeout).waitFor()
    await system.api.pipelines.publishPipeline({ pipelineId: deployId })
    await expect(system.start(deployId)).rejects.toThrow('api: false')

    await page.goto(`/p/${project!.slug}/pipelines/${deployId}/triggers`)
    const row = page.getByTestId('run-trigger')
    await row.waitFor()
    await system.ended(await system.start(buildId))
    await row.getByRole('link').click({ timeout: 30_000 })
    await page.getByTestId('to-parent').getByText('build #1').waitFor()
    const run = await system.ended(page.url().split('/runs/')[1]!.split(/[?#]/)[0]!)
    expect(run.inputs).toEqual({ version: 'v1' })
    expect(errors).toEqual([])
  },
  120_000,
)

const words = {
  en: {
    branches: 'Branches',
    base: 'Into branches',
    paths: 'Changed files',
    tags: 'Tags',
    command: 'Command',
    wrong: 'is no command',
    folder: 'Patterns are of files, not of folders',
  },
  'zh-CN': {
    branches: '分支',
    base: '目标分支',
    paths: '有变更的文件',
    tags: '标签',
    command: '命令',
    wrong: '不是命令',
    folder: '匹配模式针对文件，而不是文件夹',
  },
}

test.each(['en', 'zh-CN'] as const)(
  'what happens in repositories is drawn in the form, stands in the file, and is told where it cannot be meant (%s)',
  async (locale) => {
    const say = words[locale]
    const { project } = await system.api.projects.createProject({ name: `Repositories ${locale}` })
    const yaml = 'name: app\nsteps:\n  a: { run: "echo built" }\n'
    const { pipeline } = await system.api.pipelines.applyPipeline({ projectId: project!.id, yaml, publish: true })
    const pipelineId = pipeline!.id
    const { page, errors } = await newPerson(browser, system.url, { locale })
    await signIn(page, admin)
    await page.goto(`/p/${project!.slug}/pipelines/${pipelineId}/edit`)
    const draft = async () => (await system.api.pipelines.getPipeline({ pipelineId })).yaml
    const says = (pattern: RegExp) =>
      waitFor(async () => pattern.test(await draft()), { what: `the file says ${pattern}` })

    // By keys alone: the box, then each list.
    const push = page.getByTestId('repository-trigger-push')
    await page.getByTestId('repository-on-push').focus()
    await page.keyboard.press('Space')
    const branches = push.getByLabel(say.branches, { exact: true })
    await branches.fill('main')
    await branches.press('Enter')
    await branches.fill('{dev,release}/**, !release/old')
    await branches.press('Enter')
    const paths = push.getByLabel(say.paths, { exact: true })
    await paths.fill('src/')
    await paths.press('Enter')
    await push.getByRole('alert').getByText(say.folder).waitFor()
    await paths.press('Backspace')
    await paths.fill('src/**')
    await paths.press('Enter')
    await says(
      /push:[\s\S]*branches:[\s\S]*main[\s\S]*\{dev,release\}\/\*\*[\s\S]*!release\/old[\s\S]*paths:[\s\S]*src\/\*\*/,
    )
    expect(await push.getByRole('alert').count()).toBe(0)

    const pullRequest = page.getByTestId('repository-trigger-pullRequest')
    await page.getByTestId('repository-on-pullRequest').click()
    const base = pullRequest.getByLabel(say.base, { exact: true })
    await base.fill('main')
    await base.press('Enter')
    await page.getByTestId('repository-drafts').click()
    await page.getByTestId('comment-trigger-add').click()
    const command = page.getByTestId('comment-trigger-0').getByLabel(say.command, { exact: true })
    await command.fill('/ansflow it')
    await command.press('Enter')
    await page.getByTestId('comment-trigger-0').getByRole('alert').getByText(say.wrong).waitFor()
    await command.fill('deploy')
    await command.press('Enter')
    await page.getByTestId('repository-on-release').click()
    const tags = page.getByTestId('repository-trigger-release').getByLabel(say.tags, { exact: true })
    await tags.fill('v*')
    await tags.press('Enter')
    await says(
      /pullRequest:[\s\S]*branches:[\s\S]*main[\s\S]*drafts: true[\s\S]*command: deploy[\s\S]*release:[\s\S]*v\*/,
    )

    await system.api.pipelines.publishPipeline({ pipelineId })
    const { graph } = await system.api.pipelines.getPipeline({ pipelineId })
    expect(graph?.triggers).toMatchObject({
      push: { branches: ['main', '{dev,release}/**', '!release/old'], paths: ['src/**'] },
      pullRequest: { branches: ['main'], drafts: true, types: [] },
      comments: [{ command: 'deploy' }],
      release: { tags: ['v*'] },
    })
    // Off again, and gone from the file.
    await page.getByTestId('repository-on-push').click()
    await waitFor(async () => !(await draft()).includes('push:'), { what: 'the file says nothing of pushes' })

    // A run says what it is for.
    const git = {
      event: 'pull_request',
      action: 'updated',
      repositoryName: 'acme/shop',
      branch: 'fix',
      baseBranch: 'main',
      pullRequest: 12,
      title: 'Mend the till',
      fork: true,
      headRepository: 'ada/shop',
    }
    const { run } = await system.api.runs.startRun({ pipelineId, git })
    await page.goto(`/runs/${run!.id}`)
    await page.getByTestId('run-repository').getByText('acme/shop').waitFor()
    await page.getByTestId('run-pull-request').getByText('Mend the till').waitFor()
    await page.getByTestId('run-branch').getByText('fix → main').waitFor()
    await system.ended(run!.id)
    expect(errors).toEqual([])
  },
  120_000,
)
