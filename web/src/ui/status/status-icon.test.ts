// Every status is told by its shape alone.
import { RunStatus, StepStatus } from '@ansflow/proto/status'
import { mount } from '@vue/test-utils'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { i18n, setLanguage } from '../../i18n.ts'
import StatusIcon from './StatusIcon.vue'
import StatusTag from './StatusTag.vue'
import { type StatusName, statusName, statusNames } from './status.ts'

beforeAll(() => setLanguage('zh-CN'))
// What comes after it begins in English.
afterAll(() => setLanguage('en'))

const plugins = { global: { plugins: [i18n] } }
/** The drawing without what only colours it. */
function shape(status: StatusName): string {
  const svg = mount(StatusIcon, { ...plugins, props: { status } }).element
  return svg.innerHTML.replace(/<!--.*?-->|data-v-\w+=""/g, '')
}

describe('StatusIcon', () => {
  it('draws a different shape for each status', () => {
    expect(new Set(statusNames.map(shape)).size).toBe(statusNames.length)
  })

  it('keeps the octagon, the square and the triangle for one status each', () => {
    const withRect = statusNames.filter((name) => shape(name).includes('<rect'))
    expect(withRect).toEqual(['waiting'])
    expect(shape('failed')).toContain('M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1z')
  })

  it('turns only while running', () => {
    const classes = (status: StatusName, still = false) =>
      mount(StatusIcon, { ...plugins, props: { status, still } }).classes('is-turning')
    expect(statusNames.filter((name) => classes(name))).toEqual(['running'])
    expect(classes('running', true)).toBe(false)
  })

  it('says its word where no word stands beside it', () => {
    const alone = mount(StatusIcon, { ...plugins, props: { status: 'failed', labelled: true } })
    expect(alone.attributes()).toMatchObject({ role: 'img', 'aria-label': '失败' })
    expect(mount(StatusIcon, { ...plugins, props: { status: 'failed' } }).attributes('aria-hidden')).toBe('true')
  })

  it('stands with its word in a tag', () => {
    expect(mount(StatusTag, { ...plugins, props: { status: 'succeeded' } }).text()).toBe('成功')
  })
})

it('names every status of the contract', () => {
  expect(statusName(RunStatus.SUCCEEDED)).toBe('succeeded')
  expect(statusName(StepStatus.BLOCKED)).toBe('blocked')
  expect(statusName(StepStatus.LOST)).toBe('lost')
})
