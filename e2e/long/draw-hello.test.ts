// A C project that nobody here wrote, GNU hello: fetched over git's smart HTTP, configured, built and checked by a pipeline drawn with the mouse.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Editor } from '../journeys/editor.ts'
import { newPerson, signIn, startBrowser } from '../setup/browser.ts'
import { debianSource } from '../setup/debian-source.ts'
import { bareRepository, GitServer } from '../setup/git-server.ts'
import { admin, type System, startSystem } from '../setup/system.ts'

// Git keeps no times, so files that were made from others are set to be newer than these, in the order they were made.
// The manual page is left out: making it takes a program that few build hosts have.
const configure = `touch aclocal.m4
sleep 1
find . -name Makefile.in -exec touch {} +
touch configure config.in
touch doc/version.texi doc/stamp-vti
touch doc/*.info
./configure --quiet
`
const build = 'make MANS=\n'

let system: System
let browser: Browser
let git: GitServer
let version: string
beforeAll(async () => {
  system = await startSystem({ slots: 2 })
  const repositories = join(system.folder, 'repositories')
  await mkdir(repositories)
  version = await debianSource('hello', join(system.folder, 'hello'))
  await bareRepository(repositories, 'hello.git', join(system.folder, 'hello'))
  git = await new GitServer(repositories).listen()
  browser = await startBrowser()
})
afterAll(async () => {
  await browser?.close()
  await git?.[Symbol.asyncDispose]()
  await system?.[Symbol.asyncDispose]()
})

test('GNU hello is built and checked by a pipeline drawn with the mouse', { timeout: 300_000 }, async () => {
  const { project } = await system.api.projects.createProject({ name: 'GNU' })
  const { page, errors } = await newPerson(browser, system.url, { motion: true })
  await signIn(page, admin)
  const began = performance.now()
  await page.goto(`/p/${project?.slug}/pipelines`)
  await page.getByTestId('new-pipeline').click()
  await page.getByTestId('pipeline-name-input').fill('gnu hello')
  await page.getByTestId('create-pipeline').click()

  const editor = new Editor(page)
  await page.getByTestId('empty-canvas').waitFor()
  await editor.label('saved')
  const source = await editor.drop('fetch_code', { x: 140, y: 160 })
  await editor.fill('url', git.url('hello.git'))
  const prepare = await editor.drop('custom', { x: 400, y: 160 })
  await editor.replaceScript(configure)
  const compile = await editor.drop('build', { x: 660, y: 160 })
  await editor.replaceScript(build)
  const check = await editor.drop('test', { x: 400, y: 340 })
  await editor.replaceScript('make check MANS=\n')
  const greet = await editor.drop('custom', { x: 660, y: 340 })
  await editor.replaceScript('./hello --greeting "Drawn with the mouse"\n')
  expect(await editor.keys()).toHaveLength(5)
  const first = await editor.node(source).boundingBox()
  const there = await editor.onCanvas({ x: 140, y: 160 })
  expect(Math.abs((first?.x ?? 0) + 100 - there.x)).toBeLessThanOrEqual(20)
  await editor.connect(source, prepare)
  await editor.connect(prepare, compile)
  await editor.connect(compile, check)
  await editor.connect(compile, greet)
  await editor.label('saved')
  await editor.publish('Fetches, configures, builds and checks GNU hello')
  const drawn = performance.now()

  await page.goto(`/p/${project?.slug}/pipelines`)
  await page.getByTestId('run-gnu hello').click()
  await page.getByTestId('start-run-confirm').click()
  const status = page.getByTestId('run-status')
  await status.waitFor()
  await page
    .locator('[data-testid="run-status"]:not([data-status="RUNNING"], [data-status="QUEUED"])')
    .waitFor({ timeout: 240_000 })
  const runId = new URL(page.url()).pathname.split('/').at(-1) ?? ''
  const tails = (await system.run(runId)).steps.map(
    async (step) => `${step.id}: ${(await system.log(runId, step.id).catch(String)).slice(-500)}`,
  )
  expect(await status.getAttribute('data-status'), (await Promise.all(tails)).join('\n')).toBe('SUCCEEDED')
  const ended = performance.now()

  await page.getByTestId(`run-node-${check}`).click()
  await page
    .locator('.log-rows')
    .getByText(/# PASS: +[1-9]/)
    .waitFor()
  const log = await system.wholeLog(runId, check)
  expect(log).toMatch(/# TOTAL: [1-9]/)
  expect(log).toMatch(/# FAIL: +0/)
  expect(await system.wholeLog(runId, greet)).toBe('Drawn with the mouse\n')
  const file = await system.api.pipelines.listPipelines({ projectId: project?.id ?? '' })
  expect(file.pipelines[0]).toMatchObject({ name: 'gnu hello', latestVersion: 1 })

  const seconds = (from: number, to: number) => ((to - from) / 1000).toFixed(1)
  console.log(`GNU hello ${version}: drawn in ${seconds(began, drawn)} s, green ${seconds(drawn, ended)} s later`)
  expect(errors).toEqual([])
})
