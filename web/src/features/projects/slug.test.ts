// Slugs as the controller accepts them.
import { expect, it } from 'vitest'
import { slugOf } from './slug.ts'

it.each([
  ['Payments API', 'payments-api'],
  ['  Café & Crème!  ', 'cafe-creme'],
  ['a--b__c', 'a-b-c'],
  ['支付', ''],
  ['v1.2', 'v1-2'],
  ['-x-', 'x'],
])('%s', (name, slug) => {
  expect(slugOf(name)).toBe(slug)
})
