// Groups of a log that are folded: which lines are shown, and where. Lines count from 1, and so do places of what is shown. Pure.

/** The heading stays, what is behind it up to `last` does not. Infinity: the group has not ended yet. */
export interface Fold {
  heading: number
  last: number
}

/** In the order of their lines; groups do not lie in one another. */
export type Folds = readonly Fold[]

export function withFold(folds: Folds, fold: Fold): Folds {
  return [...folds.filter(({ heading }) => heading !== fold.heading), fold].sort((a, b) => a.heading - b.heading)
}

export function withoutFold(folds: Folds, heading: number): Folds {
  return folds.filter((fold) => fold.heading !== heading)
}

/** The fold that hides a line. */
export function foldOver(folds: Folds, line: number): Fold | undefined {
  return folds.find(({ heading, last }) => line > heading && line <= last)
}

export function hiddenBy({ heading, last }: Fold, total: number): number {
  return Math.max(0, Math.min(last, total) - heading)
}

export function countShown(folds: Folds, total: number): number {
  return folds.reduce((left, fold) => left - hiddenBy(fold, total), total)
}

export function lineAt(folds: Folds, place: number): number {
  let line = place
  for (const fold of folds) {
    if (line <= fold.heading) break
    line += fold.last - fold.heading
  }
  return line
}

/** Of a hidden line that of its heading. */
export function placeOf(folds: Folds, line: number): number {
  let place = line
  for (const { heading, last } of folds) {
    if (line <= heading) break
    place -= Math.min(line, last) - heading
  }
  return place
}
