// Whatever reason a call is refused with, and a step waits or ended by, stands in the comments of the contract: who writes a
// client finds it there and nowhere else.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { reasonCodes } from '@ansflow/proto/reasons'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..', '..')

function textsBelow(folder: string, ending: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending) && !/\.test\.|(?:^|\/)(?:gen|test)\//.test(file))
    .map((file) => readFileSync(join(root, folder, file), 'utf8'))
}

/** As they are written: `reason: 'x'`, conflict('x', …), precondition('x', …), invalidField(field, message, 'x'), tooMuch('x', …). */
const written = [
  /\breason: '(\w+)'/g,
  /\b(?:conflict|precondition|tooMuch)\(\s*'(\w+)'/g,
  /\binvalidField\((?:'[^']*'|`[^`]*`|[\w.]+),\s*(?:'[^']*'|`[^`]*`|"[^"]*"),\s*'(\w+)'/g,
  /^ {2}(store_\w+|outcome_unknown): '/gm,
]

test('every reason of an error is in the contract', () => {
  const sources = ['controller/src', 'engine/src', 'proto/src'].flatMap((folder) => textsBelow(folder, '.ts'))
  const reasons = new Set(
    written.flatMap((pattern) =>
      sources.flatMap((text) => [...text.matchAll(pattern)].map(([, reason = '']) => reason)),
    ),
  )
  // One of each way of writing.
  expect([...reasons]).toEqual(
    expect.arrayContaining(['log_none', 'slug_taken', 'too_fast', 'note_length', 'store_full']),
  )
  const contract = textsBelow('proto/ansflow', '.proto').join('')
  expect([...reasons].filter((reason) => !contract.includes(`"${reason}"`))).toEqual([])
})

test('every reason of a step or run is in the contract', () => {
  const runs = readFileSync(join(root, 'proto/ansflow/v1/runs.proto'), 'utf8')
  const listed = /message Reason \{(.*?)string code/s.exec(runs)?.[1] ?? ''
  expect(reasonCodes.filter((code) => !new RegExp(`\\b${code}\\b`).test(listed))).toEqual([])
})
