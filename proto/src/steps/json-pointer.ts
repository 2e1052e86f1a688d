// JSON Pointer (RFC 6901): the path to one value of a JSON document, "/items/0/id"; "" is all of it.
import type { JsonValue } from '@bufbuild/protobuf'

export function isPointer(path: string): boolean {
  return path === '' || (path.startsWith('/') && !/~(?![01])/.test(path))
}

/** Undefined: there is nothing. */
export function valueAt(document: JsonValue, path: string): JsonValue | undefined {
  let value: JsonValue | undefined = document
  if (path === '') return value
  for (const part of path.slice(1).split('/')) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
    if (Array.isArray(value)) value = /^(0|[1-9]\d*)$/.test(key) ? value[Number(key)] : undefined
    else if (value !== null && typeof value === 'object') value = Object.hasOwn(value, key) ? value[key] : undefined
    else return undefined
  }
  return value
}
