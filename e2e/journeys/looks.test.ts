// Every page in both languages and themes: whole texts, nothing wider than the window, no errors. With ANSFLOW_SCREENSHOTS set to a
// folder, a picture of each is put there as <page>.<language>.<theme>.png.
import { join } from 'node:path'
import { Role } from '@ansflow/proto/access'
import { OrganizationService } from '@ansflow/proto/gen/ansflow/v1/organizations_pb'
import { ProjectService } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import { RunStatus } from '@ansflow/proto/status'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newPerson, signIn, startBrowser } from '../setup/browser.ts'
import { admin, type System, startSystem } from '../setup/system.ts'
import { waitFor } from '../setup/wait-for.ts'

const deliver = `name: deliver
description: Builds the shop, tests it twice and packs it.
inputs:
  channel: { type: choice, options: [stable, beta], default: stable }
  notes: { type: string, default: nothing new }
env: { LANG: C }
steps:
  prepare: { name: Prepare, run: 'echo preparing; echo "version=1.4" >> "$ANSFLOW_OUTPUT"', outputs: [version] }
  compile: { name: Compile, needs: [prepare], uses: build, with: { script: 'echo compiling \${{ steps.prepare.outputs.version }}' } }
  unit: { name: Unit tests, needs: [compile], uses: test, with: { script: 'for i in 1 2 3 4 5; do echo "test $i ok"; done' } }
  style: { name: Style, needs: [compile], allowFailure: true, uses: test, with: { script: 'echo two remarks; exit 1' } }
  beta: { name: Announce, needs: [unit], when: "\${{ inputs.channel == 'beta' }}", run: echo announced }
  pack: { name: Pack, needs: [unit, style], run: echo packed }
`
const nightly = `name: nightly
steps:
  fetch: { run: echo fetched }
  soak: { needs: [fetch], run: 'echo soaking; echo "error: the tank leaks" >&2; exit 3' }
  report: { needs: [soak], run: echo never }
`
const namespaces = 'agents|auth|home|organizations|pipelines|projects|runs|secrets|shell|ui'
const screenshots = process.env.ANSFLOW_SCREENSHOTS

let system: System
let empty: System
let browser: Browser
let pages: { name: string; path: string; ready: string }[]
beforeAll(async () => {
  system = await startSystem()
  empty = await startSystem({ empty: true })
  browser = await startBrowser()
  pages = await fillSystem()
}, 240_000)
afterAll(async () => {
  await browser?.close()
  await empty?.[Symbol.asyncDispose]()
  await system?.[Symbol.asyncDispose]()
})

