// What triggers read and give: a filter over what came, and the inputs of the run that it starts.
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import { type ExpressionContext, evaluateCondition, interpolateValue } from '../expression.ts'

/** By root: body and headers of a webhook; run, inputs, outputs and git of a run that has ended. */
export type TriggerEvent = Readonly<Record<string, JsonValue>>

function contextOf(event: TriggerEvent): ExpressionContext {
  const needs = { success: true, failure: false, canceled: false }
  return { inputs: {}, env: {}, git: {}, run: {}, steps: {}, event, needs }
}

/** An empty filter takes all. Throws an ExpressionError. */
export function takes(filter: string, event: TriggerEvent): boolean {
  return filter === '' || evaluateCondition(filter, contextOf(event))
}

/** Inputs as a trigger writes them, with their expressions replaced. Throws an ExpressionError. */
export function givenInputs(written: JsonObject, event: TriggerEvent): JsonObject {
  const context = contextOf(event)
  const given = Object.entries(written).map(([name, value]) => [
    name,
    typeof value === 'string' ? interpolateValue(value, context) : value,
  ])
  return Object.fromEntries(given) as JsonObject
}
