// Text → what a run, or a step that uses a template, is asked for.
import { type InputDefinition, InputDefinitionSchema, InputType } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create, fromJson, type JsonValue } from '@bufbuild/protobuf'
import { ValueSchema } from '@bufbuild/protobuf/wkt'
import { isScalar, type Node } from 'yaml'
import { valueAt } from '../fields/entries.ts'
import { suggestion } from '../suggest.ts'
import { shortText } from '../texts/parts.ts'
import { say } from '../texts/say.ts'
import { type Place, type Reader, scalarText } from './reader.ts'
import { inputKeys } from './step-keys.ts'
import { entriesOf } from './values.ts'

/** A map of them by name, as `inputs` of a pipeline. */
export function readInputs(reader: Reader, node: Node | null, what: string, place: Place): InputDefinition[] {
  return entriesOf(reader, node, place, what).map(({ key, keyNode, value }) => {
    const at = reader.inside(place, key)
    reader.mark(at, keyNode)
    return readInput(reader, key, value, at)
  })
}

const inputTypes: Readonly<Record<string, InputType>> = {
  string: InputType.STRING,
  number: InputType.NUMBER,
  boolean: InputType.BOOLEAN,
  choice: InputType.CHOICE,
}

/** What follows of one: `place` is where it stands. */
function readInput(reader: Reader, name: string, node: Node | null, place: Place): InputDefinition {
  const input = create(InputDefinitionSchema, { name, type: InputType.STRING })
  if (node === null || (isScalar(node) && node.value === null)) return input
  const entries = reader.known(node, { keys: inputKeys, noun: 'input' }, place)
  const at = valueAt(reader, entries, place)
  if (entries.has('type')) {
    const [value, , where] = at('type')
    const word = reader.text(value, 'type', where) ?? ''
    const type = Object.hasOwn(inputTypes, word) ? inputTypes[word] : undefined
    if (type !== undefined) input.type = type
    else {
      const hint = suggestion(word, Object.keys(inputTypes))
      reader.report(say('unknown_input_type', { name: shortText(word), ...hint }), value, where, 'input_type')
    }
  } else if (entries.has('options')) input.type = InputType.CHOICE
  if (entries.has('description')) input.description = reader.text(...at('description')) ?? ''
  if (entries.has('options')) input.options = reader.words(...at('options'))
  if (entries.has('required')) input.required = reader.boolean(...at('required')) ?? false
  if (entries.has('default')) {
    const [value, , where] = at('default')
    const given = readDefault(reader, input.type, value, where)
    if (given !== undefined && given !== null) input.defaultValue = fromJson(ValueSchema, given)
  }
  return input
}

/** A text's default is what was written: 1.0 stays "1.0". */
function readDefault(reader: Reader, type: InputType, node: Node | null, place: Place): JsonValue | undefined {
  if (isScalar(node) && node.value !== null && (type === InputType.STRING || type === InputType.CHOICE))
    return scalarText(node)
  return reader.json(node, 'default', place)
}
