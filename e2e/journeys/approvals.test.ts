// Two people decide an approval: one finds it on the first page of a phone, the other follows the run and sees the decision come.
import { Role } from '@ansflow/proto/access'
import { ApprovalService, ApprovalStatus } from '@ansflow/proto/gen/ansflow/v1/approvals_pb'
import { RunStatus } from '@ansflow/proto/status'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newPerson, type Person, signIn, startBrowser } from '../setup/browser.ts'
import { admin, type System, startSystem } from '../setup/system.ts'
import { waitFor } from '../setup/wait-for.ts'
import { grace, join } from './people.ts'

const yaml = `name: ship
steps:
  sign-off:
    uses: approval
    name: Sign off
    with:
      approvers: ["role:maintainer"]
      required: 2
      selfApproval: true
      message: Ship it?
      expires: 24h
      fields: [{ name: reason, label: Why now?, required: true }, { name: share, type: number, default: 10 }]
  ship: { needs: [sign-off], run: "echo $SHARE", env: { SHARE: '\${{ steps["sign-off"].outputs.share }}' } }
`
const vera = { name: 'Vera Viewer', email: 'vera@example.test', password: 'only looks at what there is' }

let system: System
let browser: Browser
beforeAll(async () => {
  system = await startSystem()
  browser = await startBrowser()
  await join(system, grace)
  await join(system, vera, Role.VIEWER)
})
afterAll(async () => {
  await browser?.close()
  await system?.[Symbol.asyncDispose]()
})

async function asked(runId: string): Promise<string> {
  return waitFor(async () => (await system.client(ApprovalService).listApprovals({ runId })).approvals[0]?.id, {
    what: 'the run has asked',
  })
}

async function onAPhone(person: Person): Promise<void> {
  await person.page.setViewportSize({ width: 390, height: 844 })
}

const fits = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth)

const texts = {
  en: {
    count: (have: number) => `${have} of 2 approved`,
    approved: 'Approved',
    rejected: 'Rejected',
    wait: 'Waits for approval',
  },
  'zh-CN': { count: (have: number) => `已批准 ${have} / 2`, approved: '已批准', rejected: '已拒绝', wait: '待审批' },
}

test.each(['en', 'zh-CN'] as const)(
  'one approves on a phone, the other sees it in the run and approves too (%s)',
  async (locale) => {
    const { pipelineId } = await system.pipeline(yaml)
    const runId = await system.start(pipelineId)
    const approvalId = await asked(runId)
    const say = texts[locale]
    const her = await newPerson(browser, system.url, { locale, theme: 'dark' })
    const ada = await newPerson(browser, system.url, { locale })
    await onAPhone(her)
    await Promise.all([signIn(her.page, grace), signIn(ada.page, admin)])

    // In the run, in place: the step that asks is the one shown.
    await ada.page.goto(`/runs/${runId}`)
    const panel = ada.page.getByTestId('step-panel')
    await panel.getByTestId('approval-status').getByText(say.wait).waitFor()
    expect(await panel.getByTestId('approval-count').textContent()).toBe(say.count(0))
    await ada.page.getByTestId('run-node-sign-off').waitFor()

    // On the first page, then on its own; without an answer to what is asked nobody approves.
    await her.page.goto('/')
    await her.page.getByTestId(`review-${approvalId}`).click()
    await her.page.waitForURL(`**/approvals/${approvalId}`)
    await her.page.getByTestId('approve').click()
    await her.page.getByRole('alert').first().waitFor()
    expect(await fits(her.page)).toBe(true)
    const button = await her.page.getByTestId('approve').boundingBox()
    expect(button?.height).toBeGreaterThanOrEqual(44)
    await her.page.getByTestId('answer-reason').locator('input').fill('It is time.')
    await her.page.getByTestId('answer-share').locator('input').fill('25')
    await her.page.getByTestId('approval-comment').locator('textarea').fill('Looks good.')
    await her.page.getByTestId('approve').click()
    await her.page.getByTestId('approval-count').getByText(say.count(1)).waitFor()
    expect(await her.page.getByTestId('decide').count()).toBe(0)

    // Nobody loaded anything anew.
    await panel.getByTestId('approval-count').getByText(say.count(1)).waitFor()
    await panel.getByText('Looks good.').waitFor()
    await panel.locator('dt').getByText('Why now?', { exact: true }).waitFor()
    // By the keyboard: what was answered before stands in the form.
    expect(await panel.getByTestId('answer-share').locator('input').inputValue()).toBe('25')
    await panel.getByTestId('approval-comment').locator('textarea').focus()
    await ada.page.keyboard.press('Tab')
    await ada.page.keyboard.press('Tab')
    await ada.page.keyboard.press('Enter')
    // The page has gone on to what runs now.
    await ada.page.getByTestId('run-node-sign-off').click()
    await panel.getByTestId('approval-status').getByText(say.approved, { exact: true }).waitFor()
    await her.page.getByTestId('approval-status').getByText(say.approved, { exact: true }).waitFor()

    const run = await system.ended(runId)
    expect(run.status).toBe(RunStatus.SUCCEEDED)
    expect(run.steps[0]?.outputs).toMatchObject({ reason: 'It is time.', share: '25', decision: 'approved' })
    expect(await system.wholeLog(runId, 'ship')).toContain('25')
    await ada.page.goto(`/runs/${runId}?view=events`)
    const decided = ada.page.getByTestId('run-events').getByTestId('event-decided')
    await decided.nth(1).waitFor()
    const order = await ada.page
      .getByTestId('run-events')
      .locator('li')
      .evaluateAll((all) => all.map((each) => each.dataset['testid']))
    expect(order.filter((each) => each !== 'event-waited')).toEqual([
      'event-started',
      'event-decided',
      'event-decided',
      'event-ended',
    ])
    expect(await decided.allInnerTexts()).toEqual([
      expect.stringContaining('Looks good.'),
      expect.not.stringContaining('Looks good.'),
    ])
    await her.page.goto('/')
    await her.page.getByRole('list').first().waitFor()
    expect(await her.page.getByTestId(`review-${approvalId}`).count()).toBe(0)
    expect([...her.errors, ...ada.errors]).toEqual([])
    await Promise.all([her.context.close(), ada.context.close()])
  },
  120_000,
)

