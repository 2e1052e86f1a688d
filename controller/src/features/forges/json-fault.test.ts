import { expect, test } from 'vitest'
import { jsonFault } from './json-fault.ts'

test('says where a text stops being JSON', () => {
  const at = (json: string) => {
    const { line, column } = jsonFault(json)
    return `${line}:${column}`
  }
  expect(at('')).toBe('1:1')
  expect(at('{"a": 1,}')).toBe('1:9')
  expect(at('{\n  "a": tru,\n}')).toBe('2:8')
  expect(at("{'a': 1}")).toBe('1:2')
  expect(at('[1, 2')).toBe('1:6')
  expect(at('{"a" 1}')).toBe('1:6')
  expect(at('{"a": "x\ny"}')).toBe('1:7')
  expect(at('{}\n{}')).toBe('2:1')
  expect(at('[1 2]')).toBe('1:4')
  expect(at('{"a": 01}')).toBe('1:8')
  expect(at('{"a": [true, null, -1.5e3, "\\u00e4"]]')).toBe('1:37')
  expect(at(`{"a": "${'é'.repeat(1_000_000)}", }`)).toBe('1:1000011')
})
