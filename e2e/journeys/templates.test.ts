// A template is used twice: written in the file, its parameters changed in the form, run with its steps on the run's page and as one on
// the canvas, explained, and compared.
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
