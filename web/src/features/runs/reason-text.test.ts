import { RunStepSchema, StepStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { afterEach, expect, test } from 'vitest'
import { i18n, type Language, setLanguage } from '../../i18n.ts'
import { isUnreachable, stepStatusName } from './pick-step.ts'
import { reasonText } from './reason-text.ts'

afterEach(() => setLanguage('en'))

const stepWith = (reasonInfo: MessageInitShape<typeof RunStepSchema>['reasonInfo']) =>
  create(RunStepSchema, { status: StepStatus.RUNNING, reasonInfo })

test.each<[Language, RegExp]>([
  ['en', /^Agent vm has not been heard of since \d?\d:\d\d:\d\d( [AP]M)?\. .* lost at \d?\d:\d\d:\d\d( [AP]M)?$/],
  ['zh-CN', /^自 \d\d:\d\d:\d\d 起没有代理 vm 的消息.*\d\d:\d\d:\d\d 记为丢失$/],
])('a step whose agent is silent says so, with the times of the reader (%s)', async (language, sentence) => {
  await setLanguage(language)
  const { t, te } = i18n.global
  const params = { agent: 'vm', since: '2030-01-01T10:00:00.000Z', lostAt: '2030-01-01T10:02:00.000Z' }
  const step = stepWith({ code: 'unreachable', params })
  expect(reasonText(step, t, te)).toMatch(sentence)
  expect([isUnreachable(step), stepStatusName(step)]).toEqual([true, 'warning'])
  const back = stepWith({ code: 'running', params: { agent: 'vm' } })
  expect([isUnreachable(back), stepStatusName(back)]).toEqual([false, 'running'])
})

test.each<[Language, Record<string, string>, string]>([
  [
    'en',
    { labels: 'production', agent: 'vm', workspace: 'shared' },
    'Agent vm holds workspace shared and cannot run this step. With a workspace of its own another agent can',
  ],
  ['en', { labels: 'linux', capability: 'git' }, 'No agent that it may run on can run git steps'],
  ['en', { labels: 'production' }, 'No agent with the labels production is online'],
  [
    'en',
    { labels: 'gpu, mac', shares: 'shared' },
    'No agent with the labels gpu, mac is online. Steps of workspace shared, which lives on one agent, ask for them',
  ],
  [
    'zh-CN',
    { labels: 'gpu, mac', shares: 'shared', claimed: 'vm' },
    '没有带标签 gpu, mac 的在线代理；代理 vm 只是自报。工作区 shared 只在一个代理上，它的步骤要求这些标签',
  ],
  [
    'en',
    { agent: 'vm', workspace: 'shared', lacks: 'gpu' },
    'Agent vm holds workspace shared but lacks the labels gpu, for which steps of that workspace ask',
  ],
  [
    'zh-CN',
    { labels: 'production', agent: 'vm', workspace: 'shared' },
    '代理 vm 持有工作区 shared，但不能运行此步骤。为它另设工作区，其他代理便可运行',
  ],
])('what keeps a step from every agent is named (%s, %j)', async (language, params, sentence) => {
  await setLanguage(language)
  const { t, te } = i18n.global
  expect(reasonText(stepWith({ code: 'no_agent', params }), t, te)).toBe(sentence)
})

test('one busy agent is not called all', async () => {
  await setLanguage('en')
  const { t, te } = i18n.global
  const busy = (params: Record<string, string>) => reasonText(stepWith({ code: 'agents_busy', params }), t, te)
  expect(busy({ count: '1' })).toBe('The one agent is busy')
  expect(busy({ count: '3', labels: 'gpu' })).toBe('All 3 agents with the labels gpu are busy')
})

test('who only claims a label is named, and who held a workspace', async () => {
  await setLanguage('en')
  const { t, te } = i18n.global
  const claimed = stepWith({ code: 'no_agent', params: { labels: 'production', claimed: 'liar' } })
  expect(reasonText(claimed, t, te)).toContain('Agent liar only says so of itself')
  const deleted = stepWith({ code: 'agent_deleted', params: { agent: 'vm', workspace: 'shared' } })
  expect(reasonText(deleted, t, te)).toBe('Agent vm, which held workspace shared, was deleted')
})
