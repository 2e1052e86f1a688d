// A step gets an image in the form; it waits for an agent with a container runtime, runs in the container, and its page shows the image.
import { RunStatus, StepStatus } from '@ansflow/proto/status'
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { canRunDocker, type DockerDaemon, startDockerDaemon } from '../../agent/test/docker-daemon.ts'
import { newPerson, signIn, startBrowser } from '../setup/browser.ts'
import { admin, type System, startSystem } from '../setup/system.ts'
import { waitFor } from '../setup/wait-for.ts'
import { Editor } from './editor.ts'
import { axeFaults, settled, textFaults, widthFaults } from './page-faults.ts'

const yaml = `name: boxed
steps:
  fetch: { run: echo fetched >file }
  box: { needs: [fetch], run: 'echo "$FROM_IMAGE"; cat file; : "\${{ steps.fetch.status }}"' }
`

const waits = {
  en: 'No agent with a container runtime is online',
  'zh-CN': '没有带容器运行时的在线代理',
}

describe.skipIf(!canRunDocker)('a step in a container', () => {
  let system: System
  let browser: Browser
  let daemon: DockerDaemon
  beforeAll(async () => {
    daemon = await startDockerDaemon()
    browser = await startBrowser()
  }, 60_000)
  // Each has no agent with a runtime at first, and none that was one.
  beforeEach(async () => {
    system = await startSystem()
  }, 60_000)
  afterEach(() => system?.[Symbol.asyncDispose]())
  afterAll(async () => {
    await browser?.close()
    await daemon?.[Symbol.asyncDispose]()
  })

  test.each(['en', 'zh-CN'] as const)('is made in the form, waits, runs and is shown (%s)', async (locale) => {
    const { projectId, pipelineId } = await system.pipeline(yaml, `Boxed ${locale}`)
    const { page, errors } = await newPerson(browser, system.url, { locale })
    await signIn(page, admin)
    const { slug } = (await system.api.projects.getProject({ projectId })).project!
    const look = async (name: string) => {
      await settled(page)
      expect([...(await textFaults(page, locale)), ...(await widthFaults(page)), ...(await axeFaults(page))]).toEqual(
        [],
      )
      const folder = process.env.ANSFLOW_SCREENSHOTS
      for (const colorScheme of folder ? (['light', 'dark'] as const) : []) {
        await page.emulateMedia({ colorScheme })
        await settled(page)
        await page.screenshot({ path: `${folder}/${name}.${locale}.${colorScheme}.png` })
      }
    }

    const editor = new Editor(page)
    await editor.open(slug, pipelineId)
    await editor.select('box')
    await editor.fill('image', daemon.image)
    await look('container-form')
    await editor.label('saved')
    const drawn = async () => (await system.api.pipelines.getPipeline({ pipelineId })).yaml
    await waitFor(async () => (await drawn()).includes(`image: ${daemon.image}`), { what: 'the file has the image' })

    const { run } = await system.api.runs.startRun({ pipelineId, draft: true })
    const runId = run!.id
    await page.goto(`/runs/${runId}?step=fetch`)
    // The step before it waits too: its workspace is for both.
    await page.getByText(waits[locale]).first().waitFor()
    await look('container-waits')
    await system.addAgent({ env: daemon.env })
    expect((await system.ended(runId)).status).toBe(RunStatus.SUCCEEDED)
    expect(await system.wholeLog(runId, 'box')).toMatch(/yes\nfetched\n$/)
    const box = (await system.run(runId)).steps.find(({ id }) => id === 'box')!
    expect(box).toMatchObject({ status: StepStatus.SUCCEEDED, attempts: [{ image: { name: daemon.image } }] })
    await page.goto(`/runs/${runId}?step=box`)
    await page.getByTestId('step-image').getByText(daemon.image).waitFor()
    await look('container-run')
    expect(errors).toEqual([])
  })
})
