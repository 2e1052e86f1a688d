// Runs that wait for each other: said in the editor, seen in lists and on the run's page, with the way to the run that is waited for.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RunStatus } from '@ansflow/proto/status'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newPerson, signIn, startBrowser } from '../setup/browser.ts'
import { admin, type System, startSystem } from '../setup/system.ts'
import { waitFor } from '../setup/wait-for.ts'
import { Editor } from './editor.ts'

let system: System
let browser: Browser
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ansflow-gates-'))
  system = await startSystem({ slots: 4 })
  browser = await startBrowser()
}, 60_000)
afterAll(async () => {
  await browser?.close()
  await system?.[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const texts = {
  en: {
    waits: (number: number, group: string) => `Waits for run #${number} of deploy (group ${group})`,
    place: (number: number, group: string) => `Run #${number} of deploy takes its place in the group ${group}`,
    lock: (lock: string) => `Waits for lock ${lock}: held by step migrate of run #1 of first`,
    newest: 'Only the newest stays',
    save: 'Save',
    started: 'Started',
    stillWaits: 'waits',
    waited: 'waited',
    ended: 'The run has ended: Passed',
    saved: 'Saved',
    atOnce: 'Jobs at once',
    projectLimit: 'Waits for another job of the project to end: at most 1 runs at once, as its settings say',
    limit: 'How many steps may hold staging-db at once, as far as this one is concerned.',
    queue: 'When another run waits',
  },
  'zh-CN': {
    waits: (number: number, group: string) => `等待 deploy 的运行 #${number}（并发组 ${group}）`,
    place: (number: number, group: string) => `deploy 的运行 #${number} 取代了它（并发组 ${group}）`,
    lock: (lock: string) => `等待锁 ${lock}：first 的运行 #1 的步骤 migrate 正在使用它`,
    newest: '只保留最新的',
    save: '保存',
    started: '发起',
    stillWaits: '正在等待',
    waited: '等待了',
    ended: '运行结束：成功',
    saved: '已保存',
    atOnce: '同时运行的作业',
    projectLimit: '等待项目的另一个作业结束：按项目设置，最多同时运行 1 个',
    limit: '就此步骤而言，最多可有多少个步骤同时持有 staging-db。',
    queue: '又有运行在等待时',
  },
}

/** A script that goes on when the file is there. */
const until = (gate: string) => `until [ -e ${gate} ]; do sleep 0.05; done`

test.each(['en', 'zh-CN'] as const)(
  'runs of a group begin one after the other, and the newest takes the place of those that wait (%s)',
  { timeout: 120_000 },
  async (locale) => {
    const say = texts[locale]
    const gate = join(folder, `group-${locale}`)
    const yaml = `name: deploy\ninputs: { to: { type: string, default: main } }\nsteps:\n  ship: { run: "${until(gate)}" }\n`
    const { project } = await system.api.projects.createProject({ name: `Groups ${locale}` })
    const { pipeline } = await system.api.pipelines.applyPipeline({ projectId: project!.id, yaml, publish: true })
    const { page, errors } = await newPerson(browser, system.url, { locale, theme: locale === 'en' ? 'dark' : 'light' })
    await signIn(page, admin)

    const editor = new Editor(page)
    await editor.open(project!.slug, pipeline!.id)
    const settings = page.getByTestId('pipeline-settings')
    const field = (path: string) => settings.getByTestId(`inspector-field-concurrency.${path}`)
    await field('limit').locator('input').fill('1')
    await field('limit').locator('input').press('Enter')
    await field('group').locator('input').fill('deploy-${{ inputs.to }}')
    await field('group').locator('input').press('Tab')
    await field('queue').getByRole('combobox', { name: say.queue }).click()
    await page.getByRole('option', { name: say.newest }).click()
    const draft = async () => (await system.api.pipelines.getPipeline({ pipelineId: pipeline!.id })).yaml
    await waitFor(async () => /group: deploy-\$\{\{ inputs\.to \}\}[\s\S]*queue: newest/.test(await draft()), {
      what: 'the file says it',
    })
    await system.api.pipelines.publishPipeline({ pipelineId: pipeline!.id })

    const first = await system.start(pipeline!.id)
    await waitFor(async () => (await system.run(first)).status === RunStatus.RUNNING, { what: 'the first runs' })
    const second = await system.start(pipeline!.id)
    const group = 'deploy-main'
    await page.goto(`/p/${project!.slug}/runs`)
    const row = page.getByTestId('run-row-2')
    await row.getByText(say.waits(1, group)).waitFor()
    await page.goto('/')
    await page.getByText(say.waits(1, group)).waitFor()

    await page.goto(`/runs/${second}`)
    const status = (name: string) => page.locator(`[data-testid="run-status"][data-status="${name}"]`).waitFor()
    await status('WAITING')
    await page.getByTestId('reason').getByText(say.waits(1, group)).first().click()
    await page.waitForURL(`**/runs/${first}`)
    await status('RUNNING')

    // The newest takes the place of the one that waits, whose page says so while one looks at it.
    await page.goto(`/runs/${second}`)
    await status('WAITING')
    const third = await system.start(pipeline!.id)
    await status('CANCELED')
    await page.getByTestId('reason').getByText(say.place(3, group)).first().click()
    await page.waitForURL(`**/runs/${third}`)
    await status('WAITING')
    await writeFile(gate, '')
    await status('SUCCEEDED')
    const [a, b] = [await system.ended(first), await system.ended(third)]
    expect(b.startedAt!.seconds * 1000n + BigInt(b.startedAt!.nanos / 1e6)).toBeGreaterThanOrEqual(
      a.finishedAt!.seconds * 1000n + BigInt(a.finishedAt!.nanos / 1e6),
    )
    expect(errors).toEqual([])
  },
)

test.each(['en', 'zh-CN'] as const)(
  'a step waits for the lock of another pipeline, and says which step has it (%s)',
  { timeout: 120_000 },
  async (locale) => {
    const say = texts[locale]
    const gate = join(folder, `lock-${locale}`)
    const { project } = await system.api.projects.createProject({ name: `Locks ${locale}` })
    const made = async (yaml: string) =>
      (await system.api.pipelines.applyPipeline({ projectId: project!.id, yaml, publish: true })).pipeline!.id
    const first = await made(`name: first\nsteps:\n  migrate: { run: "${until(gate)}", locks: [staging-db] }\n`)
    const second = await made('name: second\nsteps:\n  load: { run: echo loaded }\n')
    const { page, errors } = await newPerson(browser, system.url, { locale })
    await signIn(page, admin)

    const editor = new Editor(page)
    await editor.open(project!.slug, second)
    await editor.select('load')
    const locks = page.getByTestId('inspector').getByTestId('inspector-field-locks').locator('input').first()
    await locks.fill('staging-db')
    await locks.press('Enter')
    await page.getByTestId('locks-load').waitFor()
    const draft = async () => (await system.api.pipelines.getPipeline({ pipelineId: second })).yaml
    await waitFor(async () => (await draft()).includes('locks: [staging-db]'), { what: 'the file says it' })
    const limit = page
      .getByTestId('inspector')
      .getByTestId('inspector-field-locks')
      .getByRole('textbox', { name: say.limit })
    await limit.fill('2')
    await limit.press('Enter')
    await waitFor(async () => /name: staging-db[\s,]+limit: 2/.test(await draft()), { what: 'the file says the limit' })
    await limit.fill('1')
    await limit.press('Enter')
    await waitFor(async () => (await draft()).includes('locks: [staging-db]'), { what: 'it is had alone again' })
    await system.api.pipelines.publishPipeline({ pipelineId: second })

    const holder = await system.start(first)
    await waitFor(async () => (await system.run(holder)).status === RunStatus.RUNNING, { what: 'the first runs' })
    const waiting = await system.start(second)
    await page.goto(`/p/${project!.slug}/runs`)
    await page.getByRole('row').filter({ hasText: 'second' }).getByText(say.lock('staging-db')).waitFor()
    await page.goto(`/runs/${waiting}`)
    await page.getByTestId('step-panel').getByText(say.lock('staging-db')).click()
    await page.waitForURL(`**/runs/${holder}`)

    // Who did what: while it waits, and when that is over.
    await page.goto(`/runs/${waiting}?view=events`)
    const told = page.getByTestId('run-events')
    await told.getByTestId('event-started').getByText(say.started, { exact: true }).waitFor()
    await told.getByTestId('event-waited').getByText(say.stillWaits, { exact: true }).waitFor()
    await told.getByTestId('event-waited').getByText(say.lock('staging-db')).waitFor()
    const began = (await system.run(waiting)).createdAt!
    await waitFor(async () => Date.now() - Number(began.seconds) * 1000 > 3000, { what: 'it has waited a while' })
    await writeFile(gate, '')
    await told.getByTestId('event-ended').getByText(say.ended, { exact: true }).waitFor()
    await told.getByTestId('event-waited').getByText(say.waited, { exact: true }).waitFor()
    await page.getByTestId('events-with-waits').click()
    await told.getByTestId('event-waited').waitFor({ state: 'detached' })
    await told.getByTestId('event-ended').waitFor()
    expect((await system.ended(waiting)).status).toBe(RunStatus.SUCCEEDED)
    expect(errors).toEqual([])
  },
)

test.each(['en', 'zh-CN'] as const)(
  'a project has no more jobs at once than its settings say, and what waits for that says so (%s)',
  { timeout: 120_000 },
  async (locale) => {
    const say = texts[locale]
    const gate = join(folder, `limit-${locale}`)
    const { project } = await system.api.projects.createProject({ name: `Limit ${locale}` })
    const yaml = `name: busy\nsteps:\n  work: { run: "${until(gate)}" }\n`
    const { pipeline } = await system.api.pipelines.applyPipeline({ projectId: project!.id, yaml, publish: true })
    const { page, errors } = await newPerson(browser, system.url, { locale, theme: locale === 'en' ? 'light' : 'dark' })
    await signIn(page, admin)
    await page.goto(`/p/${project!.slug}/settings`)
    await page.getByRole('textbox', { name: say.atOnce }).fill('1')
    await page.getByRole('textbox', { name: say.atOnce }).press('Tab')
    await page.getByRole('button', { name: say.save, exact: true }).click()
    await page.getByText(say.saved, { exact: true }).waitFor()
    expect((await system.api.projects.getProject({ projectId: project!.id })).project?.jobLimit).toBe(1)

    const first = await system.start(pipeline!.id)
    await waitFor(async () => (await system.run(first)).status === RunStatus.RUNNING, { what: 'the first runs' })
    const second = await system.start(pipeline!.id)
    await page.goto(`/p/${project!.slug}/runs`)
    await page.getByTestId('run-row-2').getByText(say.projectLimit).waitFor()
    await page.goto(`/runs/${second}`)
    await page.getByTestId('step-panel').getByText(say.projectLimit).waitFor()
    await writeFile(gate, '')
    for (const id of [first, second]) expect((await system.ended(id)).status).toBe(RunStatus.SUCCEEDED)
    expect(errors).toEqual([])
  },
)
