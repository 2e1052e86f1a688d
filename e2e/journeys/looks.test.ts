// Every page in both languages and themes, at a desk and on a phone: whole texts, nothing wider than the window, no errors, nothing
// axe calls serious. With ANSFLOW_SCREENSHOTS set to a folder, a picture of each is put there as <page>.<language>.<theme>.png.

import { join } from 'node:path'
import { Role } from '@ansflow/proto/access'
import { AuthService } from '@ansflow/proto/gen/ansflow/v1/auth_pb'
import { EnvironmentService } from '@ansflow/proto/gen/ansflow/v1/environments_pb'
import { MemberService } from '@ansflow/proto/gen/ansflow/v1/members_pb'
import { OrganizationService } from '@ansflow/proto/gen/ansflow/v1/organizations_pb'
import { RerunMode } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { SecretService } from '@ansflow/proto/gen/ansflow/v1/secrets_pb'
import { VariableService } from '@ansflow/proto/gen/ansflow/v1/variables_pb'
import { WebhookService } from '@ansflow/proto/gen/ansflow/v1/webhooks_pb'
import { RunStatus } from '@ansflow/proto/status'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newPerson, signInByForm, startBrowser } from '../setup/browser.ts'
import { admin, type System, startSystem } from '../setup/system.ts'
import { waitFor } from '../setup/wait-for.ts'
import { axeFaults, nameFaults, settled, textFaults, widthFaults } from './page-faults.ts'
import { repositoryLooks } from './repository-looks.ts'
import { Repositories, reachesThisMachine } from './shop-repository.ts'

const deliver = `name: deliver
description: Builds the shop, tests it twice and packs it.
inputs:
  channel: { type: choice, options: [stable, beta], default: stable }
  notes: { type: string, default: nothing new }
env: { LANG: C }
steps:
  prepare: { name: Prepare, run: 'echo preparing; echo "version=1.4" >> "$ANSFLOW_OUTPUT"', outputs: [version] }
  compile: { name: Compile, needs: [prepare], uses: build, with: { script: 'echo compiling \${{ steps.prepare.outputs.version }}' } }
  unit: { name: Unit tests, needs: [compile], uses: test, with: { script: 'for i in 1 2 3 4 5; do echo "test $i ok"; done; echo "::warning file=src/cart.ts,line=7,title=Slow::took 3 s"; echo "# 5 tests" >> "$ANSFLOW_SUMMARY"; echo "LEVEL=set" >> "$ANSFLOW_ENV"' } }
  style: { name: Style, needs: [compile], allowFailure: true, retry: { max: 1, on: [timeout, lost] }, uses: test, with: { script: 'echo two remarks; exit 1' } }
  beta: { name: Announce, needs: [unit], when: "\${{ inputs.channel == 'beta' }}", run: echo announced }
  pack: { name: Pack, needs: [unit, style], run: echo packed }
`
const nightly = `name: nightly
on: { schedule: [{ cron: "0 3 1 1 *", timezone: Asia/Shanghai, name: new year, catchUp: none }, '@yearly'] }
steps:
  fetch: { run: echo fetched }
  soak: { needs: [fetch], run: 'echo soaking; echo "error: the tank leaks" >&2; exit 3' }
  report: { needs: [soak], run: echo never }
`
const grid = `name: grid
templates: { pair: { steps: { one: { run: echo one }, two: { needs: [one], run: echo two } } } }
steps:
  fetch: { run: echo fetched }
  test:
    name: Unit tests
    needs: [fetch]
    run: '[ \${{ matrix.node }}\${{ matrix.os }} != 22b ]'
    matrix: { node: [20, 22, 24], os: [a, b, c, d], exclude: [{ node: 20, os: d }], include: [{ node: 24, slow: true }], maxParallel: 3, failFast: false }
  small: { needs: [fetch], run: 'echo on \${{ matrix.db }}', matrix: { db: [mariadb, sqlite] } }
  both: { uses: template, needs: [fetch], with: { template: pair } }
  report: { needs: [test, small], run: echo never }
`
const chain = `name: chain
on:
  run: [{ pipeline: nightly, results: [canceled], branches: [main, release/*] }]
  webhook: { filter: 'body.ref == "main"', inputs: { channel: "\${{ body.channel }}" }, delivery: x-delivery }
inputs: { channel: { type: choice, options: [stable, beta], default: beta } }
defaults: { timeout: 10m, env: { LEVEL: "2" } }
outputs: { how: "\${{ steps.call.status }}" }
steps:
  call: { name: Deliver it, uses: pipeline, with: { pipeline: deliver, inputs: { channel: "\${{ inputs.channel }}" } } }
`
const pushed = `name: on push
on:
  push: { branches: [main, "release/**", "!release/old"], paths: ["src/**"], repositories: [shop, acme/*] }
  pullRequest: { branches: [main], labels: [ci], drafts: true }
  comment: [{ command: test, inputs: { channel: "\${{ git.branch }}" } }]
  release:
inputs: { channel: { type: string, default: beta } }
steps:
  test: { name: Test it, run: "true", when: 'changed("src/**", "!**/*.md")' }
`
const screenshots = process.env.ANSFLOW_SCREENSHOTS

