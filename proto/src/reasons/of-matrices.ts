// Why a step with a matrix has no copies, or ended as they did.
import type { Entry } from '../texts/template.ts'

export const ofMatrices = {
  matrix_many: {
    params: ['count', 'most'],
    en: 'Its matrix has {count} copies; {most} are possible.',
    'zh-CN': '其矩阵有 {count} 个副本；最多 {most} 个。',
  },
  matrix_full: {
    params: ['most'],
    en: 'With its copies the run would have more than {most} of them.',
    'zh-CN': '加上它的副本，运行的副本数将超过 {most}。',
  },
  matrix_invalid: {
    params: ['problem'],
    en: 'There are no copies of it. {problem}',
    'zh-CN': '无法生成副本。{problem}',
  },
  copies_failed: {
    params: ['failed', 'count'],
    en: '{failed} of its {count} copies failed.',
    'zh-CN': '{count} 个副本中有 {failed} 个失败。',
  },
  copies_lost: {
    params: ['lost', 'count'],
    en: '{lost} of its {count} copies were lost.',
    'zh-CN': '{count} 个副本中有 {lost} 个失联。',
  },
  copies_canceled: {
    params: ['canceled', 'count'],
    en: '{canceled} of its {count} copies were canceled.',
    'zh-CN': '{count} 个副本中有 {canceled} 个已取消。',
  },
} as const satisfies Record<string, Entry>
