// A step that runs once for each value: drawn in the editor, run from there, and a failing copy that ends the others.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RunStatus, StepStatus, statusWord } from '@ansflow/proto/status'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newPerson, signIn, startBrowser } from '../setup/browser.ts'
import { admin, type System, startSystem } from '../setup/system.ts'
import { waitFor } from '../setup/wait-for.ts'
import { Editor } from './editor.ts'

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

/** Adds the axis `name` with these values on the matrix tab. */
async function addAxis(page: Page, name: string, values: string): Promise<void> {
  const axes = page.getByTestId('matrix-axis')
  const before = await axes.count()
  await page.getByTestId('matrix-add-axis').click()
  const axis = axes.nth(before)
  await axis.getByLabel('Name of the axis').fill(name)
  await axis.getByLabel('Name of the axis').press('Tab')
  await axis.getByLabel(`Values of ${name}`).fill(values)
  await axis.getByLabel(`Values of ${name}`).press('Enter')
}

const count = (page: Page, text: string) => page.getByTestId('matrix-count').getByText(text, { exact: true }).waitFor()

test('a matrix is drawn, counted, run and seen as copies with logs of their own', { timeout: 90_000 }, async () => {
  const { pipelineId } = await system.pipeline(`name: drawn
steps:
  test: { run: echo first, outputs: [v] }
  end: { needs: [test], run: 'echo "after \${{ size(steps.test.outputs.v) }}"' }
`)
  const { page, errors } = await newPerson(browser, system.url)
  await signIn(page, admin)
  const editor = new Editor(page)
  await editor.open('test', pipelineId)
  await editor.select('test')
  await editor.tab('Matrix')
  await addAxis(page, 'node', '20, 22, 24')
  await count(page, '3 copies')
  await addAxis(page, 'os', 'a, b')
  await count(page, '6 copies')
  await page.getByTestId('matrix.exclude-add').click()
  await page.getByLabel('node of line 1').fill('20')
  await page.getByLabel('node of line 1').press('Tab')
  await count(page, '4 copies')
  await page.getByTestId('copies-test').getByText('×4').waitFor()
  // The file says it, and what the step does reads it.
  await editor.tab('Settings')
  await editor.replaceScript(
    'echo "node ${{ matrix.node }} on ${{ matrix.os }}"; echo "v=${{ matrix.os }}" >> "$ANSFLOW_OUTPUT"',
  )
  const yaml = await waitFor(
    async () => {
      await editor.show('YAML')
      const text = await editor.yaml()
      await editor.show('Graph')
      return text.includes('matrix.os') ? text : undefined
    },
    { what: 'the file has the matrix' },
  )
  expect(yaml.replace(/\s+/g, ' ')).toMatch(/matrix: .*node: .*20.*22.*24.*os: .*a.*b.*exclude: .*node: 20/)
  await editor.label('saved')

  await editor.run()
  const run = await waitFor(async () => (await system.api.runs.listRuns({ pageSize: 1 })).runs[0], { what: 'a run' })
  const ended = await system.ended(run.id)
  expect(ended.status).toBe(RunStatus.SUCCEEDED)
  await page.goto(`/runs/${run.id}`)
  await page.getByTestId('run-step-test.3').click()
  await page.getByTestId('log-rows').getByText('node 24 on b', { exact: true }).waitFor()
  expect(await page.getByTestId('step-panel').locator('h2').textContent()).toBe('test (24, b)')
  await page.getByTestId('run-step-test.0').getByText('node 22 · os a').waitFor()
  await page.getByTestId('run-tally-test').getByText('4').waitFor()
  expect(await system.wholeLog(run.id, 'end')).toContain('after 4')
  expect(errors).toEqual([])
})

test('many copies are folded; one that fails ends the others, and the page leads to it', {
  timeout: 90_000,
}, async () => {
  const gate = join(system.folder, 'gate')
  const { pipelineId } = await system.pipeline(`name: grid
steps:
  plan: { run: 'echo "list=[1,2,3,4,5,6,7,8,9,10]" >> "$ANSFLOW_OUTPUT"', outputs: [list] }
  test:
    needs: [plan]
    run: |
      echo "copy \${{ matrix.n }} began"
      if [ \${{ matrix.n }} = 1 ]; then exit 0; fi
      while [ ! -f ${gate} ]; do sleep 0.05; done
      if [ \${{ matrix.n }} = 2 ]; then echo "error: the second leaks"; exit 3; fi
      sleep 60
    matrix: { n: "\${{ fromJSON(steps.plan.outputs.list) }}", maxParallel: 2 }
  after: { needs: [test], run: echo never }
`)
  const { page, errors } = await newPerson(browser, system.url)
  await signIn(page, admin)
  const runId = await system.start(pipelineId)
  await page.goto(`/runs/${runId}`)
  // Copies that come while the page is open: two run, the others say for what they wait.
  const tally = page.getByTestId('run-tally-test')
  const counts = async () => (await tally.locator('> span').allTextContents()).map((text) => text.replace(/\D/g, ''))
  await waitFor(async () => (await counts()).join() === '1,2,7', { what: 'one has passed, two run, seven wait' })
  await page.getByTestId('run-step-test').waitFor()
  const folded = page.getByTestId('fold-test')
  // The page follows what runs, so it is open; folded, a line is left.
  if ((await folded.getAttribute('aria-expanded')) === 'true') await folded.click()
  await page.getByTestId('run-step-test.9').waitFor({ state: 'detached' })
  await folded.click()
  await page.getByTestId('run-step-test.9').getByText('Waits for another copy to end: at most 2 run at once').waitFor()

  await writeFile(gate, '')
  const run = await system.ended(runId)
  expect(run.steps.map(({ id, status }) => `${id}:${statusWord(status)}`)).toEqual([
    'plan:succeeded',
    'test:failed',
    'test.0:succeeded',
    'test.1:failed',
    'test.2:canceled',
    ...[3, 4, 5, 6, 7, 8, 9].map((copy) => `test.${copy}:skipped`),
    'after:skipped',
  ])
  expect(run.stepCounts.find(({ status }) => status === StepStatus.SKIPPED)?.count).toBe(8)
  await page.getByTestId('cause-card').getByText('n 2', { exact: true }).waitFor()
  await page.getByTestId('cause-card').getByText('error: the second leaks').waitFor()
  await page.getByTestId('run-step-test.2').getByText('Not needed any more since test (2) has failed').waitFor()
  await page.getByTestId('run-node-test').click()
  await page.getByTestId('step-copies').getByText('1 of its 10 copies failed').waitFor()
  await page.getByTestId('step-copies').getByTestId('run-step-test.1').click()
  await page.getByTestId('log-rows').getByText('copy 2 began', { exact: true }).waitFor()
  await page.locator('label', { hasText: 'Waterfall' }).click()
  await page.getByTestId('waterfall-test.1').waitFor()
  await page.getByTestId('fold-test').click()
  await page.getByTestId('waterfall-test.1').waitFor({ state: 'detached' })
  expect(errors).toEqual([])
})
