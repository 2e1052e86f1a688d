import { randomBytes } from 'node:crypto'
import { zstdDecompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { compress } from './zstd.ts'

test('rows that are compressed at the same time and one after the other are frames of their own, whatever is in them', async () => {
  const kinds = [
    (size: number) => Buffer.alloc(size, 'make: nothing to be done\n'),
    (size: number) => Buffer.alloc(size),
    // Larger than before, as zstd has it.
    (size: number) => randomBytes(size),
  ]
  const sizes = [1, 100, 8 * 1024, 8 * 1024 + 1, 59_999, 60_000, 65_536, 200_000]
  for (let round = 0; round < 3; round++) {
    const rows = sizes.flatMap((size) => kinds.map((kind) => kind(size)))
    const packed = await Promise.all(rows.map((row) => compress(row)))
    for (const [i, row] of rows.entries()) {
      const back = zstdDecompressSync(packed[i]!, { maxOutputLength: row.length })
      expect(back.equals(row)).toBe(true)
    }
  }
})
