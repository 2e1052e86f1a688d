import { expect, test } from 'vitest'
import { repositoryOptions } from './repository-options.ts'

const names = ['acme/shop', 'acme/till']
const unknownOf = (chosen: string[], known: readonly string[] | undefined = names) =>
  repositoryOptions(chosen, known).flatMap(({ value, unknown }) => (unknown ? [value] : []))

test('the repositories of the project are offered, and what is named besides', () => {
  expect(repositoryOptions(['acme/till', 'other/*'], names).map(({ value }) => value)).toEqual([...names, 'other/*'])
})

test('what no repository of the project has is said to be unknown, once they are known', () => {
  expect(unknownOf(['shop', 'acme/*', '!acme/till', 'acme/shp', 'other/*', '!gone'])).toEqual([
    'acme/shp',
    'other/*',
    '!gone',
  ])
  expect(repositoryOptions(['acme/shp'], undefined)).toEqual([{ value: 'acme/shp', unknown: false }])
  // What is no pattern is said to be wrong elsewhere.
  expect(unknownOf(['[a'])).toEqual([])
})
