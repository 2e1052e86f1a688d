// All English texts, one chunk.
import { byFolder, type MessageTree } from './messages.ts'

const modules = import.meta.glob<MessageTree>(['../*/locales/en.json', '../features/*/locales/en.json'], {
  eager: true,
  import: 'default',
})

export const messages = byFolder(modules)
