import { describe, expect, it } from 'vitest'
import { lineKind } from './line-view.ts'

describe('lineKind', () => {
  it('reads workflow commands', () => {
    expect(lineKind('::group::Install')).toEqual({ kind: 'group', shown: 'Install' })
    expect(lineKind('::error file=a.ts,line=3::broken')).toEqual({ kind: 'error', shown: 'broken' })
    expect(lineKind('::notice title=a::said')).toEqual({ kind: 'notice', shown: 'said' })
    expect(lineKind(' \u001b[31m::Error file=C:\\a.ts::broken::twice')).toEqual({
      kind: 'error',
      shown: 'broken::twice',
    })
    expect(lineKind('::add-mask::***')).toEqual({ kind: 'note', shown: '' })
    expect(lineKind('see ::error::x')).toEqual({ kind: '', shown: 'see ::error::x' })
    expect(lineKind('::unknown::x')).toEqual({ kind: '', shown: '::unknown::x' })
    expect(lineKind('std::vector<int>')).toEqual({ kind: '', shown: 'std::vector<int>' })
  })

  it('finds errors and warnings of common tools', () => {
    expect(lineKind('npm ERR! missing script').kind).toBe('error')
    expect(lineKind('hello.c:3: error: expected').kind).toBe('error')
    expect(lineKind('\u001b[33mwarning: old\u001b[0m').kind).toBe('warning')
    expect(lineKind('0 errors found').kind).toBe('')
  })
})
