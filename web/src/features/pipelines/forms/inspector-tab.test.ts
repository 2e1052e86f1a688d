// A problem is counted on the tab on which its field can be mended, and leads there.
import { stepFields } from '@ansflow/proto/fields/step-fields'
import { stepTypes } from '@ansflow/proto/steps/index'
import { expect, it } from 'vitest'
import { formFields } from './form-fields.ts'
import { paramPath, pathsOf, tabOf } from './inspector-tab.ts'

it.each([
  ['with.outputs', 'http_request', 'settings'],
  ['with.outputs.id', 'http_request', 'settings'],
  ['with.headers.Accept', 'http_request', 'settings'],
  ['with.timeout', 'http_request', 'reliability'],
  ['with.retries', 'http_request', 'reliability'],
  ['with.script', 'custom', 'settings'],
  ['with.constructor', 'custom', 'settings'],
  ['outputs', 'custom', 'env'],
  ['timeout', 'wait', 'reliability'],
  ['env.A', 'custom', 'env'],
  ['needs.a.if', 'custom', 'when'],
  ['name', 'custom', 'settings'],
])('%s of %s is on the tab %s', (field, uses, tab) => {
  expect(tabOf(field, uses)).toBe(tab)
})

it('no two fields of a step have one name in the inspector', () => {
  for (const type of stepTypes.values()) {
    const paths = [
      ...Object.keys(type.params.properties).map(paramPath),
      ...stepFields.filter(({ tab }) => tab !== 'none').map(({ key }) => key),
    ]
    expect(new Set(paths).size).toBe(paths.length)
  }
})

it('leads to the parameter, and to the part of a field that has parts', () => {
  expect(pathsOf('with.outputs.id')).toEqual(['with.outputs'])
  expect(pathsOf('with.url')).toEqual(['url'])
  expect(pathsOf('env.A')).toEqual(['env.A', 'env'])
  expect(pathsOf('retry.max')).toEqual(['retry.max', 'retry'])
})

it('how long and how often a request is tried stands with the timeout and the retries of the step', () => {
  const form = formFields(stepTypes.get('http_request'), { url: 'x' }, 'en')
  expect(form.reliability.map(({ name }) => name)).toEqual(['timeout', 'retries'])
  expect([...form.main, ...form.advanced].map(({ name }) => name)).not.toContain('timeout')
})
