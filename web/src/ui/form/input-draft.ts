// The form that starts a run: fields from the pipeline's inputs, and what was typed as the values the controller takes. Pure.
import { type InputDefinition, InputType } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { defaultOf } from '@ansflow/proto/inputs'
import { writtenNumberProblem } from '@ansflow/proto/number'
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'

/** What the form holds: texts, and true or false. */
export type InputDraft = Record<string, string | boolean>

export function inputDraft(definitions: readonly InputDefinition[], last: JsonObject = {}): InputDraft {
  return Object.fromEntries(
    definitions.map((definition) => {
      const value: JsonValue | undefined = last[definition.name] ?? defaultOf(definition)
      if (definition.type === InputType.BOOLEAN) return [definition.name, value === true]
      const text = value === undefined || value === null ? '' : String(value)
      const isGone = definition.type === InputType.CHOICE && text !== '' && !definition.options.includes(text)
      return [definition.name, isGone ? '' : text]
    }),
  )
}

/** Fields left empty are not sent: the controller puts the default in, or says that a value is missing. */
export function inputValues(definitions: readonly InputDefinition[], draft: InputDraft): JsonObject {
  const values: JsonObject = {}
  for (const { name, type } of definitions) {
    const typed = draft[name]
    if (typeof typed === 'boolean') values[name] = typed
    else if (typed !== undefined && typed !== '') {
      // What would become another number is sent as it was typed, so that the controller says so.
      const isNumber = type === InputType.NUMBER && writtenNumberProblem(typed.trim()) === undefined
      values[name] = isNumber ? Number(typed) : typed
    }
  }
  return values
}
