// For tests: a small update that takes long to apply.
import * as encoding from 'lib0/encoding'

/** Each of `scans` items must be compared with each of `chain` others before it finds its place. */
export function slowUpdate(chain: number, scans: number): Uint8Array {
  const high = 4_000_000_000
  const low = 1
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, 2)
  encoding.writeVarUint(encoder, chain)
  encoding.writeVarUint(encoder, high)
  encoding.writeVarUint(encoder, 0)
  for (let n = 0; n < chain; n += 1) {
    encoding.writeUint8(encoder, n === 0 ? 4 : 4 | 0x80)
    if (n === 0) {
      encoding.writeVarUint(encoder, 1)
      encoding.writeVarString(encoder, 'notes')
    } else {
      encoding.writeVarUint(encoder, high)
      encoding.writeVarUint(encoder, n - 1)
    }
    encoding.writeVarString(encoder, 'a')
  }
  encoding.writeVarUint(encoder, scans)
  encoding.writeVarUint(encoder, low)
  encoding.writeVarUint(encoder, 0)
  for (let n = 0; n < scans; n += 1) {
    encoding.writeUint8(encoder, 4 | 0x40)
    encoding.writeVarUint(encoder, high)
    encoding.writeVarUint(encoder, chain - 1 - n)
    encoding.writeVarString(encoder, 'b')
  }
  encoding.writeVarUint(encoder, 0)
  return encoding.toUint8Array(encoder)
}
