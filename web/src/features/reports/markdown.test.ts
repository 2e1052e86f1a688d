import { mount } from '@vue/test-utils'
import { describe, expect, it } from 'vitest'
import { h } from 'vue'
import { markdownPieces } from './markdown.ts'

const shown = (text: string) => mount({ render: () => h('div', markdownPieces(text)) }).element as HTMLElement

describe('markdownPieces', () => {
  it('shows what people write', () => {
    const page = shown(
      '# Tests\n\n| a | b |\n|---|--:|\n| 1 | **2** |\n\n3. x\n4. y\n\n```sh\nmake\n```\n- [docs](https://example.org/a?b=1&c=2)',
    )
    expect(page.querySelector('h1')?.textContent).toBe('Tests')
    expect(page.querySelector('td.to-right strong')?.textContent).toBe('2')
    expect(page.querySelector('ol')?.getAttribute('start')).toBe('3')
    expect(page.querySelector('pre code')?.textContent).toBe('make\n')
    const link = page.querySelector('a')!
    expect(link.getAttribute('href')).toBe('https://example.org/a?b=1&c=2')
    expect(link.getAttribute('rel')).toBe('noopener noreferrer nofollow')
    expect(link.getAttribute('target')).toBe('_blank')
  })

  it.each(['![', '*a **a ', '[a](', '_a __a'])('signs without end are text, and nobody waits for them: %s', (signs) => {
    const many = signs.repeat(Math.floor((256 * 1024) / signs.length))
    const before = process.threadCpuUsage()
    const page = shown(`${many}\n\nbehind **them**`)
    const { user, system } = process.threadCpuUsage(before)
    // Of the processor, in microseconds: it is a hundredth of that.
    expect(user + system).toBeLessThan(800_000)
    expect(page.querySelector('p')?.textContent?.length).toBe(many.trim().length)
    expect(page.querySelector('strong')?.textContent).toBe('them')
  })

  it.each([
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    'a <b onclick="x()">b</b> <iframe src="https://example.org"></iframe>',
    '<svg/onload=alert(1)>',
  ])('HTML is text: %s', (text) => {
    const page = shown(text)
    expect(page.textContent).toContain(text.slice(0, 10))
    expect(page.querySelectorAll('script, img, b, iframe, svg')).toHaveLength(0)
  })

  it.each([
    '[a](javascript:alert(1))',
    '[a](JaVaScRiPt:alert(1))',
    '[a](data:text/html,x)',
    '[a](/settings/tokens)',
    '[a](//example.org)',
    '<javascript:alert(1)>',
    '[a][r]\n\n[r]: vbscript:x',
  ])('leads nowhere: %s', (text) => expect(shown(text).querySelectorAll('a')).toHaveLength(0))

  it('loads no pictures: they are links', () => {
    const page = shown('![build](https://example.org/build.svg "t") ![x](data:image/png;base64,AA==)')
    expect(page.querySelectorAll('img')).toHaveLength(0)
    expect(page.querySelector('a')?.getAttribute('href')).toBe('https://example.org/build.svg')
    expect(page.textContent).toContain('build')
  })
})
