// What each language calls itself.
import type { Language } from '../i18n.ts'

export const languageNames: Record<Language, string> = { en: 'English', 'zh-CN': '简体中文' }
