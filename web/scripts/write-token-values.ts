// Writes src/theme/token-values.ts from tokens.css: the same colours as literal values, for code that computes with them.
import { readFileSync, writeFileSync } from 'node:fs'
import { parseTokens } from '../src/theme/parse-tokens.ts'

const folder = new URL('../src/theme', import.meta.url)
const { light, dark } = parseTokens(readFileSync(new URL('tokens.css', folder), 'utf8'))
const lines = (values: Record<string, string>) =>
  Object.entries(values)
    .map(([name, value]) => `  '${name}': ${JSON.stringify(value).replace(/^"|"$/g, "'").replace(/\\"/g, '"')},`)
    .join('\n')

writeFileSync(
  new URL('token-values.ts', folder),
  `// Written by scripts/write-token-values.ts from tokens.css; a test compares both.
export const lightTokens = {\n${lines(light)}\n}

export type Tokens = typeof lightTokens

export const darkTokens: Tokens = {\n${lines(dark)}\n}
`,
)
