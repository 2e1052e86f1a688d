// The script's colours are the style sheet's: no theme can drift from tokens.css.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { darkOverrides, lightOverrides } from './naive-theme.ts'
import { parseTokens } from './parse-tokens.ts'
import { darkTokens, lightTokens } from './token-values.ts'

const css = readFileSync(`${import.meta.dirname}/tokens.css`, 'utf8')

describe('theme', () => {
  it('has the values of tokens.css in both themes', () => {
    const { light, dark } = parseTokens(css)
    expect(lightTokens).toEqual(light)
    expect(darkTokens).toEqual(dark)
    expect(dark['c-page']).toBe('#16181d')
  })

  it('gives the UI library literal values only', () => {
    for (const overrides of [lightOverrides, darkOverrides]) {
      const text = JSON.stringify(overrides)
      expect(text).not.toMatch(/var\(|color-mix|undefined/)
    }
    expect(darkOverrides.common?.baseColor).toBe(darkTokens['c-on-primary'])
  })
})
