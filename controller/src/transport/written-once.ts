// An answer that a feature gives again, the very same object, is written down once in each form, for as long as somebody has it.
import type { Message } from '@bufbuild/protobuf'

type Form = 'bytes' | 'json' | 'gzip'

const written = new WeakMap<Message, Partial<Record<Form, Promise<unknown>>>>()

export function writtenOnce<T>(answer: Message, form: Form, write: () => Promise<T>): Promise<T> {
  const forms = written.get(answer) ?? {}
  written.set(answer, forms)
  forms[form] ??= write().catch((error: unknown) => {
    delete forms[form]
    throw error
  })
  return forms[form] as Promise<T>
}
