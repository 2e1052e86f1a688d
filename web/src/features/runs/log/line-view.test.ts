import { LogHitSchema } from '@ansflow/proto/gen/ansflow/v1/logs_pb'
import { create } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { lineKind, pieces } from './line-view.ts'

describe('lineKind', () => {
  it('reads workflow commands', () => {
    expect(lineKind('::group::Install')).toEqual({ kind: 'group', shown: 'Install' })
    expect(lineKind('::error file=a.ts,line=3::broken')).toEqual({ kind: 'error', shown: 'broken' })
    expect(lineKind('std::vector<int>')).toEqual({ kind: '', shown: 'std::vector<int>' })
  })

  it('finds errors and warnings of common tools', () => {
    expect(lineKind('npm ERR! missing script').kind).toBe('error')
    expect(lineKind('hello.c:3: error: expected').kind).toBe('error')
    expect(lineKind('\u001b[33mwarning: old\u001b[0m').kind).toBe('warning')
    expect(lineKind('0 errors found').kind).toBe('')
  })
})

describe('pieces', () => {
  it('marks hits across styles', () => {
    const hit = create(LogHitSchema, { line: 1, start: 1, end: 5 })
    expect(pieces('ab\u001b[31mcdef', [hit], hit)).toEqual([
      { text: 'a', className: '' },
      { text: 'b', className: '', hit: 'current' },
      { text: 'cde', className: 'ansi-red', hit: 'current' },
      { text: 'f', className: 'ansi-red' },
    ])
  })
})
