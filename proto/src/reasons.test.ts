// The table of reasons is whole: every code has both texts, and they say exactly its parameters.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { reasonTable } from './reasons/table.ts'

import { reason, reasonCodes, reasonText, sameReason, sentence } from './reasons.ts'
import { plain } from './texts/template.ts'

const languages = ['en', 'zh-CN'] as const
const nameOf = (param: string) => param.replace('?', '')
const each = reasonCodes.flatMap((code) => languages.map((language) => [code, language] as const))

test.each(each)('%s says its parameters and no others (%s)', (code, language) => {
  const { params, [language]: text } = reasonTable[code]
  const said = new Set([...text.matchAll(/\{(\w+)/g)].map(([, name]) => name))
  expect([...said].sort()).toEqual(params.map(nameOf).sort())
})

test.each(each)('%s is a sentence with what it must say alone, and with all (%s)', (code, language) => {
  const { params } = reasonTable[code] as { params: readonly string[] }
  const required = params.filter((param) => !param.endsWith('?'))
  for (const given of [required, params]) {
    const values = Object.fromEntries(given.map((param) => [nameOf(param), nameOf(param).toUpperCase()]))
    const text = sentence(code, values, language)
    expect(text).toMatch(/^\S.*\S$/)
    expect(text).not.toMatch(/[[\]{}|]|undefined|\s{2}/)
    for (const param of required) {
      if (!/^(status)$/.test(param)) expect(text).toContain(nameOf(param).toUpperCase())
    }
    if (language === 'zh-CN') expect(text).not.toMatch(/\p{Script=Han}[A-Za-z0-9]|[A-Za-z0-9]\p{Script=Han}/u)
  }
})

test('every code that a source names has an entry', () => {
  const root = join(import.meta.dirname, '..', '..')
  const sources = ['engine/src', 'controller/src', 'agent/src', 'web/src'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(ts|vue)$/.test(file) && !/\.test\./.test(file))
      .map((file) => readFileSync(join(root, folder, file), 'utf8')),
  )
  const named = [
    /\breasonCode(?:: | === |\) === )'(\w+)'/g,
    /\breason(?:Info)?\??\.code === '(\w+)'/g,
    /[( ]reason\('(\w+)'/g,
  ]
  const codes = new Set(
    sources.flatMap((text) => named.flatMap((form) => [...text.matchAll(form)].map(([, code]) => code))),
  )
  expect([...codes]).toEqual(expect.arrayContaining(['signal', 'unreachable', 'queued']))
  expect([...codes].filter((code) => !reasonCodes.includes(code as never))).toEqual([])
})

test('a part is left out without its parameters, and the first that fits is said', () => {
  expect(reasonText(reason('running'))).toBe('Runs.')
  expect(reasonText(reason('running', { agent: 'vm' }))).toBe('Runs on agent vm.')
  expect(reasonText(reason('agents_busy', { count: '1' }))).toBe('The one agent is busy.')
  expect(reasonText(reason('agents_busy', { count: '3', labels: 'gpu' }))).toBe(
    'All 3 agents with the labels gpu are busy.',
  )
  expect(reasonText(reason('canceled', { by: 'Ada', failed: '2' }))).toBe('Canceled by Ada; 2 steps failed.')
  expect(reasonText(reason('need_not_met', { step: 'a', status: 'skipped' }))).toBe('Its need a was skipped.')
})

test('what a parameter holds is never read as a text', () => {
  expect(reasonText(reason('expression', { message: '{code} [a|b]' }))).toBe('An expression failed: {code} [a|b]')
})

test('a reader sees moments and steps in his own way', () => {
  const shown = {
    ...plain,
    time: () => '10:00',
    date: () => '2030',
    step: (key: string) => `<${key}>`,
    separator: '、',
  }
  expect(sentence('needs', { steps: 'a, b', more: 'true' }, 'zh-CN', shown)).toBe('等待 <a>、<b> 等步骤。')
  expect(sentence('retry_delay', { attempt: '2', at: '2030-01-01T10:00:00Z' }, 'en', shown)).toBe(
    'Attempt 2 starts at 10:00.',
  )
})

test('reasons are the same by their codes and parameters', () => {
  expect(sameReason(reason('offered', { agent: 'a' }), reason('offered', { agent: 'a' }))).toBe(true)
  expect(sameReason(reason('offered', { agent: 'a' }), reason('offered', { agent: 'b' }))).toBe(false)
  expect(sameReason(null, reason('queued'))).toBe(false)
})
