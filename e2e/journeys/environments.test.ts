// An environment is made in the console; a step deploys there with its variable, one of another branch does not, and the page says what
// is there now.
import { EnvironmentService } from '@ansflow/proto/gen/ansflow/v1/environments_pb'
import { RunStatus } from '@ansflow/proto/status'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newPerson, signIn, startBrowser } from '../setup/browser.ts'
import { admin, type System, startSystem } from '../setup/system.ts'
import { axeFaults, settled, textFaults, widthFaults } from './page-faults.ts'

const yaml = `name: ship
steps:
  live:
    name: Live
    run: |
      echo "level $LEVEL at $CI_ENVIRONMENT_NAME"
      echo "at=https://$LEVEL.example.org/" >> "$ANSFLOW_OUTPUT"
    outputs: [at]
    environment: { name: production, url: "\${{ steps.live.outputs.at }}" }
  odd: { needs: [live], run: "true", environment: { name: staging, url: "\${{ 'javascript:alert(1)' }}" } }
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
  en: {
    here: 'Is here now',
    noLink: 'What was deployed has no link',
    used: 'ship / live',
    refused: 'Only runs of main may deploy to production',
  },
  'zh-CN': {
    here: '正在此处',
    noLink: '部署的内容没有链接',
    used: 'ship / live',
    refused: '只有 main 的运行可以部署到 production',
  },
}

test.each(['en', 'zh-CN'] as const)('what is deployed is seen where it is (%s)', async (locale) => {
  const say = texts[locale]
  const { projectId, pipelineId } = await system.pipeline(yaml, `Ship ${locale}`)
  const { page, errors } = await newPerson(browser, system.url, { locale })
  await signIn(page, admin)
  const { slug } = (await system.api.projects.getProject({ projectId })).project!
  await page.goto(`/p/${slug}/environments`)
  for (const [name, branches] of [
    ['staging', ''],
    ['production', 'main'],
  ]) {
    await page.getByTestId('environment-new').click()
    await page.locator('input[name="environment-name"]').fill(name!)
    await page.locator('input[name="environment-branches"]').fill(branches!)
    await page.getByTestId('environment-save').click()
    await page.getByTestId(`environment-${name}`).waitFor()
  }
  const { environments } = await system.client(EnvironmentService).listEnvironments({ projectId })
  expect(environments.map(({ name, branches }) => [name, ...branches])).toEqual([['staging'], ['production', 'main']])

  await page.getByTestId('environment-production').locator(`a[href^="/p/${slug}/variables"]`).click()
  await page.getByTestId('scope-picker').waitFor()
  await page.getByTestId('variable-new').click()
  await page.locator('input[name="variable-name"]').fill('LEVEL')
  await page.locator('textarea[name="variable-value"]').fill('live')
  await page.getByTestId('variable-save').click()
  await page.getByTestId('variable-LEVEL-own').getByText('live').waitFor()

  const started = async (branch: string) => {
    const git = { branch, commit: 'c'.repeat(40), message: 'Mend the till' }
    return (await system.api.runs.startRun({ pipelineId, git })).run!.id
  }
  const refused = await started('feature')
  expect((await system.ended(refused)).status).toBe(RunStatus.FAILED)
  await page.goto(`/runs/${refused}?step=live`)
  await page.getByText(say.refused).first().waitFor()
  const runId = await started('main')
  expect((await system.ended(runId)).status).toBe(RunStatus.SUCCEEDED)
  expect(await system.wholeLog(runId, 'live')).toContain('level live at production')
  await page.goto(`/runs/${runId}?step=live`)
  const link = page.locator('a[href="https://live.example.org/"]')
  await page.getByTestId('step-environment').locator(link).waitFor()
  await page.getByTestId('run-deployment').locator(link).waitFor()
  // What is no address is no link, and fails nothing.
  await page.getByTestId('run-deployment-problem').getByText(say.noLink).waitFor()
  expect(await page.locator('a[href^="javascript:"]').count()).toBe(0)
  await looked(page, locale, 'run')

  await page.goto(`/p/${slug}/environments`)
  await page.getByTestId('environment-production').getByText('Mend the till').waitFor()
  await page.getByTestId('deployment-2-live').getByText(say.here).waitFor()
  await page.getByTestId('environment-production').locator(link).waitFor()
  await page.getByTestId('deployment-2-live').locator(link).waitFor()
  await looked(page, locale, 'environments')
  await page.getByTestId('remove-production').click()
  await page.getByText(say.used).waitFor()
  await page.getByPlaceholder('production').fill('production')
  await page.getByPlaceholder('production').press('Enter')
  await page.getByTestId('environment-production').waitFor({ state: 'detached' })
  expect(errors).toEqual([])
})

async function looked(page: Page, locale: 'en' | 'zh-CN', name: string): Promise<void> {
  await settled(page)
  expect([...(await textFaults(page, locale)), ...(await widthFaults(page)), ...(await axeFaults(page))]).toEqual([])
  const folder = process.env.ANSFLOW_SCREENSHOTS
  if (!folder) return
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    await settled(page)
    await page.screenshot({ path: `${folder}/${name}.${locale}.${colorScheme}.png` })
  }
}
