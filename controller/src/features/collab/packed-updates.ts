// Many updates as one array of bytes: what crosses threads is copied piece by piece, and fifty thousand pieces would hold the loop.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

export function packUpdates(updates: readonly Uint8Array[]): Uint8Array {
  const encoder = encoding.createEncoder()
  for (const update of updates) encoding.writeVarUint8Array(encoder, update)
  return encoding.toUint8Array(encoder)
}

export function* unpackUpdates(packed: Uint8Array): Generator<Uint8Array> {
  const decoder = decoding.createDecoder(packed)
  while (decoding.hasContent(decoder)) yield decoding.readVarUint8Array(decoder)
}
