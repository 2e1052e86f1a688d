// Plain values as the expression language holds them.
import type { CelInput } from '@bufbuild/cel'
import type { JsonValue } from '@bufbuild/protobuf'
import { limits } from '../limits.ts'

/** Maps instead of objects, so that no name reaches a prototype. */
export function celValue(value: JsonValue | Readonly<Record<string, JsonValue>>): CelInput {
  if (Array.isArray(value)) return value.map((item) => celValue(item))
  if (value !== null && typeof value === 'object') {
    return new Map(Object.entries(value).map(([key, item]): [string, CelInput] => [key, celValue(item)]))
  }
  return value
}

/** fromJSON() */
export function celOfJson(text: string): CelInput {
  if (text.length > limits.expressionValueSize) throw new Error('the text for fromJSON() is too long')
  let value: JsonValue
  try {
    value = JSON.parse(text) as JsonValue
  } catch {
    throw new Error(`fromJSON() cannot read ${JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)}`)
  }
  if (isDeeper(value, limits.fileDepth)) throw new Error('the text for fromJSON() is nested too deeply')
  return celValue(value)
}

function isDeeper(value: JsonValue, levels: number): boolean {
  if (value === null || typeof value !== 'object') return false
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner as JsonValue, levels - 1))
}
