// Both languages have the same keys with the same parameters, and no text that is asked for is missing.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Choice } from '@ansflow/proto/fields/kinds'
import { settingFields } from '@ansflow/proto/fields/pipeline-fields'
import { configFields } from '@ansflow/proto/fields/step-fields'
import { describe, expect, it } from 'vitest'
import { messages as en } from './en.ts'
import type { MessageTree } from './messages.ts'
import { messages as zh } from './zh-CN.ts'

const source = join(import.meta.dirname, '..')

function flatten(tree: MessageTree, prefix = ''): Map<string, string> {
  const found = new Map<string, string>()
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === 'string') found.set(`${prefix}${key}`, value)
    else for (const [inner, text] of flatten(value, `${prefix}${key}.`)) found.set(inner, text)
  }
  return found
}

const texts = { en: flatten(en), 'zh-CN': flatten(zh) }
/** As a set: English says some twice, for one and for many. */
const parameters = (text: string) => [...new Set([...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name))].sort()

const sources = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.(vue|ts)$/.test(file) && !file.endsWith('.test.ts'))
  .map((file) => ({ file, text: readFileSync(join(source, file), 'utf8') }))

/** Keys that are put together, as what they may be: `a.${b}` asks for some a.*, and may ask for every one. */
function computed(): { asked: string; pattern: RegExp; file: string }[] {
  return sources.flatMap(({ file, text }) =>
    [...text.matchAll(/`([\w-]+\.[\w.-]*\$\{[^`]*)`/g)].flatMap(([, asked = '']) => {
      const pieces = asked.split(/\$\{(?:[^{}]|\{[^}]*\})*\}/).map((piece) => piece.replaceAll('.', '\\.'))
      return texts.en.has(asked) || !roots.has(asked.split('.')[0] ?? '')
        ? []
        : [{ asked, pattern: new RegExp(`^${pieces.join('[\\w.-]+')}$`), file }]
    }),
  )
}
const roots = new Set(Object.keys(en))

/** Keys written out in the sources: t('a.b'), te("a.b"), keypath="a.b", title: 'a.b'. */
function askedFor(): { key: string; file: string }[] {
  return sources.flatMap(({ file, text }) => {
    const patterns = [
      /\bte?\(\s*['"]([\w-]+(?:\.[\w-]+)+)['"]/g,
      /keypath="([^"]+)"/g,
      /\b(?:title|label): '([a-z]\w*(?:\.\w+)+)'/g,
    ]
    return patterns.flatMap((pattern) => [...text.matchAll(pattern)].map(([, key = '']) => ({ key, file })))
  })
}

describe('templates', () => {
  it('ask for no component of the library by a name that it does not give here: it would show nothing', () => {
    expect(sources.filter(({ text }) => text.includes('<i18n-')).map(({ file }) => file)).toEqual([])
  })

  it('leave punctuation to the texts: it is another one in each language', () => {
    const beside = sources
      .filter(({ file }) => file.endsWith('.vue'))
      .flatMap(({ file, text }) =>
        [...text.matchAll(/(?:\}\}|\}\}<\/[A-Za-z-]+>)[,.;:](?=\s|$)/gm)].map(
          ({ index }) => `${file}: ${text.slice(index - 40, index + 8)}`,
        ),
      )
    expect(beside).toEqual([])
  })
})

describe('locales', () => {
  it('have the same keys in both languages', () => {
    expect([...texts['zh-CN'].keys()].sort()).toEqual([...texts.en.keys()].sort())
  })

  it('have the same parameters in both languages', () => {
    const differing = [...texts.en].filter(
      // Where English says what the controller says, Chinese has words of its own for it.
      ([key, text]) =>
        text !== '{message}' && parameters(text).join() !== parameters(texts['zh-CN'].get(key) ?? '').join(),
    )
    expect(differing.map(([key]) => key)).toEqual([])
  })

  it('have Chinese marks between Chinese words', () => {
    const wrong = [...texts['zh-CN']].filter(([, text]) => /[\u4e00-\u9fff][,;:?!](?=[\u4e00-\u9fff{]|$)/.test(text))
    expect(wrong).toEqual([])
  })

  it('have every key that the sources ask for', () => {
    const asked = askedFor()
    expect(asked.length).toBeGreaterThan(100)
    expect(asked.filter(({ key }) => !texts.en.has(key))).toEqual([])
  })

  it('have some key for every key that is put together', () => {
    const asked = computed()
    expect(asked.length).toBeGreaterThan(40)
    const keys = [...texts.en.keys()]
    expect(asked.filter(({ pattern }) => !keys.some((key) => pattern.test(key)))).toEqual([])
  })

  it('have no text that nobody asks for', () => {
    const patterns = computed().map(({ pattern }) => pattern)
    const everything = sources.map(({ text }) => text).join('\n')
    const idle = [...texts.en.keys()].filter(
      (key) => !everything.includes(key) && !patterns.some((pattern) => pattern.test(key)),
    )
    expect(idle).toEqual([])
  })

  it('have texts for every field of a step and of a pipeline', () => {
    const asked = [
      ...configFields.map(({ key, kind }) => ({ key: `pipelines.stepFields.${key}`, kind })),
      ...settingFields.map(({ key, kind }) => ({ key: `pipelines.pipelineFields.${key}`, kind })),
    ].flatMap(({ key, kind }) => [
      ...(kind.name === 'retry' ? [] : [`${key}.label`]),
      ...(kind.name === 'choice' ? (kind as unknown as Choice).words.map((word) => `${key}.options.${word}`) : []),
    ])
    expect(asked.length).toBeGreaterThan(10)
    expect(asked.filter((key) => !texts.en.has(key))).toEqual([])
  })

  it('leave a space between Chinese and Latin letters or digits', () => {
    const tight = [...texts['zh-CN']].filter(([, text]) =>
      /\p{Script=Han}[A-Za-z0-9]|[A-Za-z0-9]\p{Script=Han}/u.test(text),
    )
    expect(tight.map(([key]) => key)).toEqual([])
  })
})
