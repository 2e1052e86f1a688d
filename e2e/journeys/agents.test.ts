// Agents as people see and manage them: labels that protect, an identity used twice, an agent that runs still need.
import { cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { StepStatus } from '@ansflow/proto/status'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newPerson, signIn, startBrowser } from '../setup/browser.ts'
import { AgentProcess, admin, type System, startSystem } from '../setup/system.ts'
import { waitFor } from '../setup/wait-for.ts'

let system: System
let browser: Browser
beforeAll(async () => {
  system = await startSystem({ labels: ['production'] })
  browser = await startBrowser()
}, 60_000)
afterAll(async () => {
  await browser?.close()
  await system?.[Symbol.asyncDispose]()
})

const cell = (page: Page, name: string) => page.getByTestId(`agent-${name}`)

/** A label, into the field of the open dialog. */
async function type(page: Page, label: string): Promise<void> {
  await page.getByTestId('agent-labels').click()
  await page.keyboard.type(label)
  await page.keyboard.press('Enter')
}

async function act(page: Page, agent: string, action: string): Promise<void> {
  await page.getByRole('button', { name: `Actions for ${agent}` }).click()
  await page.locator('.n-dropdown-option').filter({ hasText: action }).click()
}

test('labels are given in the console, and what an agent says of itself is shown as a hint', async () => {
  const { page, errors } = await newPerson(browser, system.url)
  await signIn(page, admin)
  await page.goto('/agents')
  const agent = cell(page, 'agent-1')
  await agent.getByTitle('The agent says so of itself', { exact: true }).getByText('production').waitFor()
  await page.getByTestId('add-agent').click()
  const commands = page.getByTestId('agent-commands')
  const before = await commands.textContent()
  await type(page, 'production')
  await waitFor(async () => (await commands.isVisible()) && (await commands.textContent()) !== before, {
    what: 'a token for these labels',
  })
  await page.keyboard.press('Escape')
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  // The label is protected now: that the agent says it does not count any more.
  await agent
    .getByTitle(/does not count/)
    .getByText('production')
    .waitFor()
  await act(page, 'agent-1', 'Labels')
  await page.getByTestId('release-production').waitFor()
  await type(page, 'production')
  await page.getByTestId('save-labels').click()
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await agent.getByTitle('Given by people: it protects').getByText('production').waitFor()
  expect(errors).toEqual([])
})

test('an agent that runs need is removed only by force, and the run says why it failed', async () => {
  const { page, errors } = await newPerson(browser, system.url)
  await signIn(page, admin)
  const agent = await system.addAgent({ name: 'doomed', labels: ['doomed'] })
  const yaml = 'name: needs it\nsteps:\n  hold: { run: sleep 60, runsOn: [doomed] }\n'
  const { pipelineId } = await system.pipeline(yaml)
  const runId = await system.start(pipelineId)
  await waitFor(async () => (await system.run(runId)).steps[0]?.status === StepStatus.RUNNING, { what: 'it runs' })
  await page.goto('/agents')
  await act(page, 'doomed', 'Remove')
  const remove = page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true })
  await remove.click()
  await page.getByRole('dialog').getByText('needs it #1').waitFor()
  await page.getByRole('dialog').getByRole('checkbox').click()
  await remove.click()
  await cell(page, 'doomed').waitFor({ state: 'detached' })
  const run = await system.ended(runId)
  expect(run.steps[0]?.reason).toBe('Its agent doomed was deleted.')
  expect(errors.filter((error) => !/status of 400/.test(error))).toEqual([])
  await agent.kill()
})

test('a copy of an agent’s folder ends the first agent, is shown, and ends itself when the identity is renewed', async () => {
  const { page } = await newPerson(browser, system.url)
  await signIn(page, admin)
  await page.goto('/agents')
  const first = await system.addAgent({ name: 'twin' })
  const copy = new AgentProcess(system, 'copy', {}, '')
  await mkdir(copy.data)
  await cp(join(first.data, 'identity.json'), join(copy.data, 'identity.json'))
  const second = copy.spawn()
  await waitFor(async () => first.child?.exitCode === 8, { what: 'the first agent ends', detail: () => first.output })
  expect(first.output).toContain('its identity is used from two places')
  await page.getByTestId('doubled-twin').getByText('used from two places').waitFor()
  // Its service manager starts it again: the one that is there stays.
  const again = first.spawn()
  await waitFor(async () => again.exitCode === 8, { what: 'it ends again', detail: () => first.output })
  expect(second.exitCode).toBe(null)
  await page.getByTestId('doubled-twin').getByRole('button').click()
  await page.getByTestId('renew').click()
  const commands = (await page.getByTestId('agent-commands').textContent()) ?? ''
  const token = /ANSFLOW_AGENT_TOKEN=(\S+)/.exec(commands)?.[1] ?? ''
  await waitFor(async () => second.exitCode === 3, { what: 'the copy is refused', detail: () => copy.output })
  expect(copy.output).toContain('renewed')
  await first.register(token)
  await first.start()
  await page.getByTestId('doubled-twin').waitFor({ state: 'detached' })
  const { agents } = await system.api.agents.listAgents({})
  expect(agents.filter(({ name }) => name.startsWith('twin'))).toHaveLength(1)
})

