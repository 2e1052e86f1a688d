// The two languages: which one is on, and its texts, loaded when first needed.
import { createI18n } from 'vue-i18n'
import type { MessageTree } from './locales/messages.ts'

export const languages = ['en', 'zh-CN'] as const
export type Language = (typeof languages)[number]

const stored = 'ansflow.language'

export const i18n = createI18n({
  legacy: false as const,
  locale: 'en',
  fallbackLocale: 'en',
  missingWarn: false,
  fallbackWarn: false,
  messages: {} as Record<string, MessageTree>,
})

const load: Record<Language, () => Promise<{ messages: MessageTree }>> = {
  en: () => import('./locales/en.ts'),
  'zh-CN': () => import('./locales/zh-CN.ts'),
}

/** What was chosen here last, else the browser's. */
export function preferredLanguage(): Language {
  return parseLanguage(localStorage.getItem(stored)) ?? parseLanguage(navigator.language) ?? 'en'
}

export function parseLanguage(tag: string | null | undefined): Language | undefined {
  if (!tag) return undefined
  if (tag.toLowerCase().startsWith('zh')) return 'zh-CN'
  return tag.toLowerCase().startsWith('en') ? 'en' : undefined
}

export async function setLanguage(language: Language): Promise<void> {
  const { global } = i18n
  if (!global.availableLocales.includes(language)) {
    const { messages } = await load[language]()
    global.setLocaleMessage(language, messages)
  }
  global.locale.value = language
  document.documentElement.lang = language
  localStorage.setItem(stored, language)
}

/** The language that is on, for formats outside of components. */
export function currentLanguage(): Language {
  return parseLanguage(i18n.global.locale.value) ?? 'en'
}
