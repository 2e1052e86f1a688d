import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Masker } from './mask.ts'

function mask(secrets: string[], input: string | Buffer, cuts: number[] = []): string {
  const masker = new Masker(secrets)
  return run(masker, Buffer.from(input as string), cuts).toString('latin1')
}

function run(masker: Masker, bytes: Buffer, cuts: number[]): Buffer {
  const out: Buffer[] = []
  let from = 0
  for (const cut of [...cuts, bytes.length].sort((a, b) => a - b)) {
    // A reader reuses its buffer, so what was given out must not change with it.
    const chunk = Buffer.from(bytes.subarray(from, cut))
    out.push(...masker.push(chunk).map((b) => Buffer.from(b)))
    chunk.fill(0)
    from = Math.max(from, cut)
  }
  out.push(...masker.end())
  return Buffer.concat(out)
}

test('a mask with many blanks and colours in it, or around it, takes no time', () => {
  const [blanks, colours] = [' '.repeat(100_000), '\u001b[1m'.repeat(25_000)]
  for (const unseen of [blanks, colours]) {
    expect(mask([], `::add-mask::front${unseen}back\nback`)).toBe('::add-mask::***\nback')
    expect(mask([], `::add-mask::${unseen}hidden${unseen}\nhidden`)).toBe('::add-mask::***\n***')
  }
})

test.each([
  ['literal', ['hunter22'], 'the password is hunter22!', 'the password is ***!'],
  ['overlapping finds', ['abcd', 'cdef'], 'xabcdefx', 'x***x'],
  ['a find within a longer one', ['abcdef', 'bcde'], '<abcdef> <bcde>', '<***> <***>'],
  ['side by side', ['abcd'], 'abcdabcd', '******'],
  ['prefix of a secret at the end', ['abcdef'], 'abcde', 'abcde'],
  ['repeated letter', ['aaaa'], `${'a'.repeat(100)}b`, '***b'],
  ['lines of a multi-line secret', ['first line\nsecond line\nab'], 'x second line y\nab\n', 'x *** y\nab\n'],
  ['hex', ['hunter22'], Buffer.from('hunter22').toString('hex'), '***'],
  ['URL', ['a b/c&d'], 'q=a%20b%2Fc%26d a+b%2Fc%26d a%20b%2fc%26d', 'q=*** *** ***'],
  ['JSON', ['say "hi"\tnow'], JSON.stringify({ v: 'say "hi"\tnow' }), '{"v":"***"}'],
  ['short only as a whole line', ['abc'], 'abc\nabcd abc\r\nabc\r\nabc', '***\nabcd abc\r\n***\r\n***'],
  ['add-mask', [], '::add-mask::topsecret\ntopsecret and topsecret', '::add-mask::***\n*** and ***'],
  ['add-mask not at a line start', [], 'x ::add-mask::word\nword', 'x ::add-mask::word\nword'],
  ['add-mask without value', [], '::add-mask::\nok', '::add-mask::\nok'],
  ['add-mask as the last line', [], 'a\n::add-mask::hiddenvalue', 'a\n::add-mask::***'],
  ['add-mask in capitals, behind blanks', [], ' \t::ADD-MASK::topsecret \r\nx topsecret', '::add-mask::***\nx ***'],
  [
    'add-mask in colours',
    [],
    '\x1b[1;33m::add-mask::topsecret\x1b[0m\n\x1b(B\x1b[m ::Add-Mask::second\n topsecret second',
    '::add-mask::***\n::add-mask::***\n *** ***',
  ],
  [
    "add-mask behind a byte-order mark, and behind a window's title",
    [],
    '\ufeff::add-mask::topsecret\n\x1b]0;build\x07 ::add-mask::second\n\x1b]0;x\x1b\\::add-mask::third1\ntopsecret second third1',
    '::add-mask::***\n::add-mask::***\n::add-mask::***\n*** *** ***',
  ],
  [
    'add-mask behind too many blanks',
    [],
    `${' '.repeat(300)}::add-mask::word\nword`,
    `${' '.repeat(300)}::add-mask::word\nword`,
  ],
  ['a short secret as add-mask', [], '::add-mask::abc\nabc\nabcd', '::add-mask::***\n***\nabcd'],
  ['backslashes without end', ['"abc"'], `${'\\'.repeat(99)}"abc" \\"abc\\"`, `${'\\'.repeat(98)}*** ***`],
  ['almost a command', [], '::add-mas\n::\n:\n\n', '::add-mas\n::\n:\n\n'],
  ['not UTF-8', ['hunter22'], Buffer.from([0xff, 0, 0x68]), '\xff\0h'],
])('%s', (_name, secrets, input, expected) => {
  expect(mask(secrets, input)).toBe(expected)
  const bytes = Buffer.from(input as string)
  // Every single split, and byte by byte.
  for (let at = 1; at < bytes.length; at++) expect(mask(secrets, bytes, [at])).toBe(expected)
  expect(
    mask(
      secrets,
      bytes,
      Array.from({ length: bytes.length }, (_, i) => i),
    ),
  ).toBe(expected)
})