test('a step whose agent is silent says since when, on the run and on the canvas, and goes on when it is back', {
  timeout: 90_000,
}, async () => {
  const { page, errors } = await newPerson(browser, system.url, { locale: 'zh-CN', theme: 'dark' })
  await signIn(page, admin)
  const agent = await system.addAgent({ name: 'sleepy', labels: ['sleepy'] })
  const yaml = 'name: naps\nsteps:\n  wait: { run: sleep 300, runsOn: [sleepy] }\n'
  const { pipelineId } = await system.pipeline(yaml)
  const runId = await system.start(pipelineId)
  await waitFor(async () => (await system.run(runId)).steps[0]?.status === StepStatus.RUNNING, { what: 'it runs' })
  await page.goto(`/runs/${runId}`)
  await page.locator('[data-testid="run-node-wait"][data-st="running"]').waitFor()
  agent.child?.kill('SIGSTOP')
  try {
    const step = page.getByTestId('run-step-wait')
    await step.getByText(/起没有代理 sleepy 的消息/).waitFor()
    await page.locator('[data-testid="run-node-wait"][data-st="warning"]').waitFor()
    expect((await system.run(runId)).steps[0]?.reason).toMatch(
      /^Agent sleepy has not been heard of since 20.* lost at 20/,
    )
  } finally {
    agent.child?.kill('SIGCONT')
  }
  await page.locator('[data-testid="run-node-wait"][data-st="running"]').waitFor()
  await page
    .getByTestId('run-step-wait')
    .getByText(/没有代理/)
    .waitFor({ state: 'detached' })
  await system.api.runs.cancelRun({ runId })
  await system.ended(runId)
  await page.goto('/agents')
  await page.getByTestId('agent-sleepy').waitFor()
  expect(errors).toEqual([])
})

/** From here on the page is told of the agents as they were when it asked, once it is let go. */
async function holdLists(page: Page): Promise<{ asked(): number; letGo(): void }> {
  const gate = Promise.withResolvers<void>()
  let asked = 0
  await page.route('**/ListAgents', async (route) => {
    const response = await route.fetch()
    asked++
    await gate.promise
    // The page may have asked anew.
    await route.fulfill({ response }).catch(() => {})
  })
  return { asked: () => asked, letGo: gate.resolve }
}

test('a list that comes late neither makes old agents new nor loses one that came meanwhile', async () => {
  const { page, errors } = await newPerson(browser, system.url)
  await signIn(page, admin)
  const lists = await holdLists(page)
  const followed = page
    .waitForEvent('websocket')
    .then((socket) =>
      socket.waitForEvent(
        'framereceived',
        ({ payload }) => /"subscribed"/.test(String(payload)) && /\/agents"/.test(String(payload)),
      ),
    )
  await page.goto('/agents')
  await page.getByTestId('add-agent').click()
  await followed
  await waitFor(() => lists.asked() >= 2, { what: 'the agents are asked for once they are followed' })
  await page.getByText('Waiting for the agent to register').waitFor()
  const late = await system.addAgent({ name: 'meanwhile' })
  lists.letGo()
  await page.keyboard.press('Escape')
  await cell(page, 'agent-1').waitFor()
  await cell(page, 'meanwhile').waitFor()

  const again = await holdLists(page)
  await page.reload()
  await page.getByTestId('add-agent').click()
  await page.getByText('Waiting for the agent to register').waitFor()
  again.letGo()
  const next = await system.addAgent({ name: 'newcomer' })
  await page.getByText('newcomer is here').waitFor()
  await Promise.all([late.kill(), next.kill()])
  expect(errors).toEqual([])
})
