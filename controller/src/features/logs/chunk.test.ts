import { expect, test } from 'vitest'
import { countLineEnds } from './chunk.ts'

test('line ends are counted wherever the bytes lie in memory, however few or many they are', () => {
  const memory = Buffer.from('\n\nab\n\n\nc\x0b\x8a\n'.repeat(300))
  for (let from = 0; from < 9; from++) {
    for (const length of [...Array(24).keys(), 1019, 1020, 1021, 1022, 1023, 1024, 2043, 3000]) {
      const data = new Uint8Array(memory.buffer, memory.byteOffset + from, length)
      const counted = [...data].filter((byte) => byte === 10).length
      expect({ from, length, ends: countLineEnds(data) }).toEqual({ from, length, ends: counted })
    }
  }
})