test('base64 in every alignment, padded or not, url-safe, folded', () => {
  const secret = 'correct horse battery staple ~~~??? and more than 57 bytes of it'
  for (let before = 0; before < 6; before++) {
    for (let after = 0; after < 4; after++) {
      const text = 'x'.repeat(before) + secret + 'y'.repeat(after)
      for (const encoding of ['base64', 'base64url'] as const) {
        const masked = mask([secret], Buffer.from(text).toString(encoding))
        expect(masked).toContain('***')
        expect(masked.length).toBeLessThan(3 + 8 + 8)
      }
    }
  }
  const folded = Buffer.from(`${secret}${secret}`).toString('base64').replace(/.{76}/g, '$&\n')
  expect(mask([secret + secret], folded).replace(/\*\*\*|\n|=/g, '')).toBe('')
})

/** Small alphabets make overlaps, near misses and commands likely. */
const piece = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'b', 'c', '\n', ':'), maxLength: 12 }),
  fc.constantFrom('::add-mask::abca\n', '\n::add-mask::', 'abcabc', '\r\n', 'ab'),
)
const secretList = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c', '\n'), minLength: 1, maxLength: 9 }), {
  maxLength: 4,
})

test('any split of the input gives the same output', () => {
  fc.assert(
    fc.property(
      secretList,
      fc.array(piece, { maxLength: 12 }),
      fc.array(fc.nat(200), { maxLength: 20 }),
      (secrets, parts, cuts) => {
        const input = Buffer.from(parts.join(''))
        const inside = cuts.filter((cut) => cut < input.length)
        expect(mask(secrets, input, inside)).toBe(mask(secrets, input))
      },
    ),
    { numRuns: 600 },
  )
})

test('a masker started at the position of another goes on exactly', () => {
  fc.assert(
    fc.property(secretList, fc.array(piece, { maxLength: 12 }), fc.nat(200), (secrets, parts, at) => {
      const input = Buffer.from(parts.join(''))
      const cut = Math.min(at, input.length)
      const before = new Masker(secrets)
      const head = Buffer.concat(before.push(input.subarray(0, cut)))
      const after = new Masker([...secrets, ...before.added], before.position, before.atLineStart)
      const tail = run(after, input.subarray(before.position), [])
      expect(Buffer.concat([head, tail]).toString()).toBe(mask(secrets, input))
    }),
    { numRuns: 600 },
  )
})

test('skipping obeys add-mask lines and goes on masking behind them', () => {
  const masker = new Masker(['hunter22'])
  masker.push(Buffer.from('head hunt'))
  masker.skip(Buffer.from('er22\n::add-mask::newsecret\nlost'))
  expect(Buffer.concat([...masker.push(Buffer.from(' newsecret hunter22\n')), ...masker.end()]).toString()).toBe(
    ' *** ***\n',
  )
})

test('an endless find and an endless add-mask line need no memory', () => {
  const chunk = Buffer.alloc(1024 * 1024, 'a')
  const masker = new Masker(['aaaa'])
  for (let i = 0; i < 3; i++) expect(masker.push(chunk)).toEqual([])
  expect(Buffer.concat(masker.end()).toString()).toBe('***')
  expect(masker.position).toBe(3 * chunk.length)
  const command = new Masker([])
  command.push(Buffer.from('::add-mask::'))
  for (let i = 0; i < 3; i++) expect(command.push(chunk)).toEqual([])
  expect(Buffer.concat(command.end()).toString()).toBe('::add-mask::***')
})

test('a large private key keeps the table small and the speed high', () => {
  const body = randomBytes(2400).toString('base64').replace(/.{64}/g, '$&\n')
  const key = `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\n`
  const masker = new Masker([key, randomBytes(20).toString('hex')])
  const out = Buffer.concat([...masker.push(Buffer.from(`key:\n${key}done\n`)), ...masker.end()]).toString()
  expect(out).toBe(`key:\n***done\n`)
})
