import { RunStepSchema, StepStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { reasonCodes } from '@ansflow/proto/reasons'
import { reasonTable } from '@ansflow/proto/reasons/table'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { afterEach, expect, test } from 'vitest'
import { type Language, setLanguage } from '../../i18n.ts'
import { reasonText } from '../../ui/status/reason-text.ts'
import { isUnreachable, stepStatusName } from './pick-step.ts'

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

test.each<[Language, string, Record<string, string>, string]>([
  [
    'en',
    'workspace_cannot',
    { agent: 'vm', workspace: 'shared', capability: 'checkout' },
    'Agent vm holds workspace shared but cannot run checkout steps. With a workspace of its own another agent can',
  ],
  [
    'en',
    'capability_missing',
    { labels: 'linux', capability: 'git' },
    'No agent with the labels linux that can run git steps is online',
  ],
  ['en', 'labels_missing', { labels: 'production' }, 'No agent with the labels production is online'],
  ['en', 'no_agent', {}, 'No agent is online'],
  ['en', 'timeout', { after: '1h30m' }, 'It took longer than its timeout of 1h30m'],
  ['zh-CN', 'timeout', { after: '1h30m' }, '超过了 1 小时 30 分钟的超时时间'],
  ['zh-CN', 'queue_timeout', { after: '5s', ready: 'true', labels: 'gpu' }, '5 秒内没有带标签 gpu 的代理接手'],
  ['zh-CN', 'approved', { by: 'Ada, Grace' }, 'Ada、Grace 已批准'],
  ['en', 'agents_offline', { agents: 'vm' }, 'Waits for an agent that can run it to come online: vm'],
  ['zh-CN', 'agents_offline', { agents: 'vm' }, '等待能运行它的代理上线：vm'],
  [
    'en',
    'labels_missing',
    { labels: 'gpu, mac', shares: 'shared' },
    'No agent with the labels gpu, mac is online. Steps of workspace shared, which lives on one agent, ask for them',
  ],
  [
    'zh-CN',
    'labels_missing',
    { labels: 'gpu, mac', shares: 'shared', claimed: 'vm' },
    '没有带标签 gpu, mac 的在线代理。代理 vm 只是自报。工作区 shared 只在一个代理上，它的步骤要求这些标签',
  ],
  [
    'en',
    'workspace_lacks',
    { agent: 'vm', workspace: 'shared', lacks: 'gpu' },
    'Agent vm holds workspace shared but lacks the labels gpu, for which steps of that workspace ask',
  ],
  [
    'zh-CN',
    'workspace_cannot',
    { agent: 'vm', workspace: 'shared', capability: 'checkout' },
    '代理 vm 持有工作区 shared，但不能运行 checkout 步骤。为它另设工作区，其他代理便可运行',
  ],
])('what keeps a step from every agent is named (%s, %s, %j)', async (language, code, params, sentence) => {
  await setLanguage(language)
  expect(reasonText(stepWith({ code, params }), nameOf)).toBe(sentence)
})

test('a code of a newer controller is said in its words', () => {
  const step = create(RunStepSchema, { reason: 'Waits for the moon.', reasonInfo: { code: 'moon' } })
  expect(reasonText(step, nameOf)).toBe('Waits for the moon')
})

test('one busy agent is not called all', async () => {
  await setLanguage('en')
  const busy = (params: Record<string, string>) => reasonText(stepWith({ code: 'agents_busy', params }), nameOf)
  expect(busy({ count: '1' })).toBe('The one agent is busy')
  expect(busy({ count: '3', labels: 'gpu' })).toBe('All 3 agents with the labels gpu are busy')
})

test('who only claims a label is named, and who held a workspace', async () => {
  await setLanguage('en')
  const claimed = stepWith({ code: 'labels_missing', params: { labels: 'production', claimed: 'liar' } })
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
    const speaking = reasonCodes.filter((code) => /\{steps?\}/.test(reasonTable[code][language]))
    expect(speaking).toEqual(expect.arrayContaining(['needs', 'need_not_met']))
    for (const code of speaking) {
      for (const extra of ['', ...reasonTable[code].params.map((param) => param.replace('?', ''))]) {
        const params = { step: 'compile', steps: 'compile, unit', status: 'failed' }
        const text = reasonText(
          stepWith({ code, params: extra in params ? params : { ...params, [extra]: 'x' } }),
          nameOf,
        )
        expect(text).toContain('Compile it')
        expect(text).not.toMatch(/compile|unit\b/)
      }
    }
  },
)