test('one rejects it in the list, with why; who may only look sees whom it waits for, and the end', async () => {
  const { pipelineId } = await system.pipeline(yaml)
  const runId = await system.start(pipelineId)
  const approvalId = await asked(runId)
  const her = await newPerson(browser, system.url)
  const looks = await newPerson(browser, system.url)
  await Promise.all([signIn(her.page, grace), signIn(looks.page, vera)])
  await looks.page.goto(`/approvals/${approvalId}`)
  await looks.page.getByTestId('approval-why').getByText('a maintainer').waitFor()
  expect(await looks.page.getByTestId('decide').count()).toBe(0)

  await her.page.goto('/approvals')
  const card = her.page.getByTestId(`approval-${approvalId}`)
  await card.getByTestId('approval-comment').locator('textarea').fill('Not on a Friday.')
  // Another one that comes meanwhile neither takes its place nor opens.
  const later = await asked(await system.start(pipelineId))
  const other = her.page.getByTestId(`approval-${later}`)
  await other.waitFor()
  const top = (of: typeof card) => of.evaluate((node) => node.getBoundingClientRect().top)
  expect(await top(card)).toBeLessThan(await top(other))
  expect(await card.getByTestId('approval-comment').locator('textarea').inputValue()).toBe('Not on a Friday.')
  // What was decided stays and says so; a second press at the same place decides nothing.
  await card.getByTestId('reject').click()
  await card.getByTestId('approval-status').getByText('Rejected', { exact: true }).waitFor()
  await card.getByText('Not on a Friday.').first().waitFor()
  expect(await her.page.getByTestId('decide').count()).toBe(0)
  await other.getByTestId('approval-status').getByText('Waits for approval').waitFor()
  await looks.page.getByTestId('approval-reason').getByText('Rejected by Grace Hopper: Not on a Friday').waitFor()
  const run = await system.ended(runId)
  expect([run.status, run.steps[0]?.reasonInfo?.code]).toEqual([RunStatus.FAILED, 'approval_rejected'])
  await her.page.goto('/approvals?view=decided')
  await her.page.getByTestId(`approval-${approvalId}`).getByText('Rejected', { exact: true }).waitFor()
  const { approval } = await system.client(ApprovalService).getApproval({ approvalId })
  expect(approval?.status).toBe(ApprovalStatus.REJECTED)
  await looks.page.goto('/approvals/00000000-0000-7000-8000-000000000000')
  await looks.page.getByRole('alert').waitFor()
  expect(her.errors).toEqual([])
  await Promise.all([her.context.close(), looks.context.close()])
}, 120_000)
