// Sentences after one another: Chinese has no space behind a full stop.
import { currentLanguage } from '../i18n.ts'

/** Empty and absent ones are left out. */
export function sentences(...texts: readonly (string | undefined)[]): string {
  return texts.filter((text) => text).join(currentLanguage() === 'zh-CN' ? '' : ' ')
}
