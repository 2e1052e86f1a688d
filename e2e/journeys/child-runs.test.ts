// A pipeline that runs another one: drawn, published, followed from one run into the other and back, and canceled with it.
import { RunStatus } from '@ansflow/proto/status'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newPerson, signIn, startBrowser } from '../setup/browser.ts'
import { admin, type System, startSystem } from '../setup/system.ts'

const deploy = `name: deploy
inputs: { version: { type: string }, hold: { type: boolean, default: false } }
outputs: { address: "https://\${{ inputs.version }}.example.org" }
steps:
  push: { name: Push it, run: "echo pushing" }
  hold: { name: Hold, uses: wait, needs: [push], when: "\${{ inputs.hold }}", with: { duration: 1h } }
`
const build = `name: build
inputs: { hold: { type: string, default: "false" } }
outputs: { address: "\${{ steps.ship.outputs.address }}" }
steps:
  compile: { name: Compile, run: "echo compiled" }
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
  en: { canceled: 'Canceled by build #2' },
  'zh-CN': { canceled: '由 build #2 取消' },
}

test.each(['en', 'zh-CN'] as const)(
  'a step runs another pipeline; both runs lead to one another, and a cancel reaches the other (%s)',
  async (locale) => {
    const say = texts[locale]
    const { project } = await system.api.projects.createProject({ name: `Chain ${locale}` })
    const apply = async (yaml: string) =>
      (await system.api.pipelines.applyPipeline({ projectId: project!.id, yaml, publish: true })).pipeline!.id
    await apply(deploy)
    const buildId = await apply(build.replace(/^outputs.*\n/m, ''))
    const { page, errors } = await newPerson(browser, system.url, { locale })
    await signIn(page, admin)

    // The step is typed where the file is, and its form says the same.
    const step =
      '  ship:\n    needs: [compile]\n    uses: pipeline\n    with: { pipeline: deploy, inputs: { version: v1, hold: "${{ inputs.hold }}" } }\n'
    await system.api.pipelines.applyPipeline({ projectId: project!.id, yaml: build + step })
    await page.goto(`/p/${project!.slug}/pipelines/${buildId}/edit`)
    await page.getByTestId('node-ship').click()
    const field = page.getByTestId('inspector-field-pipeline')
    await field.getByRole('textbox').waitFor()
    expect(await field.getByRole('textbox').inputValue()).toBe('deploy')
    await system.api.pipelines.publishPipeline({ pipelineId: buildId })

    const parentId = await system.start(buildId)
    await system.ended(parentId)
    await page.goto(`/runs/${parentId}?step=ship`)
    const child = page.getByTestId('step-child')
    await child.getByTestId('run-step-push').waitFor()
    await page.getByTestId('run-output').getByText('https://v1.example.org').waitFor()
    await child.getByTestId('to-child').click()
    await page.getByRole('heading', { name: '#1 deploy' }).waitFor()
    const parent = page.getByTestId('to-parent')
    expect(await parent.textContent()).toBe('build #1')
    await page.goto(`/p/${project!.slug}/runs`)
    await page.getByTestId('to-parent').click()
    await page.waitForURL(`**/runs/${parentId}?step=ship`)
    await child.waitFor()

    const held = await system.start(buildId, { hold: 'true' })
    await page.goto(`/runs/${held}?step=ship`)
    await child.getByTestId('run-step-hold').waitFor()
    await page.getByTestId('cancel-run').click()
    expect((await system.ended(held)).status).toBe(RunStatus.CANCELED)
    await child.getByText(say.canceled).first().waitFor()
    const runs = (await system.api.runs.listRuns({ projectId: project!.id })).runs
    const { id } = runs.find(({ pipelineName }) => pipelineName === 'deploy')!
    const canceled = await system.ended(id)
    expect(canceled.status).toBe(RunStatus.CANCELED)
    expect(canceled.canceledByName).toBe('build #2')
    expect(errors).toEqual([])
  },
  180_000,
)
