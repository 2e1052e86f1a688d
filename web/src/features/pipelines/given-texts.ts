// Inputs that a trigger gives, as the form shows them: texts, which become numbers and yes or no where the pipeline asks for these.
import type { JsonObject } from '@bufbuild/protobuf'

export function givenTexts(given: JsonObject | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(given ?? {}).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  )
}
