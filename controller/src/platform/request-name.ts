// The name of a thing or person in a request.
import { invalidField } from '@ansflow/proto/errors'
import { isName, limits } from '@ansflow/proto/limits'

export function readName(text: string, field = 'name'): string {
  const name = text.trim()
  if (name === '' || name.length > limits.nameLength) {
    throw invalidField(field, `must have 1 to ${limits.nameLength} characters`, 'name_length')
  }
  if (!isName(name)) throw invalidField(field, 'must be one line without control characters', 'name_control')
  return name
}
