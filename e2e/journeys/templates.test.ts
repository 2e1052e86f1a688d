// A template is used twice: written in the file, its parameters changed in the form, run with its steps on the run's page and as one on
// the canvas, explained, and compared.
import { join } from 'node:path'
import { RunStatus } from '@ansflow/proto/status'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newPerson, signIn, startBrowser } from '../setup/browser.ts'
import { admin, type System, startSystem } from '../setup/system.ts'

const yaml = `name: parts
templates:
  # Built and tried.
  build-and-test:
    params:
      dir: { type: string, required: true, description: The folder. }
      quick: { type: boolean, default: false }
    steps:
      install: { run: 'echo "installing in \${{ params.dir }}"' }
      test:
        needs: [install]
        run: |
          echo "testing \${{ params.dir }} quick=\${{ params.quick }}"
          echo "coverage=\${{ params.dir }}-91" >> "$ANSFLOW_OUTPUT"
        outputs: [coverage]
    outputs: { coverage: "\${{ steps.test.outputs.coverage }}" }
steps:
  web: { uses: template, with: { template: build-and-test, params: { dir: web } } }
  api: { uses: template, with: { template: build-and-test, params: { dir: api } } }
  deploy: { needs: [web, api], run: 'echo "\${{ steps.web.outputs.coverage }} \${{ steps.api.outputs.coverage }}"' }
`

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

const texts = {
  en: { missing: 'wants the parameter dir', folder: 'The folder.', stepsOfWeb: 'Steps of web' },
  'zh-CN': { missing: '需要参数 dir', folder: 'The folder.', stepsOfWeb: 'web 的步骤' },
}

/** On the page of a run with web/test chosen: in the list, the graph, beside it and in the waterfall. */
async function foldedAndOpened(page: Page, stepsOfWeb: string): Promise<void> {
  const list = page.getByTestId('step-list')
  const row = list.getByTestId('run-step-web')
  await list.getByTestId('run-step-web/test').getByText('test', { exact: true }).waitFor()
  expect(await row.locator('.counts').textContent()).toMatch(/2$/)
  await row.locator('.time').waitFor()
  await page.getByTestId('run-frame-web').waitFor()

  await list.getByTestId('fold-web').click()
  await list.getByTestId('run-step-web/test').waitFor({ state: 'detached' })
  await page.getByTestId('run-frame-web').waitFor({ state: 'detached' })
  await page.getByTestId('run-tally-web').getByText('2').waitFor()
  expect(await page.getByTestId('run-node-web').getAttribute('data-st')).toBe('succeeded')
  // A link to one of its steps opens it.
  await page.reload()
  await list.getByTestId('run-step-web/test').waitFor()
  await page.getByTestId('run-graph').getByTestId('fold-web').click()
  await list.getByTestId('run-step-web/test').waitFor({ state: 'detached' })
  await page.getByTestId('run-graph').getByTestId('fold-web').click()

  const panel = page.getByTestId('step-panel')
  await panel.getByRole('button', { name: stepsOfWeb }).click()
  await panel.getByTestId('step-copies').getByTestId('run-step-web/install').click()
  await panel.getByText('installing in web').waitFor()

  const at = new URL(page.url())
  at.searchParams.set('view', 'waterfall')
  await page.goto(at.href)
  const waterfall = page.getByTestId('run-waterfall')
  await waterfall.getByTestId('waterfall-web/test').waitFor()
  await waterfall.getByTestId('waterfall-web').locator('.bar.whole').waitFor()
  await waterfall.getByTestId('fold-web').click()
  await waterfall.getByTestId('waterfall-web/test').waitFor({ state: 'detached' })
  await page.goBack()
}

test.each(['en', 'zh-CN'] as const)(
  'steps are written once and used twice, with other parameters (%s)',
  async (locale) => {
    const say = texts[locale]
    const { project } = await system.api.projects.createProject({ name: `Parts ${locale}` })
    const { pipeline } = await system.api.pipelines.applyPipeline({ projectId: project!.id, yaml })
    const pipelineId = pipeline!.id
    const { page, errors } = await newPerson(browser, system.url, { locale })
    await signIn(page, admin)
    await page.goto(`/p/${project!.slug}/pipelines/${pipelineId}/edit`)

    // What is missing is said at its field, and given there.
    await page.getByTestId('node-api').click()
    const dir = page.getByTestId('inspector-field-params.dir')
    await dir.getByRole('textbox').fill('')
    await dir.getByRole('textbox').blur()
    await dir.getByText(say.missing).waitFor()
    await dir.getByRole('textbox').fill('api; exit 1')
    await dir.getByRole('textbox').blur()
    await page.getByTestId('inspector-field-params.quick').getByRole('switch').click()
    await dir.getByText(say.missing).waitFor({ state: 'detached' })
    await page.getByTestId('template-in-file').click()
    await page.locator('.cm-content').getByText('# Built and tried.').waitFor()
    await page.locator('.cm-content').getByText('api; exit 1').waitFor()
    expect(errors).toEqual([])

    const stored = async () => (await system.api.pipelines.getPipeline({ pipelineId })).yaml
    await expect.poll(stored, { timeout: 10_000 }).toContain('dir: api; exit 1')
    expect(await stored()).toContain('# Built and tried.')
    await system.api.pipelines.publishPipeline({ pipelineId })
    const runId = await system.start(pipelineId)
    expect((await system.ended(runId)).status).toBe(RunStatus.SUCCEEDED)
    expect(await system.wholeLog(runId, 'api/test')).toContain('testing api; exit 1 quick=true')
    expect(await system.wholeLog(runId, 'deploy')).toContain('web-91 api; exit 1-91')

    // The run has the steps; the canvas shows them as the one that stands for them.
    await page.goto(`/runs/${runId}?step=web/test`)
    await page.getByText('testing web quick=false').first().waitFor()
    for (const key of ['web/install', 'web/test', 'api/install', 'api/test', 'deploy']) {
      await page.getByTestId(`run-step-${key}`).first().waitFor()
    }
    await foldedAndOpened(page, say.stepsOfWeb)
    expect(errors).toEqual([])

    await page.goto(`/p/${project!.slug}/pipelines/${pipelineId}/edit?run=${runId}`)
    await page.locator('[data-testid="node-web"][data-st="succeeded"]').waitFor()
    expect(await page.locator('.step .changed').count()).toBe(0)

    await page.goto(`/p/${project!.slug}/pipelines/${pipelineId}/edit`)
    await page.getByTestId('explain-button').click()
    await page.getByTestId('explain-step-web/install').waitFor()
    await page.getByTestId('explain-step-api/test').click()
    expect(errors).toEqual([])
  },
  180_000,
)

