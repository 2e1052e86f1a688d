// Globs: what each sign takes, lists of them, and that nobody can write one that is slow.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type GlobPart, parseGlob } from './globs/parse.ts'
import { fitsText, globProblem, matcher, textMatcher } from './globs.ts'
import { saidText } from './texts/said-text.ts'

describe('a pattern', () => {
  test.each([
    ['main', 'main', true],
    ['main', 'Main', false],
    ['main', 'maine', false],
    ['release/*', 'release/1.2', true],
    ['release/*', 'release/1/2', false],
    ['release/*', 'release/', true],
    ['release/**', 'release/1/2', true],
    ['release/**', 'release', false],
    ['**', 'a/b', true],
    ['*', 'a/b', false],
    ['*', '', true],
    ['**/*.ts', 'a.ts', true],
    ['**/*.ts', 'src/deep/a.ts', true],
    ['**/*.ts', 'src/a.tsx', false],
    ['src/**/test/*', 'src/test/a', true],
    ['src/**/test/*', 'src/a/b/test/a', true],
    ['src/**/test/*', 'src/atest/a', false],
    ['**.md', 'docs/a.md', true],
    ['*.md', 'docs/a.md', false],
    ['*', '.env', true],
    ['**/x', '.hidden/x', true],
    ['v?.?', 'v1.2', true],
    ['v?', 'v/', false],
    ['v[0-9]*', 'v2.0', true],
    ['v[!0-9]', 'v2', false],
    ['v[^0-9]', 'vx', true],
    ['a[!b]c', 'a/c', false],
    ['a[.-0]c', 'a/c', false],
    ['[]a]', ']', true],
    ['[a-]', '-', true],
    ['{main,dev}', 'dev', true],
    ['{main,dev}', 'main,dev', false],
    ['{src,lib/{a,b}}/**', 'lib/b/x', true],
    ['{**/a,b}', 'x/y/a', true],
    ['a{,b}', 'a', true],
    ['a,b}', 'a,b}', true],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['\\!a', '!a', true],
    ['+(a)', '+(a)', true],
    ['发布/**', '发布/一', true],
    ['?', '🎉', true],
    ['[🎉-🎊]x', '🎊x', true],
    ['{a', '{a', false],
  ])('%s takes %s: %s', (pattern, text, takes) => expect(matcher([pattern])(text)).toBe(takes))

  test('is refused with what to write', () => {
    const said = (pattern: string, path = false) =>
      saidText(globProblem(pattern, { path }) ?? { code: 'glob_empty', params: {} })
    expect(globProblem('!src/{a,b}/**', { path: true })).toBe(undefined)
    expect(said('!')).toContain('empty')
    expect(said('x'.repeat(257))).toContain('256')
    expect(said('{a,b')).toContain('{')
    expect(said('[a')).toContain('[')
    expect(said('[b-a]')).toContain('range')
    expect(said('a\\')).toContain('\\')
    expect(said('/src/**', true)).toContain('"src/**"')
    expect(said('!./src', true)).toContain('"!src"')
    expect(said('src/', true)).toContain('"src/**"')
    expect(globProblem('src/')).toBe(undefined)
    expect(said('{'.repeat(20) + '}'.repeat(20))).toContain('8')
  })
})

describe('a list', () => {
  test.each([
    [['main', 'release/**', '!release/old'], 'release/1', true],
    [['main', 'release/**', '!release/old'], 'release/old', false],
    [['**', '!docs/**', 'docs/api/**'], 'docs/api/a', true],
    [['**', '!docs/**', 'docs/api/**'], 'docs/a', false],
    [['!docs/**'], 'src/a', true],
    [['!docs/**'], 'docs/a', false],
    [['!a', '!b'], 'b', false],
    [[], 'a', false],
    [['!docs/**', 'docs/a'], 'src/x', false],
  ])('%j takes %s: %s', (patterns, text, takes) => expect(matcher(patterns)(text)).toBe(takes))

  test('of texts knows the star alone', () => {
    expect(textMatcher(['*release*'])('a release\nof it/all')).toBe(true)
    expect(textMatcher(['*', '!WIP*'])('WIP: x')).toBe(false)
    expect(textMatcher(['[a]'])('a')).toBe(false)
    expect(fitsText('ab*ba', 'aba')).toBe(false)
  })
})

