// Reads what forges send on a worker's thread: it is as large as somebody else makes it.
import type { ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import type { JsonValue } from '@bufbuild/protobuf'
import { task } from '../../platform/worker-task.ts'
import { jsonFault } from './json-fault.ts'
import { forgeOf } from './kinds.ts'

/** Undefined: it is no JSON. */
export const readDelivery = task(
  ({ kind, headers, body }: { kind: ForgeKind; headers: Record<string, string>; body: Uint8Array }) => {
    const value = jsonOf(headers['content-type'] ?? '', Buffer.from(body).toString('utf8'))
    return value === undefined ? undefined : forgeOf(kind).read(headers, value)
  },
)

/** Where a body that is no JSON first is none. */
export const findFault = task((body: string) => jsonFault(body))

function jsonOf(contentType: string, text: string): JsonValue | undefined {
  try {
    // GitHub's other form, which its settings offer first.
    if (/^application\/x-www-form-urlencoded/i.test(contentType)) {
      return JSON.parse(new URLSearchParams(text).get('payload') ?? '') as JsonValue
    }
    return JSON.parse(text) as JsonValue
  } catch {
    return undefined
  }
}
