// Texts of requests: nothing that no database can store and no protobuf can carry. Looked for once, for every rpc.
import { findUnstorable } from '@ansflow/proto/characters'
import { invalidField } from '@ansflow/proto/errors'
import type { Message } from '@bufbuild/protobuf'

/** Throws with the path of the first text that holds NUL or half a surrogate pair. */
export function refuseUnstorable(request: Message): void {
  const found = findUnstorable(request)
  if (found !== undefined) throw invalidField(protoPath(found.path), `must not contain ${found.name}`, 'characters')
}

function protoPath(path: string): string {
  const [first = '', ...rest] = path.split('.')
  return [first.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), ...rest].join('.')
}
