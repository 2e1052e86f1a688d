// What tools make of a secret, and that none of it can be read in the log.
import { execFileSync } from 'node:child_process'
import { limits } from '@ansflow/proto/limits'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Masker } from './mask.ts'

function mask(secrets: string[], input: string, cuts: number[] = []): string {
  const masker = new Masker(secrets)
  const bytes = Buffer.from(input)
  const out: Buffer[] = []
  let from = 0
  for (const cut of [...cuts.map((at) => at % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)) {
    out.push(...masker.push(Buffer.from(bytes.subarray(from, cut))))
    from = cut
  }
  return Buffer.concat([...out, ...masker.end()]).toString()
}

const latin1 = (text: string) => [...Buffer.from(text)].map((byte) => String.fromCharCode(byte))
const hex = (code: number, width: number) => code.toString(16).padStart(width, '0')
const units = (text: string) => Array.from({ length: text.length }, (_, i) => text.charCodeAt(i))
const json = (text: string) => JSON.stringify(text).slice(1, -1)
const jsonEverything = (text: string) =>
  units(text)
    .map((unit) => `\\u${hex(unit, 4)}`)
    .join('')
const jsonLikeGo = (text: string) => json(text).replace(/[<>&]/g, (c) => `\\u${hex(c.charCodeAt(0), 4)}`)
const html = (names: Record<string, string>) => (text: string) =>
  text.replace(/[&<>"'`=/]/g, (c) => names[c] ?? `&#${c.charCodeAt(0)};`)
const percentAll = (text: string) => [...Buffer.from(text)].map((byte) => `%${hex(byte, 2)}`).join('')
const named = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' }
const shellSpecial = /[^A-Za-z0-9_\n\r\t\u0080-\uffff]/g

/** One for each way a common tool writes text. */
const encoders: Record<string, (text: string) => string> = {
  'as it is': (text) => text,
  encodeURIComponent: (text) => encodeURIComponent(text),
  'encodeURI (a part only)': (text) => encodeURI(text),
  'URL in small letters': (text) => encodeURIComponent(text).replace(/%../g, (code) => code.toLowerCase()),
  'URL, every byte': percentAll,
  'URL twice': (text) => encodeURIComponent(encodeURIComponent(text)),
  form: (text) => new URLSearchParams({ v: text }).toString().slice(2),
  'HTML, named': html(named),
  'HTML, decimal': html({}),
  'HTML, hexadecimal': (text) => [...text].map((c) => `&#x${c.codePointAt(0)!.toString(16)};`).join(''),
  'HTML, capital hexadecimal': (text) =>
    [...text].map((c) => `&#X${hex(c.codePointAt(0)!, 6).toUpperCase()};`).join(''),
  'HTML twice': (text) => html(named)(html(named)(text)),
  JSON: json,
  'JSON of Go': jsonLikeGo,
  'JSON with slashes': (text) => json(text).replaceAll('/', '\\/'),
  'JSON, all escaped': jsonEverything,
  'JSON, all escaped, capitals': (text) => jsonEverything(text).replace(/[a-f]/g, (c) => c.toUpperCase()),
  'JSON in JSON': (text) => json(json(text)),
  'JSON of Go in JSON': (text) => json(jsonLikeGo(text)),
  'JSON in JSON in JSON': (text) => json(json(json(text))),
  'bytes of Python': (text) =>
    latin1(text)
      .map((c) =>
        c >= ' ' && c <= '~' && c !== '\\' && c !== "'"
          ? c
          : c === '\\' || c === "'"
            ? `\\${c}`
            : `\\x${hex(c.charCodeAt(0), 2)}`,
      )
      .join(''),
  'C, octal': (text) =>
    latin1(text)
      .map((c) => (/[A-Za-z0-9]/.test(c) ? c : `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`))
      .join(''),
  'code points': (text) =>
    [...text].map((c) => (/[a-z]/.test(c) ? c : `\\u{${c.codePointAt(0)!.toString(16)}}`)).join(''),
  'eight digits': (text) => [...text].map((c) => `\\U${hex(c.codePointAt(0)!, 8)}`).join(''),
  'printf %q': (text) => text.replace(shellSpecial, '\\$&'),
  'single quotes of bash': (text) => text.replaceAll("'", "'\\''"),
  'single quotes of dash': (text) => text.replace(/'+/g, (quotes) => `'"${quotes}"'`),
  'double quotes of a shell': (text) => text.replace(/[\\"$`]/g, '\\$&'),
  'PowerShell, single quotes': (text) => text.replaceAll("'", "''"),
  'PowerShell, double quotes': (text) => text.replace(/[`"$]/g, '`$&').replaceAll('\n', '`n').replaceAll('\t', '`t'),
  'cat -v': (text) =>
    latin1(text)
      .map((c) => {
        const byte = c.charCodeAt(0)
        const seven = String.fromCharCode(byte & 127)
        return (
          (byte > 127 ? 'M-' : '') +
          (byte % 128 < 32 && seven !== '\n' ? `^${String.fromCharCode((byte % 128) + 64)}` : seven)
        )
      })
      .join(''),
  ls: (text) => text.replaceAll("'", "'\\''").replace(/\t+/g, (tabs) => `'$'${tabs.replaceAll('\t', '\\t')}''`),
  'single quotes of bash in JSON': (text) => json(text.replaceAll("'", "'\\''")),
  'double quotes doubled': (text) => text.replaceAll('"', '""'),
  'double quotes doubled, in JSON': (text) => json(text.replaceAll('"', '""')),
  hex: (text) => Buffer.from(text).toString('hex'),
  'hex, capitals': (text) => Buffer.from(text).toString('hex').toUpperCase(),
  'hex with colons': (text) =>
    Buffer.from(text)
      .toString('hex')
      .replace(/..(?!$)/g, '$&:'),
  'hex with blanks': (text) =>
    Buffer.from(text)
      .toString('hex')
      .replace(/..(?!$)/g, '$& '),
  base64: (text) => Buffer.from(text).toString('base64'),
  base64url: (text) => Buffer.from(text).toString('base64url'),
  'base64 in a URL': (text) => encodeURIComponent(Buffer.from(text).toString('base64')),
  'base64 of user and password': (text) => Buffer.from(`user:${text}`).toString('base64'),
  'base64 between others': (text) => Buffer.from(`ab${text}yz`).toString('base64'),
  'base64, folded': (text) => Buffer.from(`x${text}`).toString('base64').replace(/.{13}/g, '$&\r\n'),
  'base64, folded, in JSON': (text) => json(Buffer.from(text).toString('base64').replace(/.{13}/g, '$&\n')),
}

/** Letters that are in no encoder's own alphabet of signs, so that what is left is left of the secret. */
const letters = fc.constantFrom(
  ...'gkpquvwyzGKPQVWYZ',
  ...'gkpquvwyz',
  ...'"\'\\&<>/%$@ +=;:`#!~{}[]()*|',
  'é',
  '世',
  '😀',
  '\t',
)
const secret = fc
  .string({ unit: letters, minLength: 6, maxLength: 90 })
  .filter((text) => text.trim() === text && Buffer.byteLength(text) >= 6 && !text.includes('**'))

describe.each(Object.entries(encoders))('%s', (name, encode) => {
  test('of any secret nothing is left, however the output is cut', () => {
    // Some characters of base64 belong to the neighbours too, and its last ones to the padding.
    const shared = name.startsWith('base64')
      ? /^[A-Za-z0-9+/=_%-]{0,8}\*\*\*(?:[A-Za-z0-9+/=_%\s-]|\\[rn]){0,12}$/
      : /^\*\*\*$/
    fc.assert(
      fc.property(secret, fc.array(fc.nat(), { maxLength: 4 }), (text, cuts) => {
        expect(mask([text], `[${encode(text)}]`, cuts).slice(1, -1)).toMatch(shared)
      }),
      { numRuns: 60 },
    )
  })
})

const rows = (bytes: Buffer, width: number) =>
  Array.from({ length: Math.ceil(bytes.length / width) }, (_, i) => bytes.subarray(i * width, (i + 1) * width))
const plain = (bytes: Buffer) => bytes.toString('latin1').replace(/[^ -~]/g, '.')
const octal = (byte: number) => byte.toString(8).padStart(3, '0')
const cellOf = (byte: number) => (byte < 32 || byte > 126 ? octal(byte) : String.fromCharCode(byte)).padStart(4)

/** As the programs write them, with their offsets and columns of text. */
const dumps: Record<string, (bytes: Buffer) => string> = {
  xxd: (bytes) =>
    rows(bytes, 16)
      .map((row, i) => {
        const words = row.toString('hex').replace(/.{4}(?!$)/g, '$& ')
        return `${hex(i * 16, 8)}: ${words.padEnd(39)}  ${plain(row)}\n`
      })
      .join(''),
  'xxd -i': (bytes) =>
    `unsigned char x[] = {\n  ${rows(bytes, 12)
      .map((row) => [...row].map((byte) => `0x${hex(byte, 2)}`).join(', '))
      .join(',\n  ')}\n};\n`,
  'hexdump -C': (bytes) =>
    rows(bytes, 16)
      .map((row, i) => {
        const halves = rows(row, 8).map((half) => [...half].map((byte) => hex(byte, 2)).join(' '))
        return `${hex(i * 16, 8)}  ${halves.join('  ').padEnd(48)}  |${plain(row)}|\n`
      })
      .join(''),
  'od -tx1z': (bytes) =>
    rows(bytes, 16)
      .map((row, i) => {
        const shown = [...row].map((byte) => ` ${hex(byte, 2)}`).join('')
        return `${(i * 16).toString(8).padStart(7, '0')}${shown.padEnd(48)}  >${plain(row)}<\n`
      })
      .join(''),
  'od -c': (bytes) =>
    rows(bytes, 16)
      .map((row, i) => `${(i * 16).toString(8).padStart(7, '0')}${[...row].map(cellOf).join('')}\n`)
      .join(''),
  'od -An -c': (bytes) =>
    rows(bytes, 16)
      .map((row) => `${[...row].map(cellOf).join('')}\n`)
      .join(''),
  'od -b': (bytes) =>
    rows(bytes, 16)
      .map(
        (row, i) => `${(i * 16).toString(8).padStart(7, '0')}${[...row].map((byte) => ` ${octal(byte)}`).join('')}\n`,
      )
      .join(''),
}

describe.each(Object.entries(dumps))('a dump by %s', (_name, dump) => {
  const pair = fc
    .array(fc.tuple(fc.constantFrom(...'gkpQ@$"\' -'), fc.constantFrom(...'hlqZ#%&+;.')), {
      minLength: 6,
      maxLength: 90,
    })
    .map((letters) => [letters.map(([one]) => one).join(''), letters.map(([, other]) => other).join('')] as const)
    // Blanks around a value are not looked for.
    .filter(([one]) => one.trim() === one)

  test('is the same whatever the secret in it is', () => {
    fc.assert(
      fc.property(
        pair,
        fc.nat(20),
        fc.nat(20),
        fc.array(fc.nat(), { maxLength: 4 }),
        ([one, other], before, after, cuts) => {
          const show = (text: string) =>
            mask([text], dump(Buffer.from(`${'a'.repeat(before)}${text}${'x'.repeat(after)}`)), cuts)
          expect(show(one)).toBe(show(other))
          expect(show(one)).toContain('***')
        },
      ),
      { numRuns: 100 },
    )
  })
})

test('lines of a secret are masked in every encoding of text', () => {
  const value = 'first "line" & <more>\nsecond \'line\' $x\n'
  for (const line of ['first "line" & <more>', "second 'line' $x"])
    for (const [name, encode] of Object.entries(encoders))
      if (!name.includes('64')) expect([name, mask([value], encode(line))]).toEqual([name, '***'])
  expect(mask([value], `x ${JSON.stringify({ value })} y`)).toBe('x {"value":"***"} y')
})

test('what programs print of a secret', () => {
  const value = `p@ss "w&rd'`
  const run = (program: string, ...args: string[]) =>
    mask([value], execFileSync(program, args, { env: { PATH: process.env.PATH!, SECRET: value }, encoding: 'utf8' }))
  const printed = [
    run(
      'bash',
      '-c',
      'printf "%q\\n" "$SECRET"; export -p; set | grep SECRET=; set -x; : "$SECRET"; declare -p SECRET; echo "${SECRET@Q}"',
    ),
    run(
      'sh',
      '-c',
      'export -p | grep SECRET; set | grep SECRET=; printf %s "$SECRET" | od -An -tx1; printf %s "$SECRET" | base64; for as in -c -b -tx1z; do printf %s "$SECRET" | od $as; done; printf %s "$SECRET" | cat -A; set -x; : "--password=$SECRET"',
    ),
    run(
      process.execPath,
      '-e',
      'const s = process.env.SECRET; console.log(s, [s], { s: { s } }, JSON.stringify(JSON.stringify(s)), encodeURI(s))',
    ),
  ]
  for (const text of printed) expect(text).toContain('***')
  expect(printed.join('')).not.toMatch(/p@ss|p%40ss|w&rd|w\\|rd'/)
})

test('a long line gives none of its pieces away', () => {
  const value = Array.from({ length: 700 }, (_, i) => ((i * 7919) % 36).toString(36)).join('')
  expect(mask([value], `<${value}>`)).toBe('<***>')
  expect(mask([value], `<${Buffer.from(value).toString('base64')}>`)).toBe('<***>')
  // Cut off after 80 columns, as some tools do.
  expect(mask([value], value.slice(0, 80)).replace('***', '').length).toBeLessThan(20)
})

test('ordinary text is left as it is', () => {
  const text = fc.string({ unit: fc.constantFrom(...'abcdefghij \n\\"\'%&+;:#x0123456789{}u=`/'), maxLength: 400 })
  fc.assert(
    fc.property(text, fc.array(fc.nat(), { maxLength: 3 }), (input, cuts) => {
      expect(mask([`p@ss "w&rd'`, 'correct horse', 'ZX81-9Q-7731'], input, cuts)).toBe(input)
    }),
    { numRuns: 300 },
  )
})

describe('limits', () => {
  const lines = (count: number) => Array.from({ length: count }, (_, i) => `::add-mask::value-${i}\n`).join('')

  test('with too many masks the rest of the output is withheld', () => {
    const masker = new Masker([])
    const before = Buffer.concat(masker.push(Buffer.from(`${lines(limits.masks)}value-0 ok\n`))).toString()
    expect(before).toMatch(/\*\*\* ok\n$/)
    expect(masker.withheld).toBe(false)
    const shown = Buffer.concat(masker.push(Buffer.from('::add-mask::one-more\none-more\n'))).toString()
    expect(masker.withheld).toBe(true)
    expect(shown).toBe('::add-mask::***\n')
    expect(masker.push(Buffer.from('value-0 and all else\n'))).toEqual([])
    expect(masker.position).toBe(
      `${lines(limits.masks)}value-0 ok\n::add-mask::one-more\none-more\nvalue-0 and all else\n`.length,
    )
    expect(masker.conceals('anything')).toBe(true)
  })

  test('with too large masks too, and with one that is too large', () => {
    for (const input of [
      Array.from({ length: 20 }, (_, i) => `::add-mask::${String(i).repeat(limits.maskBytes / 16)}\n`).join(''),
      `::add-mask::${'x'.repeat(limits.maskBytes + 1)}\n`,
    ]) {
      const masker = new Masker([])
      masker.push(Buffer.from(input))
      expect(masker.withheld).toBe(true)
      expect(masker.push(Buffer.from('rest\n'))).toEqual([])
    }
  })

  test('the same mask again takes no room', () => {
    const masker = new Masker([])
    for (let i = 0; i < 2 * limits.masks; i++) masker.push(Buffer.from('::add-mask::always-this\n'))
    expect(masker.withheld).toBe(false)
  })
})
