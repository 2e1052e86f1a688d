// Where a step stands: under the one that it is a copy of, and under those of the file in whose place a template's steps are
// ("web/install" under "web"). Pure.
import type { RunStep } from '@ansflow/proto/gen/ansflow/v1/runs_pb'

/** The one that it stands under; "": none. */
export function parentOf({ id, copyOf }: Pick<RunStep, 'id' | 'copyOf'>): string {
  return copyOf || keyAbove(id)
}

function keyAbove(key: string): string {
  return key.slice(0, Math.max(0, key.lastIndexOf('/')))
}

/** All that it stands under, the nearest first. */
export function above(step: Pick<RunStep, 'id' | 'copyOf'>): string[] {
  const found: string[] = []
  for (let id = parentOf(step); id !== ''; id = keyAbove(id)) found.push(id)
  return found
}

export function isUnder(step: Pick<RunStep, 'id' | 'copyOf'>, id: string): boolean {
  return above(step).includes(id)
}

/** Names on the way to a step, its own last: those of a template's steps begin with that of the step that stands for them. */
export function namesTo({ id, name }: Pick<RunStep, 'id' | 'name'>): string[] {
  const keys = id.split('/')
  const outer = keys.length - 1
  if (outer === 0) return [name || id]
  if (name === '' || name === id) return keys
  const names = name.split(' / ')
  // One of those above has no name.
  if (names.length <= outer) return [...keys.slice(0, outer), names.at(-1)!]
  return [...names.slice(0, outer), names.slice(outer).join(' / ')]
}
