// Secrets in what the controller is asked to do. The author writes ${NAME}, for a secret that the step names in `secrets`; what
// is stored says where a value belongs, never the value. A mark is made anew for each attempt, so that nothing an expression
// brings can pass for one.
import type { JsonValue } from '@bufbuild/protobuf'

const written = /\$\{([A-Za-z_]\w*)\}/g

/** In all texts of a parameter, before its expressions are replaced. */
export function markSecrets(value: JsonValue, names: readonly string[], mark: string): JsonValue {
  return mapTexts(value, (text) =>
    text.replace(written, (whole, name: string) => (names.includes(name) ? `\${${mark}:${name}}` : whole)),
  )
}

/** Names written as secrets' that the step does not name: they are sent as they stand. Each once. */
export function unnamedSecrets(value: JsonValue, names: readonly string[]): string[] {
  const found = new Set<string>()
  mapTexts(value, (text) => {
    for (const [, name = ''] of text.matchAll(written)) if (!names.includes(name)) found.add(name)
    return text
  })
  return [...found]
}

/** Puts the values in their places; a name without a value stays as it is. */
export function fillSecrets(value: JsonValue, values: ReadonlyMap<string, string>, mark: string): JsonValue {
  if (mark === '') return value
  const places = new RegExp(`\\$\\{${mark}:(\\w+)\\}`, 'g')
  return mapTexts(value, (text) => text.replace(places, (whole, name: string) => values.get(name) ?? whole))
}

function mapTexts(value: JsonValue, change: (text: string) => string): JsonValue {
  if (typeof value === 'string') return change(value)
  if (Array.isArray(value)) return value.map((inner) => mapTexts(inner, change))
  if (value && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, mapTexts(inner, change)]))
  }
  return value
}
