import { execFileSync } from 'node:child_process'
import { RepositoryDeliveryResult as Result } from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import { describe, expect, it } from 'vitest'
import { curlOf, laidOut, passes } from './delivery-text.ts'

const header = (name: string, value: string) => ({ $typeName: 'ansflow.v1.DeliveryHeader' as const, name, value })

describe('a delivery as a call for a terminal', () => {
  const headers = [header('x-github-event', 'push'), header('x-hub-signature-256', 'sha256=••••••••4be1')]
  const curl = curlOf('https://ci.example.test/hooks/repositories/7', headers, `{"title":"it's $HOME \`id\`"}`)

  it('has no signature, neither whole nor masked', () => {
    expect(curl).not.toContain('signature')
    expect(curl).toContain("-H 'x-github-event: push'")
  })

  it('reaches curl as it is, whatever signs of a shell are in it', () => {
    const echo = curl.replace(/^curl/, 'printf "%s\\n"')
    const words = execFileSync('sh', ['-c', echo], { encoding: 'utf8' }).trimEnd().split('\n')
    expect(words).toEqual([
      '-X',
      'POST',
      'https://ci.example.test/hooks/repositories/7',
      '-H',
      'x-github-event: push',
      '--data-raw',
      `{"title":"it's $HOME \`id\`"}`,
    ])
  })
})

it('counts what waits and what failed as having started nothing, and what was refused for itself', () => {
  const shown = (filter: 'all' | 'nothing' | 'refused') =>
    [Result.TAKEN, Result.STARTED, Result.NOTHING, Result.REFUSED, Result.WAITS, Result.FAILED].filter((result) =>
      passes(filter, { result }),
    )
  expect(shown('all')).toHaveLength(6)
  expect(shown('nothing')).toEqual([Result.NOTHING, Result.WAITS, Result.FAILED])
  expect(shown('refused')).toEqual([Result.REFUSED])
})

it('lays out JSON and leaves all else as it is', () => {
  expect(laidOut('{"a":1}')).toBe('{\n  "a": 1\n}')
  expect(laidOut('payload=%7B')).toBe('payload=%7B')
})
