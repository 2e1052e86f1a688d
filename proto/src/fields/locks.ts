// Names of what is had alone: the locks of steps, and groups of runs.
import { hasExpression } from '../expression.ts'
import { hasControl, limits } from '../limits.ts'
import { type Performer, performerOf } from '../steps/index.ts'
import { say } from '../texts/say.ts'
import type { Kind } from './kind.ts'
import { words } from './kinds.ts'

/** Who does the steps that locks are for. */
export const lockedPerformers: readonly Performer[] = ['agent', 'controller']

export function locksHaveEffect(uses: string): boolean {
  return lockedPerformers.includes(performerOf(uses))
}

/** Also of what an expression has given. */
export function lockNameProblem(name: string): boolean {
  return name === '' || name.length > limits.lockName || hasControl(name) || name !== name.trim()
}

export const locks: Kind<string[]> = words((names, report) => {
  if (names.some((name) => !hasExpression(name) && lockNameProblem(name))) {
    report({ code: 'lock', said: say('lock_name', { most: limits.lockName }) })
  }
  const most = limits.locksOfAStep
  if (names.length > most) report({ code: 'limit', said: say('many_words', { most, noun: 'locks' }) })
}, 'template')
