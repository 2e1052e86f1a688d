// Functions that may make a longer text than they are given: they look before they make it.
import { type CelFunc, type CelList, CelScalar, type CelValue, celMethod, listType } from '@bufbuild/cel'
import { limits } from '../limits.ts'

const { DYN, STRING } = CelScalar

export const growingFunctions: CelFunc[] = [
  celMethod('join', listType(DYN), [], STRING, function () {
    return join(this, '')
  }),
  celMethod('join', listType(DYN), [STRING], STRING, function (separator) {
    return join(this, separator)
  }),
  celMethod('replace', STRING, [STRING, STRING], STRING, function (text, by) {
    return replace(this, text, by)
  }),
]

function join(list: CelList, separator: string): string {
  const texts: string[] = []
  let length = 0
  for (const item of list) {
    const text = textOf(item)
    length += text.length + separator.length
    check(length)
    texts.push(text)
  }
  return texts.join(separator)
}

function textOf(item: CelValue): string {
  if (typeof item === 'string') return item
  if (typeof item === 'number' || typeof item === 'bigint' || typeof item === 'boolean') return String(item)
  throw new Error('join() takes a list of texts, numbers and true or false')
}

/** Every one of them. */
function replace(whole: string, text: string, by: string): string {
  if (text === '') throw new Error('replace() is asked for an empty text')
  const parts = whole.split(text)
  check(whole.length + (parts.length - 1) * (by.length - text.length))
  return parts.join(by)
}

function check(length: number): void {
  if (length > limits.expressionValueSize) throw new Error('a value of the expression grows too large')
}