describe.for(
  (['en', 'zh-CN'] as const).flatMap((locale) => (['light', 'dark'] as const).map((theme) => ({ locale, theme }))),
)('in $locale, $theme', { timeout: 300_000 }, ({ locale, theme }) => {
  test('every page is whole', async () => {
    const { page, errors } = await newPerson(browser, system.url, { locale, theme })
    await page.setViewportSize({ width: 1280, height: 800 })
    const wrong: string[] = []
    const look = async (name: string) => {
      await settled(page)
      wrong.push(...(await faults(page, locale)).map((fault) => `${name}: ${fault}`))
      wrong.push(...errors.splice(0).map((error) => `${name}: console: ${error}`))
      if (screenshots) await page.screenshot({ path: join(screenshots, `${name}.${locale}.${theme}.png`) })
    }

    await page.goto(/http:\S+\/setup#\S+/.exec(empty.output)?.[0] ?? '')
    await page.locator('input[name="organization"]').waitFor()
    await look('setup')
    await page.goto('/login')
    await page.locator('input[name="email"]').waitFor()
    await look('login')
    await page.goto(await invitation(`${locale}-${theme}@example.test`))
    await page.locator('input[name="name"]').waitFor()
    await look('invite')
    await signIn(page, admin)
    for (const { name, path, ready } of pages) {
      await page.goto(path)
      await page.locator(ready).first().waitFor()
      await look(name)
    }
    await page.goto('/no-such-page')
    await look('not-found')
    expect(wrong).toEqual([])
  })
})

/** Nothing is being loaded or moved any more. */
async function settled(page: Page): Promise<void> {
  await page
    .locator('[aria-hidden="true"].waiting, .skeleton')
    .waitFor({ state: 'detached' })
    .catch(() => {})
  await page.evaluate(async () => {
    await document.fonts.ready
    await Promise.all(
      document
        .getAnimations()
        .map((one) => (one.effect?.getComputedTiming().iterations === 1 ? one.finished : undefined)),
    )
  })
}

async function faults(page: Page, locale: string): Promise<string[]> {
  return page.evaluate(
    ({ names, language }) => {
      const found: string[] = []
      const key = new RegExp(`\\b(?:${names})\\.[a-z][A-Za-z]*(?:\\.[A-Za-z]+)*\\b`)
      const texts = [document.title, document.body.textContent ?? '']
      for (const element of document.querySelectorAll('[title], [aria-label], [placeholder]'))
        for (const attribute of ['title', 'aria-label', 'placeholder'])
          texts.push(element.getAttribute(attribute) ?? '')
      for (const text of texts) {
        const raw = key.exec(text)
        if (raw) found.push(`shows the key ${raw[0]}`)
      }
      if (document.documentElement.lang !== language) found.push(`is in ${document.documentElement.lang}`)
      const wide = document.documentElement.scrollWidth - window.innerWidth
      if (wide > 0) found.push(`is ${wide} px wider than the window`)
      return found
    },
    { names: namespaces, language: locale },
  )
}

async function invitation(email: string): Promise<string> {
  const organizations = system.client(OrganizationService)
  const organizationId = (await organizations.listOrganizations({})).organizations[0]?.id ?? ''
  return (await organizations.inviteMember({ organizationId, email, role: Role.DEVELOPER })).link
}

/** Something on every page, and the pages' addresses. */
async function fillSystem(): Promise<typeof pages> {
  const { projectId, pipelineId } = await system.pipeline(deliver, 'Shop')
  await system.pipeline(deliver.replace('nothing new', 'see the list of changes'), 'Shop')
  const broken = await system.pipeline(nightly, 'Shop')
  const slug = (await system.api.projects.getProject({ projectId })).project?.slug ?? ''
  await system.client(ProjectService).putSecret({ projectId, name: 'DEPLOY_KEY', value: 'not a real one' })
  const passed = await system.start(pipelineId)
  const failed = await system.start(broken.pipelineId)
  expect((await system.ended(passed)).status).toBe(RunStatus.SUCCEEDED)
  expect((await system.ended(failed)).status).toBe(RunStatus.FAILED)
  await waitFor(async () => (await system.log(failed, 'soak')).includes('leaks'), { what: 'the log is stored' })
  const project = `/p/${slug}`
  const pipeline = `${project}/pipelines/${pipelineId}`
  return [
    { name: 'home', path: '/', ready: 'h1' },
    { name: 'projects', path: '/p', ready: `a[href="${project}"]` },
    { name: 'project', path: project, ready: 'h1' },
    { name: 'pipelines', path: `${project}/pipelines`, ready: '[data-testid="pipeline-row-deliver"]' },
    { name: 'editor', path: `${pipeline}/edit?node=unit`, ready: '[data-testid="script-script"]' },
    { name: 'editor-run', path: `${pipeline}/edit?run=${passed}`, ready: '[data-testid="run-bar"]' },
    { name: 'editor-yaml', path: `${pipeline}/edit?view=yaml`, ready: '[data-testid="yaml-editor"]' },
    { name: 'editor-split', path: `${pipeline}/edit?view=split`, ready: '[data-testid="yaml-editor"]' },
    { name: 'versions', path: `${pipeline}/versions`, ready: 'h1' },
    { name: 'project-runs', path: `${project}/runs`, ready: '[data-testid^="run-row-"]' },
    { name: 'project-members', path: `${project}/members`, ready: 'table' },
    { name: 'secrets', path: `${project}/secrets`, ready: 'table' },
    { name: 'project-settings', path: `${project}/settings`, ready: 'form' },
    { name: 'runs', path: '/runs', ready: '[data-testid^="run-row-"]' },
    { name: 'run-succeeded', path: `/runs/${passed}?step=unit`, ready: '[data-testid="log-rows"] [data-line]' },
    { name: 'run-failed', path: `/runs/${failed}`, ready: '[data-testid="log-rows"] [data-line]' },
    { name: 'run-list', path: `/runs/${passed}?view=list`, ready: '[data-testid="step-panel"]' },
    { name: 'run-definition', path: `/runs/${passed}?view=definition`, ready: '[data-testid="step-panel"]' },
    { name: 'agents', path: '/agents', ready: 'text=agent-1' },
    { name: 'members', path: '/settings/members', ready: 'table' },
    { name: 'profile', path: '/settings/profile', ready: 'form' },
    { name: 'sessions', path: '/settings/sessions', ready: 'h1, h2' },
    { name: 'tokens', path: '/settings/tokens', ready: 'h1, h2' },
  ]
}
