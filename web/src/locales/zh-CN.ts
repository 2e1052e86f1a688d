// All Chinese texts, one chunk.
import { byFolder, type MessageTree } from './messages.ts'

const modules = import.meta.glob<MessageTree>(['../*/locales/zh-CN.json', '../features/*/locales/zh-CN.json'], {
  eager: true,
  import: 'default',
})

export const messages = byFolder(modules)
