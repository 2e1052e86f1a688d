// A value for all pipelines of a project, kept in its settings; what a run makes of it, and which value wins, is seen on the step's page.

import { VariableService } from '@ansflow/proto/gen/ansflow/v1/variables_pb'
import { RunStatus } from '@ansflow/proto/status'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newPerson, signIn, startBrowser } from '../setup/browser.ts'
import { admin, type System, startSystem } from '../setup/system.ts'

const yaml = `name: winners
steps:
  set:
    run: |
      echo "$LEVEL" from the project
      mkdir -p bin
      printf '#!/bin/sh\\necho the tool ran\\n' > bin/my-tool
      chmod +x bin/my-tool
      echo "LEVEL=set" >> "$ANSFLOW_ENV"
      echo "$PWD/bin" >> "$ANSFLOW_PATH"
  use:
    name: Use
    needs: [set]
    run: |
      $| = 1;
      print "$ENV{LEVEL} $ENV{SEEN}\\n";
      system('my-tool') == 0 or die;
    shell: perl -w
    env: { SEEN: "\${{ vars.LEVEL }}" }
    continueOnError: true
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
  en: { edit: 'Edit', setBy: 'set by set', project: 'of the project', organization: 'of the organization' },
  'zh-CN': { edit: '编辑', setBy: '由 set 设置', project: '来自项目', organization: '来自组织' },
}

test.each(['en', 'zh-CN'] as const)('a variable is made, wins and is overridden in sight (%s)', async (locale) => {
  const say = texts[locale]
  const name = `LEVEL_${locale === 'en' ? 'EN' : 'ZH'}`
  const projectName = `Vars ${locale === 'en' ? 'en' : 'zh'}`
  const { projectId, pipelineId } = await system.pipeline(yaml.replaceAll('LEVEL', name), projectName)
  await system.client(VariableService).putOrganizationVariable({ name, value: 'quiet' })
  const { page, errors } = await newPerson(browser, system.url, { locale })
  await signIn(page, admin)
  const slug = (await system.api.projects.getProject({ projectId })).project!.slug
  await page.goto(`/p/${slug}/variables`)
  await page.getByTestId(`variable-${name}-inherited`).getByText('quiet').waitFor()
  await page.getByTestId('variable-new').click()
  await page.locator('input[name="variable-name"]').fill(name)
  await page.locator('textarea[name="variable-value"]').fill('draft')
  await page.getByTestId('variable-save').click()
  const own = page.getByTestId(`variable-${name}-own`)
  await own.getByText('draft').waitFor()
  await page.getByTestId(`variable-${name}-inherited`).locator('s').getByText('quiet').waitFor()
  await own.getByRole('button', { name: say.edit }).click()
  await page.locator('textarea[name="variable-value"]').fill('info')
  await page.getByTestId('variable-save').click()
  await own.getByText('info').waitFor()

  const runId = await system.start(pipelineId)
  expect((await system.ended(runId)).status).toBe(RunStatus.SUCCEEDED)
  expect(await system.wholeLog(runId, 'set')).toContain('info from the project')
  expect(await system.wholeLog(runId, 'use')).toContain('set info\nthe tool ran\n')
  await page.goto(`/runs/${runId}?step=use`)
  await page.getByTestId('show-variables').click()
  const shown = page.getByTestId('step-variables')
  await shown.getByTestId(`variable-${name}-0`).getByText(say.setBy, { exact: true }).waitFor()
  await shown.getByTestId(`variable-${name}-1`).locator('s').getByText('info', { exact: true }).waitFor()
  await shown.getByTestId(`variable-${name}-1`).getByText(say.project, { exact: true }).waitFor()
  await shown.getByTestId(`variable-${name}-2`).getByText(say.organization, { exact: true }).waitFor()
  await shown.getByTestId('variable-SEEN-0').getByText('info', { exact: true }).waitFor()
  expect(errors).toEqual([])
})
