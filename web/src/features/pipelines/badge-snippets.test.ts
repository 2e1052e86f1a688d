import { expect, test } from 'vitest'
import { badgeAddress, badgeSnippets } from './badge-snippets.ts'

test('an address holds what is not as usual', () => {
  const usual = { picture: 'status', branch: '', label: '', language: 'en' } as const
  expect(badgeAddress('https://a/badges/p/t', usual)).toBe('https://a/badges/p/t/status.svg')
  const other = { picture: 'duration', branch: 'a&b c', label: '构建', language: 'zh-CN' } as const
  expect(badgeAddress('https://a/badges/p/t', other)).toBe(
    'https://a/badges/p/t/duration.svg?branch=a%26b+c&label=%E6%9E%84%E5%BB%BA&lang=zh-CN',
  )
})

test('a name is text in each of the languages', () => {
  const of = badgeSnippets('https://a/s.svg?x=1&y=2', 'https://a/p', 'a]("x") <b>\n"c"')
  expect(of).toEqual({
    markdown: '[![a\\]("x") \\<b\\> "c"](https://a/s.svg?x=1&y=2)](https://a/p)',
    html: '<a href="https://a/p"><img src="https://a/s.svg?x=1&#38;y=2" alt="a](&#34;x&#34;) &#60;b&#62;\n&#34;c&#34;" height="20"></a>',
    asciidoc: 'image:https://a/s.svg?x=1&y=2["a\\](″x″) <b> ″c″",link="https://a/p"]',
  })
})
