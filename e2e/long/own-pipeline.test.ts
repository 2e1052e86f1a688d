// AnsFlow builds AnsFlow: the pipeline file of this repository, run from the console's start form on a local clone.
import { join } from 'node:path'
import { RunStatus } from '@ansflow/proto/status'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { root, runCommand } from '../../deploy/dev/run-command.ts'
import { newPerson, signIn, startBrowser } from '../setup/browser.ts'
import { admin, type System, startSystem } from '../setup/system.ts'

let system: System
let browser: Browser
beforeAll(async () => {
  system = await startSystem({ slots: 2 })
  browser = await startBrowser()
})
afterAll(async () => {
  await browser?.close()
  await system?.[Symbol.asyncDispose]()
})

test('the pipeline of this repository is green on a clone of it', { timeout: 900_000 }, async () => {
  const repository = join(system.folder, 'ansflow.git')
  // Whatever the checkout stands on, a branch, a bare commit or a shallow clone, the clone's main is that commit.
  await runCommand('git', ['init', '-q', '--bare', '-b', 'main', repository], { cwd: system.folder })
  await runCommand('git', ['config', 'receive.shallowUpdate', 'true'], { cwd: repository })
  await runCommand('git', ['push', '-q', repository, 'HEAD:refs/heads/main'], { cwd: root })
  const { projectId } = await system.pipeline(await runCommand('git', ['show', 'HEAD:ansflow.yaml']), 'AnsFlow')
  const slug = (await system.api.projects.getProject({ projectId })).project?.slug ?? ''

  const { page, errors } = await newPerson(browser, system.url)
  await signIn(page, admin)
  await page.goto(`/p/${slug}/pipelines`)
  await page.getByTestId('run-ansflow').click()
  await page.getByTestId('run-input-repository').locator('input').fill(repository)
  const began = performance.now()
  await page.getByTestId('start-run-confirm').click()
  await page.getByTestId('run-status').waitFor()
  const runId = new URL(page.url()).pathname.split('/').at(-1) ?? ''
  const run = await system.ended(runId, 840_000)
  const ended = performance.now()

  const tails = run.steps.map(
    async (step) => `${step.id}: ${step.reason} ${(await system.log(runId, step.id).catch(String)).slice(-800)}`,
  )
  expect(RunStatus[run.status], (await Promise.all(tails)).join('\n')).toBe('SUCCEEDED')
  await page.locator('[data-testid="run-status"][data-status="SUCCEEDED"]').waitFor()
  const commit = await runCommand('git', ['rev-parse', 'HEAD'], { cwd: repository })
  expect(run.steps.find((step) => step.id === 'build')?.outputs.commit).toBe(commit.trim())
  console.log(`AnsFlow built and checked by itself in ${((ended - began) / 1000).toFixed(0)} s`)
  expect(errors).toEqual([])
})
