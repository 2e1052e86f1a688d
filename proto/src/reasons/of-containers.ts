// How a step that runs in a container can end.
import type { Entry } from '../texts/template.ts'

export const ofContainers = {
  out_of_memory: {
    params: ['limit?'],
    en: 'Its container ran out of memory[: it may have {limit} MiB, as the settings of its agent say].',
    'zh-CN': '其容器内存不足[：按代理设置，最多可用 {limit} MiB]。',
  },
} as const satisfies Record<string, Entry>
