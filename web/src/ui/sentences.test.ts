import { afterEach, expect, test } from 'vitest'
import { setLanguage } from '../i18n.ts'
import { sentences } from './sentences.ts'

afterEach(() => setLanguage('en'))

test('sentences stand apart in English and follow each other in Chinese', async () => {
  expect(sentences('One is gone.', '', undefined, 'Two are left.')).toBe('One is gone. Two are left.')
  await setLanguage('zh-CN')
  expect(sentences('已删除 test。', '', undefined, '现在有 1 条连线绕过它。')).toBe(
    '已删除 test。现在有 1 条连线绕过它。',
  )
})