/** As one would write it down, without a thought of how long it takes. */
function plainly(parts: readonly GlobPart[], text: readonly string[]): boolean {
  const [part, ...rest] = parts
  if (part === undefined) return text.length === 0
  switch (part.kind) {
    case 'characters': {
      const code = text[0]?.codePointAt(0)
      if (code === undefined) return false
      const { not, ranges } = part.takes
      return ranges.some(([from, to]) => from <= code && code <= to) !== not && plainly(rest, text.slice(1))
    }
    case 'star':
      return text.concat('').some((_, end) => {
        const taken = text.slice(0, end)
        return (part.slashes || !taken.includes('/')) && plainly(rest, text.slice(end))
      })
    case 'folders':
      return text.concat('').some((_, end) => (end === 0 || text[end - 1] === '/') && plainly(rest, text.slice(end)))
    case 'options':
      return part.options.some((option) => plainly([...option, ...rest], text))
  }
}

test('any pattern takes what its parts say, however it is written', () => {
  const sign = fc.constantFrom(
    'a',
    'b',
    '/',
    '.',
    '*',
    '**',
    '**/',
    '?',
    '[ab]',
    '[!a]',
    '{a,b/}',
    '{,*}',
    '{**/a,b}',
    '\\*',
  )
  const text = fc.array(fc.constantFrom('a', 'b', '/', '.', '*', '🎉'), { maxLength: 7 })
  fc.assert(
    fc.property(fc.array(sign, { minLength: 1, maxLength: 6 }), text, (signs, characters) => {
      const pattern = signs.join('')
      const { parts } = parseGlob(pattern)
      expect(matcher([pattern.startsWith('!') ? `\\${pattern}` : pattern])(characters.join(''))).toBe(
        plainly(parts!, characters),
      )
    }),
    { numRuns: 3000 },
  )
})

test('any text is a pattern or is refused, and matching never fails', () => {
  const pattern = fc.string({
    unit: fc.constantFrom('a', '[', ']', '{', '}', ',', '!', '^', '-', '\\', '*', '?', '/'),
    maxLength: 12,
  })
  fc.assert(
    fc.property(pattern, fc.string({ maxLength: 10 }), (text, name) => {
      const refused = globProblem(text) !== undefined
      const takes = matcher([text])(name)
      expect(typeof takes).toBe('boolean')
      if (refused && !text.startsWith('!')) expect(takes).toBe(false)
    }),
    { numRuns: 2000 },
  )
})

/** Of the processor: what else runs on the machine is no finding. */
function cpuMs(run: () => unknown): number {
  const before = process.threadCpuUsage()
  run()
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1000
}

describe('however hostile', () => {
  test.each([
    ['stars', `${'*a'.repeat(120)}x`, 'aab'],
    ['any folders', `${'**/'.repeat(80)}x`, 'a/'],
    ['options', `${'{a,'.repeat(7)}b${'}'.repeat(7)}${'{a,b,*}'.repeat(30)}x`, 'ab'],
    ['many places at once', `**a${'?'.repeat(200)}`, 'aab'],
  ])('%s take as long as the text, not as its square', (_, pattern, piece) => {
    const takes = matcher([pattern])
    const [short, long] = [piece.repeat(1000), piece.repeat(20_000)]
    takes(short)
    const [few, many] = [cpuMs(() => takes(short)), cpuMs(() => takes(long))]
    expect(many).toBeLessThan(20 * 8 * Math.max(few, 1))
  })

  test('a hundred thousand paths are read in a moment', () => {
    const paths = Array.from({ length: 100_000 }, (_, n) => `packages/part-${n % 97}/src/deep/folder/file-${n}.test.ts`)
    const takes = matcher(['**/*.go', 'src/**', 'packages/*/lib/**', '!docs/**', '**/{a,b}/*.rs'])
    let taken = 0
    expect(
      cpuMs(() => {
        taken = paths.filter(takes).length
      }),
    ).toBeLessThan(2000)
    expect(taken).toBe(0)
  })
})