const shared = (word: string) => `name: shared
templates:
  build:
    params: { dir: { type: string, required: true, description: Where. } }
    steps: { make: { run: 'echo "${word} in \${{ params.dir }}"' } }
steps: { self: { uses: template, with: { template: build, params: { dir: . } } } }
`

async function shoot(page: Page, name: string): Promise<void> {
  const folder = process.env.ANSFLOW_SCREENSHOTS
  if (folder) await page.screenshot({ path: join(folder, `${name}.png`) })
}

const included = {
  en: { brings: 'Templates: build', newer: 'has a newer version', from: 'Its steps are written in shared v1.' },
  'zh-CN': { brings: '模板：build', newer: '更新的版本', from: '其中的步骤写在 shared v1 中。' },
}

test.each(['en', 'zh-CN'] as const)(
  'templates of another pipeline are included by its version, and stay when there is a newer one (%s)',
  async (locale) => {
    const say = included[locale]
    const { project } = await system.api.projects.createProject({ name: `Shared ${locale}` })
    const projectId = project!.id
    await system.api.pipelines.applyPipeline({ projectId, yaml: shared('first'), publish: true })
    const { pipeline } = await system.api.pipelines.applyPipeline({
      projectId,
      yaml: 'name: user\nsteps:\n  # kept\n  web: { run: "true" }\n',
    })
    const pipelineId = pipeline!.id
    const edit = `/p/${project!.slug}/pipelines/${pipelineId}/edit`
    const { page, errors } = await newPerson(browser, system.url, { locale })
    await signIn(page, admin)
    await page.goto(edit)

    const form = page.getByTestId('inspector-field-include')
    expect(await form.getByTestId('include-add-file').count()).toBe(0)
    await form.getByTestId('include-add-pipeline').click()
    await form.getByText(say.brings).waitFor()
    const stored = async () => (await system.api.pipelines.getPipeline({ pipelineId })).yaml
    await expect.poll(stored, { timeout: 10_000 }).toContain('pipeline: shared, version: 1')
    const file = (await stored()).replace(
      'web: { run: "true" }',
      'web: { uses: template, with: { template: build, params: { dir: x } } }',
    )
    await system.api.pipelines.applyPipeline({ projectId, yaml: file })

    // Its parameters are a form as those of its own are.
    await page.getByTestId('node-web').getByText('build · shared v1').waitFor()
    await page.getByTestId('node-web').click()
    const dir = page.getByTestId('inspector-field-params.dir')
    await dir.getByRole('textbox').fill('web')
    await dir.getByRole('textbox').blur()
    await page.getByTestId('template-from').getByText(say.from).waitFor()
    await expect.poll(stored, { timeout: 10_000 }).toContain('dir: web')
    expect(await stored()).toContain('# kept')
    await system.api.pipelines.publishPipeline({ pipelineId })

    await system.api.pipelines.applyPipeline({ projectId, yaml: shared('second'), publish: true })
    const runId = await system.start(pipelineId)
    expect((await system.ended(runId)).status).toBe(RunStatus.SUCCEEDED)
    expect(await system.wholeLog(runId, 'web/make')).toContain('first in web')
    await page.goto(`/runs/${runId}`)
    await page.getByTestId('run-from-web').getByText('shared v1').waitFor()

    await page.goto(edit)
    await form.getByText(say.newer).waitFor()
    await form.scrollIntoViewIfNeeded()
    await shoot(page, `include-${locale}`)
    await form.getByTestId('include-update').click()
    await expect.poll(stored, { timeout: 10_000 }).toContain('pipeline: shared, version: 2')
    await page.getByTestId('node-web').getByText('build · shared v2').waitFor()
    expect(errors).toEqual([])
  },
  180_000,
)