let system: System
let empty: System
let repositories: Repositories
let browser: Browser
/** `press`: what opens the part that is looked at, one after the other: test ids, else selectors. */
let pages: { name: string; path: string; ready: string; press?: string[] }[]
beforeAll(async () => {
  repositories = await Repositories.start()
  system = await startSystem({ env: reachesThisMachine })
  empty = await startSystem({ empty: true })
  browser = await startBrowser()
  pages = await fillSystem()
}, 240_000)
afterAll(async () => {
  await browser?.close()
  await empty?.[Symbol.asyncDispose]()
  await system?.[Symbol.asyncDispose]()
  await repositories?.[Symbol.asyncDispose]()
})

const locales = ['en', 'zh-CN'] as const
const themes = ['light', 'dark'] as const
const slug = 'corner-shop'
/** Where a project's address is told. */
const slugShown = new Set(['projects', 'project-settings', 'badge'])
const desk = { width: 1280, height: 800 }
const phone = { width: 390, height: 844 }

test('every page is whole in both languages and themes, on a phone too, and axe finds nothing serious', {
  timeout: 400_000,
}, async () => {
  const wrong = await Promise.all(locales.map(walk))
  expect(wrong.flat()).toEqual([])
})

/** One person's way through all pages, the theme switched in place; answers what is wrong. */
async function walk(locale: (typeof locales)[number]): Promise<string[]> {
  const { page, errors } = await newPerson(browser, system.url, { locale, theme: 'light' })
  await page.setViewportSize(desk)
  const wrong: string[] = []
  let seen = 0

  const look = async (name: string, on: string, check: () => Promise<string[]>) => {
    await settled(page)
    const faults = [...(await check()), ...errors.splice(0).map((error) => `console: ${error}`)]
    wrong.push(...faults.map((fault) => `${name} (${locale}, ${on}): ${fault}`))
    if (screenshots) await page.screenshot({ path: join(screenshots, `${name}.${locale}.${on}.png`) })
  }
  const lookAtAll = async (name: string, ready?: string) => {
    if (ready) await page.locator(ready).first().waitFor()
    // In one language after the other a page is seen in both themes, by axe in one of them; in the other language on the phone. Texts
    // are the same in both themes.
    const turn = seen++
    const axeHere = locales[turn % 2] === locale
    for (const theme of axeHere || screenshots ? themes : (['light'] as const)) {
      await page.emulateMedia({ colorScheme: theme })
      await page.locator(`html[data-theme="${theme}"]`).waitFor({ state: 'attached' })
      await look(name, theme, async () => [
        ...(await textFaults(page, locale)),
        ...(slugShown.has(name) ? [] : await slugFaults(page)),
        ...(theme === 'light' ? await nameFaults(page) : []),
        ...(axeHere && themes[(turn >> 1) % 2] === theme ? await axeFaults(page) : []),
      ])
    }
    if (!axeHere && !name.startsWith('editor')) {
      await page.setViewportSize(phone)
      await look(name, 'phone', () => widthFaults(page))
      await page.setViewportSize(desk)
    }
  }

  await page.goto(/http:\S+\/setup#\S+/.exec(empty.output)?.[0] ?? '')
  await lookAtAll('setup', 'input[name="organization"]')
  await page.goto('/login')
  await lookAtAll('login', 'input[name="email"]')
  await page.goto(await invitation(`${locale}@example.test`))
  await lookAtAll('invite', 'input[name="name"]')
  await signInByForm(page, admin)
  for (const { name, path, ready, press } of pages) {
    await follow(page, path)
    for (const target of press ?? []) await page.locator(target).first().click()
    await lookAtAll(name, ready)
  }
  await page.goto('/no-such-page')
  await lookAtAll('not-found')
  return wrong
}

function byId(id: string): string {
  return `[data-testid="${id}"]`
}

/** People know a project by its name. */
async function slugFaults(page: Page): Promise<string[]> {
  return ((await page.locator('body').textContent()) ?? '').includes(slug) ? [`shows the slug ${slug}`] : []
}

/** Goes where a link of the console would, without loading the console anew; a page that is asked for in another way is. */
async function follow(page: Page, path: string): Promise<void> {
  if (new URL(path, page.url()).pathname === new URL(page.url()).pathname) {
    await page.goto(path)
    return
  }
  await page.evaluate((to) => {
    history.pushState(null, '', to)
    dispatchEvent(new PopStateEvent('popstate', { state: null }))
  }, path)
}

async function invitation(email: string): Promise<string> {
  const organizations = system.client(OrganizationService)
  const organizationId = (await organizations.listOrganizations({})).organizations[0]?.id ?? ''
  return (await system.client(MemberService).inviteMember({ organizationId, email, role: Role.DEVELOPER })).link
}

/** Something on every page, and the pages' addresses. */
async function fillSystem(): Promise<typeof pages> {
  const { projectId, pipelineId } = await system.pipeline(deliver, 'Corner Shop')
  await system.pipeline(deliver.replace('nothing new', 'see the list of changes'), 'Corner Shop')
  const broken = await system.pipeline(nightly, 'Corner Shop')
  expect((await system.api.projects.getProject({ projectId })).project?.slug).toBe(slug)
  await system.client(SecretService).putSecret({ projectId, name: 'DEPLOY_KEY', value: 'not a real one' })
  const variables = system.client(VariableService)
  await variables.putVariable({ projectId, name: 'LEVEL', value: 'info' })
  await variables.putOrganizationVariable({ name: 'LEVEL', value: 'quiet' })
  await variables.putOrganizationVariable({ name: 'REGISTRY', value: 'registry.example.test:5000' })
  const { pipeline: unpublished } = await system.api.pipelines.createPipeline({ projectId, name: 'fresh' })
  const nowhere = await system.pipeline(
    'name: nowhere\nsteps:\n  ship: { run: echo shipped, runsOn: [nowhere] }\n',
    'Corner Shop',
  )
  const waiting = await system.start(nowhere.pipelineId)
  await system.client(AuthService).createApiToken({ name: 'release script', scopes: ['run.*'] })
  const passed = await system.start(pipelineId)
  const failed = await system.start(broken.pipelineId)
  expect((await system.ended(passed)).status).toBe(RunStatus.SUCCEEDED)
  expect((await system.ended(failed)).status).toBe(RunStatus.FAILED)
  await waitFor(async () => (await system.log(failed, 'soak')).includes('leaks'), { what: 'the log is stored' })
  const copies = await system.pipeline(grid, 'Corner Shop')
  const grown = await system.start(copies.pipelineId)
  expect((await system.ended(grown)).status).toBe(RunStatus.FAILED)
  const { run: part } = await system.api.runs.rerunRun({ runId: passed, mode: RerunMode.FROM, stepIds: ['unit'] })
  const again = part?.id ?? ''
  expect((await system.ended(again)).status).toBe(RunStatus.SUCCEEDED)
  const chained = await system.pipeline(chain, 'Corner Shop')
  const onPush = await system.pipeline(pushed, 'Corner Shop')
  const { path } = await system.client(WebhookService).rotateWebhookSecret({ pipelineId: chained.pipelineId })
  for (const ref of ['main', 'other']) {
    const body = JSON.stringify({ ref, channel: 'stable' })
    await fetch(system.url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  }
  const called = await system.start(chained.pipelineId)
  expect((await system.ended(called)).status).toBe(RunStatus.SUCCEEDED)
  for (const name of ['staging', 'production']) {
    await system.client(EnvironmentService).createEnvironment({ projectId, name, branches: ['main'] })
  }
  const project = `/p/${slug}`
  const pipeline = `${project}/pipelines/${pipelineId}`
  return [
    { name: 'home', path: '/', ready: 'h1' },
    { name: 'projects', path: '/p', ready: `a[href="${project}"]` },
    { name: 'project', path: project, ready: `a[href="${project}/runs"]` },
    { name: 'pipelines', path: `${project}/pipelines`, ready: '[data-testid="pipeline-row-deliver"]' },
    { name: 'editor', path: `${pipeline}/edit?node=unit`, ready: '[data-testid="script-script"]' },
    { name: 'editor-run', path: `${pipeline}/edit?run=${passed}`, ready: '[data-testid="run-bar"]' },
    {
      name: 'editor-log',
      path: `${pipeline}/edit?run=${passed}&node=unit`,
      press: [byId('run-log-toggle')],
      ready: '[data-testid="log-rows"] [data-line]',
    },
    ...['when', 'reliability', 'env'].map((tab) => ({
      name: `editor-${tab}`,
      path: `${pipeline}/edit?node=style`,
      press: [byId(`inspector-tab-${tab}`)],
      ready: '[data-testid="step-inspector"]',
    })),
    {
      name: 'editor-matrix',
      path: `${project}/pipelines/${copies.pipelineId}/edit?node=test`,
      press: [byId('inspector-tab-matrix')],
      ready: byId('matrix-count'),
    },
    {
      name: 'editor-triggers',
      path: `${project}/pipelines/${broken.pipelineId}/edit`,
      ready: byId('schedule-1'),
    },
    {
      name: 'editor-repositories',
      path: `${project}/pipelines/${onPush.pipelineId}/edit`,
      press: ['[data-testid="inspector-field-on.push.paths"] input', `${byId('repositories-picker')}:visible`],
      ready: byId('repository-drafts'),
    },
    { name: 'editor-settings', path: `${pipeline}/edit`, ready: '[data-testid="pipeline-settings"]' },
    {
      name: 'editor-start',
      path: `${pipeline}/edit`,
      press: [byId('run-button')],
      ready: '[data-testid="start-run"] [data-testid="run-input-channel"]',
    },
    {
      name: 'editor-first-publish',
      path: `${project}/pipelines/${unpublished?.id}/edit`,
      press: [byId('publish-button')],
      ready: '[data-testid="publish-problems"]',
    },
    {
      name: 'editor-explain',
      path: `${pipeline}/edit?explain`,
      press: [byId('explain-button')],
      ready: byId('explain-step-pack'),
    },
    {
      name: 'editor-explained',
      path: `${pipeline}/edit?explained`,
      press: [byId('explain-button'), byId('explain-step-beta')],
      ready: byId('explain-outcome'),
    },
    { name: 'editor-yaml', path: `${pipeline}/edit?view=yaml`, ready: '[data-testid="yaml-editor"]' },
    { name: 'editor-split', path: `${pipeline}/edit?view=split`, ready: '[data-testid="yaml-editor"]' },
    { name: 'versions', path: `${pipeline}/versions`, ready: 'h1' },
    { name: 'schedules', path: `${project}/pipelines/${broken.pipelineId}/schedules`, ready: 'table' },
    { name: 'no-schedules', path: `${pipeline}/schedules`, ready: 'code' },
    {
      name: 'editor-chain',
      path: `${project}/pipelines/${chained.pipelineId}/edit`,
      ready: byId('webhook-editor'),
    },
    { name: 'triggers', path: `${project}/pipelines/${chained.pipelineId}/triggers`, ready: byId('delivery') },
    {
      name: 'triggers-repositories',
      path: `${project}/pipelines/${onPush.pipelineId}/triggers`,
      ready: byId('repository-row-release'),
    },
    { name: 'no-triggers', path: `${pipeline}/triggers`, ready: 'code' },
    { name: 'badge', path: `${pipeline}/triggers?badge`, press: [byId('badge-open')], ready: byId('badge-snippet') },
    ...(await repositoryLooks(system, repositories, projectId, project)),
    { name: 'project-runs', path: `${project}/runs`, ready: '[data-testid^="run-row-"]' },
    { name: 'project-members', path: `${project}/members`, ready: 'table' },
    { name: 'environments', path: `${project}/environments`, ready: byId('environment-production') },
    { name: 'secrets', path: `${project}/secrets`, ready: 'table' },
    { name: 'variables', path: `${project}/variables`, ready: 'table' },
    {
      name: 'variable-new',
      path: `${project}/variables?new`,
      press: [byId('variable-new')],
      ready: '[role="dialog"] form',
    },
    { name: 'project-settings', path: `${project}/settings`, ready: 'form' },
    { name: 'runs', path: '/runs', ready: '[data-testid^="run-row-"]' },
    { name: 'run-succeeded', path: `/runs/${passed}?step=unit`, ready: '[data-testid="log-rows"] [data-line]' },
    { name: 'run-failed', path: `/runs/${failed}`, ready: '[data-testid="log-rows"] [data-line]' },
    { name: 'run-waterfall', path: `/runs/${passed}?view=waterfall`, ready: '[data-testid="run-waterfall"]' },
    { name: 'run-called', path: `/runs/${called}?step=call`, ready: byId('step-child') },
    { name: 'run-copies', path: `/runs/${grown}?step=small.0`, ready: '[data-testid="log-rows"] [data-line]' },
    { name: 'run-copies-of', path: `/runs/${grown}?step=test`, ready: byId('step-copies') },
    { name: 'run-copies-waterfall', path: `/runs/${grown}?view=waterfall`, ready: byId('fold-small') },
    { name: 'run-events', path: `/runs/${passed}?view=events`, ready: byId('event-ended') },
    { name: 'run-report', path: `/runs/${passed}?view=report`, ready: byId('markdown') },
    {
      name: 'run-variables',
      path: `/runs/${passed}?step=pack`,
      press: [byId('show-variables')],
      ready: byId('step-variables'),
    },
    { name: 'run-again', path: `/runs/${again}?step=prepare`, ready: '[data-testid="log-rows"] [data-line]' },
    { name: 'run-again-waterfall', path: `/runs/${again}?view=waterfall`, ready: '[data-testid="run-waterfall"]' },
    {
      name: 'run-again-inputs',
      path: `/runs/${again}?inputs`,
      press: [byId('rerun-more'), byId('rerun-inputs')],
      ready: byId('rerun-dialog'),
    },
    { name: 'run-list', path: `/runs/${passed}?view=list`, ready: '[data-testid="step-panel"]' },
    { name: 'run-definition', path: `/runs/${passed}?view=definition`, ready: '[data-testid="step-panel"]' },
    { name: 'run-waiting', path: `/runs/${waiting}`, ready: '[data-testid="step-panel"]' },
    { name: 'agents', path: '/agents', ready: 'text=agent-1' },
    {
      name: 'agent-labels',
      path: '/agents?labels',
      press: ['[data-testid="agent-agent-1"] header button', '.n-dropdown-option >> nth=2'],
      ready: byId('agent-labels'),
    },
    {
      name: 'agent-renew',
      path: '/agents?renew',
      press: ['[data-testid="agent-agent-1"] header button', '.n-dropdown-option >> nth=3'],
      ready: byId('renew'),
    },
    { name: 'organization', path: '/settings/organization', ready: 'form' },
    { name: 'organization-variables', path: '/settings/variables', ready: 'table' },
    { name: 'members', path: '/settings/members', ready: 'table' },
    {
      name: 'invite-member',
      path: '/settings/members?invite',
      press: ['main .n-button--primary-type'],
      ready: '[role="dialog"] form',
    },
    { name: 'profile', path: '/settings/profile', ready: 'form' },
    { name: 'sessions', path: '/settings/sessions', ready: 'h1, h2' },
    { name: 'tokens', path: '/settings/tokens', ready: 'h1, h2' },
    {
      name: 'token-new',
      path: '/settings/tokens?new',
      press: ['main .n-button--primary-type'],
      ready: '[role="dialog"] form',
    },
    {
      name: 'token-revoke',
      path: '/settings/tokens?revoke',
      press: ['tbody tr:not(:has(.maker)) button'],
      ready: '[role="dialog"] form',
    },
  ]
}
