// Conditions are cut where they say "and", "or" and "not", and nowhere else.
import { expect, it } from 'vitest'
import { type ConditionPart, conditionParts } from './condition-parts.ts'

const told = ({ kind, source, parts }: ConditionPart): unknown =>
  kind === 'plain' ? source : [kind, ...parts.map(told)]

it.each<[string, unknown]>([
  ['git.branch == "main"', 'git.branch == "main"'],
  ['a && b && c', ['all', 'a', 'b', 'c']],
  ['a || b && !c', ['any', 'a', ['all', 'b', ['not', 'c']]]],
  [' ( a && (b || c) ) ', ['all', 'a', ['any', 'b', 'c']]],
  ['(a) && (b)', ['all', 'a', 'b']],
  ['!(a && b)', ['not', ['all', 'a', 'b']]],
  ['!a == b', '!a == b'],
  ['!!a', '!!a'],
  ['a ? b : c || d', 'a ? b : c || d'],
  ['(a ? b : c) || d', ['any', 'a ? b : c', 'd']],
  [`x == "a && b" && y == 'c || "d'`, ['all', 'x == "a && b"', `y == 'c || "d'`]],
  [`r'\\' == x && z`, ['all', `r'\\' == x`, 'z']],
  [`"""a " && b""" == x && z`, ['all', `"""a " && b""" == x`, 'z']],
  ['[1, 2].exists(n, n > 1 || n < 0) && m["&&"]', ['all', '[1, 2].exists(n, n > 1 || n < 0)', 'm["&&"]']],
  ['a && // b ||\n c', ['all', 'a', '// b ||\n c']],
])('%s', (source, parts) => {
  expect(told(conditionParts(source))).toEqual(parts)
})

it('goes no deeper than eight levels', () => {
  const deep = Array.from({ length: 40 }).reduce<string>((inner) => `!(${inner} && b)`, 'a')
  const depth = ({ parts }: ConditionPart): number => 1 + Math.max(0, ...parts.map(depth))
  expect(depth(conditionParts(deep))).toBe(9)
})
