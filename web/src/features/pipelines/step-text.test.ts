import { expect, test } from 'vitest'
import { nameBeside } from './step-text.ts'

test('a step of a run is called as it is drawn, and never by an expression that is not worked out', () => {
  expect(nameBeside({ drawn: 'Build it', ofRun: 'Build', key: 'build' })).toBe('Build it')
  expect(nameBeside({ drawn: 'Test ${{ matrix.os }}', ofRun: 'Test linux', key: 'test.0' })).toBe('Test linux')
  expect(nameBeside({ drawn: 'Test ${{ matrix.os }}', ofRun: 'Test ${{ matrix.os }}', key: 'test' })).toBe('test')
  expect(nameBeside({ drawn: '', ofRun: '', key: 'test' })).toBe('test')
  expect(nameBeside({ key: 'gone' })).toBe('gone')
})
