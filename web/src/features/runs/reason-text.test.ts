import { RunStepSchema, StepStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { afterEach, expect, test } from 'vitest'
import { i18n, type Language, setLanguage } from '../../i18n.ts'
import { isUnreachable, stepStatusName } from './pick-step.ts'
import { reasonText } from './reason-text.ts'

afterEach(() => setLanguage('en'))

const names: Record<string, string> = { compile: 'Compile it', unit: 'Unit tests' }
const nameOf = (key: string) => names[key] ?? key

const stepWith = (reasonInfo: MessageInitShape<typeof RunStepSchema>['reasonInfo']) =>
  create(RunStepSchema, { status: StepStatus.RUNNING, reasonInfo })

test.each<[Language, RegExp]>([
  ['en', /^Agent vm has not been heard of since \d?\d:\d\d:\d\d( [AP]M)?\. .* lost at \d?\d:\d\d:\d\d( [AP]M)?$/],
  ['zh-CN', /^自 \d\d:\d\d:\d\d 起没有代理 vm 的消息.*\d\d:\d\d:\d\d 记为失联$/],
])('a step whose agent is silent says so, with the times of the reader (%s)', async (language, sentence) => {
  await setLanguage(language)
  const params = { agent: 'vm', since: '2030-01-01T10:00:00.000Z', lostAt: '2030-01-01T10:02:00.000Z' }
  const step = stepWith({ code: 'unreachable', params })
  expect(reasonText(step, nameOf)).toMatch(sentence)
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
  expect(reasonText(stepWith({ code: 'no_agent', params }), nameOf)).toBe(sentence)
})

test('one busy agent is not called all', async () => {
  await setLanguage('en')
  const busy = (params: Record<string, string>) => reasonText(stepWith({ code: 'agents_busy', params }), nameOf)
  expect(busy({ count: '1' })).toBe('The one agent is busy')
  expect(busy({ count: '3', labels: 'gpu' })).toBe('All 3 agents with the labels gpu are busy')
})

test('who only claims a label is named, and who held a workspace', async () => {
  await setLanguage('en')
  const claimed = stepWith({ code: 'no_agent', params: { labels: 'production', claimed: 'liar' } })
  expect(reasonText(claimed, nameOf)).toContain('Agent liar only says so of itself')
  const deleted = stepWith({ code: 'agent_deleted', params: { agent: 'vm', workspace: 'shared' } })
  expect(reasonText(deleted, nameOf)).toBe('Agent vm, which held workspace shared, was deleted')
})

test.each<[Language, string]>([
  ['en', 'Waits for Compile it, Unit tests, plain and others'],
  ['zh-CN', '等待 Compile it、Unit tests、plain 等步骤'],
])('a step that has many needs names the first of them (%s)', async (language, sentence) => {
  await setLanguage(language)
  const needs = stepWith({ code: 'needs', params: { steps: 'compile, unit, plain', more: 'true' } })
  expect(reasonText(needs, nameOf)).toBe(sentence)
})

test.each<Language>(['en', 'zh-CN'])(
  'every reason that speaks of other steps calls them by their names (%s)',
  async (language) => {
    await setLanguage(language)
    const texts = i18n.global.tm('runs.reason') as Record<string, string>
    const speaking = Object.entries(texts).filter(([, text]) => /\{steps?\}/.test(text))
    expect(speaking.map(([key]) => key)).toEqual(expect.arrayContaining(['needs', 'need_not_met']))
    for (const [key] of speaking) {
      const [, code, variant] = /^(needs|need_not_met)_?(.*)$/.exec(key) ?? []
      expect(code, `${key} is of a code that is tried here`).toBeDefined()
      const params = {
        step: 'compile',
        steps: 'compile, unit',
        status: 'failed',
        ...(variant ? { [variant]: 'x' } : {}),
      }
      const text = reasonText(stepWith({ code, params }), nameOf)
      expect(text).toContain('Compile it')
      expect(text).not.toMatch(/compile|unit\b/)
    }
  },
)
