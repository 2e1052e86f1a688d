import fc from 'fast-check'
import { expect, test } from 'vitest'
import { countShown, type Fold, foldOver, lineAt, placeOf, withFold, withoutFold } from './folds.ts'

/** Any groups of a log, in order, one behind the other, and how many lines there are. */
const logs = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 9 })), { maxLength: 8 })
  .map((gaps) => {
    const folds: Fold[] = []
    let line = 0
    for (const [before, inside] of gaps) {
      const heading = line + before + 1
      line = heading + inside
      folds.push({ heading, last: line })
    }
    return { folds, total: line + 3 }
  })

test('places are the shown lines, one by one', () => {
  fc.assert(
    fc.property(logs, ({ folds, total }) => {
      const all = Array.from({ length: total }, (_, i) => i + 1)
      const shown = all.filter((line) => !folds.some(({ heading, last }) => line > heading && line <= last))
      expect(countShown(folds, total)).toBe(shown.length)
      expect(shown.map((_, i) => lineAt(folds, i + 1))).toEqual(shown)
      expect(shown.map((line) => placeOf(folds, line))).toEqual(shown.map((_, i) => i + 1))
      for (const line of all) {
        const fold = foldOver(folds, line)
        expect(fold === undefined).toBe(shown.includes(line))
        if (fold) expect(placeOf(folds, line)).toBe(placeOf(folds, fold.heading))
      }
    }),
  )
})

test('a group that has not ended hides what comes, and is opened again', () => {
  const folds = withFold([{ heading: 9, last: Number.POSITIVE_INFINITY }], { heading: 2, last: 4 })
  expect(countShown(folds, 20)).toBe(7)
  expect(countShown(folds, 900)).toBe(7)
  expect(lineAt(folds, 7)).toBe(9)
  expect(withFold(folds, { heading: 9, last: 12 })).toEqual([
    { heading: 2, last: 4 },
    { heading: 9, last: 12 },
  ])
  expect(withoutFold(folds, 2)).toEqual([{ heading: 9, last: Number.POSITIVE_INFINITY }])
})
