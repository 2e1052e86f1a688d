// Errors are said in the reader's language, at the field they belong to.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { ApiError } from '../api-error.ts'
import { i18n, languages, setLanguage } from '../i18n.ts'
import { errorText, fieldError, formError } from './error-text.ts'

afterEach(() => setLanguage('en'))

const tooLong = new ApiError('invalid_argument', 'description: must have at most 1000 characters', {
  reason: 'description_length',
  violations: [{ field: 'description', message: 'must have at most 1000 characters' }],
})

it('says what is wrong with a field in both languages', async () => {
  await setLanguage('en')
  expect(fieldError(tooLong, 'description')).toBe('A description has at most 1000 characters.')
  expect(fieldError(tooLong, 'name')).toBeUndefined()
  expect(formError(tooLong, ['name', 'description'])).toBeUndefined()
  await setLanguage('zh-CN')
  expect(fieldError(tooLong, 'description')).toBe('描述最多 1000 个字符。')
  expect(errorText(tooLong)).toBe('描述最多 1000 个字符。')
})

it('shows what the server said about a field when it knows no better', () => {
  const error = new ApiError('invalid_argument', 'x', {
    violations: [{ field: 'inputs.n', message: 'It must be text.' }],
  })
  expect(fieldError(error, 'inputs.n')).toBe('It must be text.')
})

it('calls steps as people know them where it is told how', () => {
  const params = { step: 'test.0', inputs: 'nodes' }
  const error = new ApiError('invalid_argument', 'x', {
    violations: [{ field: 'stepIds', message: 'x', code: 'rerun_input', params }],
  })
  const said = (name: string) =>
    `Step ${name} has read nodes, which is to change, so what it has made cannot be reused. Run from it.`
  expect(errorText(error)).toBe(said('test.0'))
  expect(errorText(error, (key) => (key === 'test.0' ? 'Test linux' : key))).toBe(said('Test linux'))
})

it('knows every reason that a form of the console can meet', async () => {
  const features = join(import.meta.dirname, '../../../controller/src')
  const sources = readdirSync(features, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => readFileSync(join(features, file), 'utf8'))
    .join('\n')
  const reasons = new Set(
    [/invalidField\((?:[^()]|\([^()]*\))*?, '([a-z_]+)'\)/g, /(?:conflict|precondition)\(\s*'([a-z_]+)'/g].flatMap(
      (pattern) => [...sources.matchAll(pattern)].map((match) => match[1] ?? ''),
    ),
  )
  expect(reasons.size).toBeGreaterThan(15)
  for (const language of languages) {
    await setLanguage(language)
    const unknown = [...reasons].filter((reason) => !i18n.global.te(`ui.error.reasons.${reason}`, language))
    expect([language, unknown]).toEqual([language, []])
  }
})
