// Texts of requests: no NUL, which databases, shells and environments cut at or choke on. Looked for once, for every rpc.
import { invalidField } from '@ansflow/proto/errors'
import type { Message } from '@bufbuild/protobuf'

/** Throws with the path of the first text that has one. */
export function refuseNul(request: Message): void {
  const path = findNul(request, '')
  if (path !== undefined) throw invalidField(path, 'must not contain the character NUL (U+0000)', 'nul')
}

function findNul(value: unknown, path: string): string | undefined {
  if (typeof value === 'string') return value.includes('\0') ? path : undefined
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return undefined
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      const found = findNul(item, `${path}[${index}]`)
      if (found !== undefined) return found
    }
    return undefined
  }
  for (const [key, item] of Object.entries(value)) {
    if (key === '$unknown') continue
    if (key.includes('\0')) return path
    const name = path === '' ? protoName(key) : `${path}.${key}`
    const found = findNul(item, name)
    if (found !== undefined) return found
  }
  return undefined
}

function protoName(localName: string): string {
  return localName.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
