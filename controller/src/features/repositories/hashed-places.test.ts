import { expect, test } from 'vitest'
import { placesOf } from './hashed-places.ts'

test.each([
  [[['package-lock.json', '!vendor/**']], ['package-lock.json']],
  [[['web/**/*.lock', 'web/a?.json', 'go/{a,b}/x']], ['web', 'go']],
  [
    [['web/app/*.lock'], ['go.sum']],
    ['web/app', 'go.sum'],
  ],
  [[['go.sum'], ['**/go.sum']], []],
  [[['[ab]/x']], []],
  // All but what is taken away.
  [[['!docs/**']], []],
  [[['../x']], []],
  [[['a\\*b/c']], []],
  [[[...Array(51).keys()].map((n) => `a${n}`), [...Array(50).keys()].map((n) => `b${n}`)], []],
])('the files of %j lie in %j', (lists, places) => {
  expect(placesOf(lists)).toEqual(places)
})
