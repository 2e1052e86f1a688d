// The form of a table of keys: what the parser accepts and what the JSON Schema tells editors.

export type JsonSchema = { [key: string]: unknown }

/** A key's meaning and the schema of its value. */
export interface KeyDefinition {
  description: string
  schema: JsonSchema
}

export type KeyTable = Readonly<Record<string, KeyDefinition>>

export const scalar: JsonSchema = { type: ['string', 'number', 'boolean', 'null'] }
export const words: JsonSchema = { anyOf: [scalar, { type: 'array', items: scalar }] }
