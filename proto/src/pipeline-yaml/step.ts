// Text → one step of the graph.
import { type StepDefinition, StepDefinitionSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create, type JsonValue } from '@bufbuild/protobuf'
import { isMap, isScalar, isSeq, type Node } from 'yaml'
import { oddCharacter } from '../characters.ts'
import { stepFields } from '../fields/step-fields.ts'
import { type ParamShape, paramOf, stepType } from '../steps/index.ts'
import { shortText } from '../texts/parts.ts'
import { say } from '../texts/say.ts'
import { actionEntries } from './action-keys.ts'
import { type Entry, type Place, type Reader, scalarText } from './reader.ts'
import { stepKeys, unavailableStepKeys } from './step-keys.ts'
import { entriesOf } from './values.ts'

/** A map of them by id; `placeOf` says where each is. */
export function readSteps(
  reader: Reader,
  node: Node | null,
  place: Place,
  placeOf: (id: string) => Place,
): StepDefinition[] {
  if (isSeq(node)) {
    reader.report(say('want_steps'), node, place, 'type')
    return []
  }
  return entriesOf(reader, node, place, 'steps').map(({ key, keyNode, value }) => {
    reader.mark(placeOf(key), keyNode)
    return readStep(reader, key, keyNode, value, placeOf(key))
  })
}

function readStep(reader: Reader, id: string, keyNode: Node, node: Node | null, place: Place): StepDefinition {
  const step = create(StepDefinitionSchema, { id })
  if (node === null || isScalar(node)) {
    const text = isScalar(node) && typeof node.value === 'string' ? node.value : ''
    const line = text.split('\n', 1)[0]!.slice(0, 80)
    const odd = oddCharacter(line)
    const run = odd === undefined ? line : JSON.stringify(line)
    const said = say('want_step', { name: shortText(id), ...(text !== '' && { run, odd }) })
    reader.report(said, node ?? keyNode, place, 'type')
    return step
  }
  const rules = { keys: stepKeys, unavailable: unavailableStepKeys, noun: 'step' }
  const entries = reader.known(node, rules, place)
  readAction(reader, step, entries, place)
  for (const { key, alias = '', of, kind } of stepFields) {
    const other = entries.get(alias)
    const entry = entries.get(key) ?? other
    if (entry === undefined) continue
    if (other && entry !== other)
      reader.report(say('spelled_twice', { key, alias }), other.keyNode, reader.inside(place, key))
    const value = kind.read(reader, entry.value, entry === other ? alias : key, reader.inside(place, key))
    if (value !== undefined) Object.assign(step, { [of]: value })
  }
  return step
}

/** `uses` and `with`, or `run`, `shell` and `workdir` for them. */
function readAction(reader: Reader, step: StepDefinition, entries: Map<string, Entry>, place: Place): void {
  const run = entries.get('run')
  const uses = entries.get('uses')
  if (uses !== undefined) step.uses = reader.text(uses.value, 'uses', reader.inside(place, 'uses')) ?? ''
  else if (run !== undefined) step.uses = 'custom'
  const params = new Map<string, JsonValue>()
  const given = entriesOf(reader, entries.get('with')?.value ?? null, reader.inside(place, 'with'), 'with')
  for (const { key, keyNode, value } of given) {
    const at = reader.inside(place, `with.${key}`)
    reader.mark(at, value ?? keyNode)
    params.set(key, readParam(reader, value, paramOf(stepType(step.uses), key), at))
  }
  const isScript = stepType(step.uses)?.params.properties.script !== undefined
  for (const [key, param] of actionEntries) {
    const entry = entries.get(key)
    if (entry === undefined) continue
    const at = reader.inside(place, `with.${param}`)
    if (!isScript && stepType(step.uses) !== undefined) {
      reader.report(say('run_and_uses', { key, type: step.uses }), entry.keyNode, reader.inside(place, key))
      continue
    }
    if (params.has(param)) {
      reader.report(say('run_and_with', { key, name: param }), entry.keyNode, reader.inside(place, key))
    }
    reader.mark(at, entry.value ?? entry.keyNode)
    if (isSeq(entry.value) && key === 'run') {
      reader.report(say('want_script', { key }), entry.value, reader.inside(place, key), 'type')
      continue
    }
    const text = reader.text(entry.value, key, reader.inside(place, key))
    if (text !== undefined) params.set(param, text)
  }
  if (params.size > 0) step.with = Object.fromEntries(params)
}

/** Where text is wanted, a number is taken as it is written: 1.0 stays 1.0. */
function readParam(reader: Reader, node: Node | null, shape: ParamShape | undefined, at: Place): JsonValue {
  if (shape?.type === 'string' && isScalar(node) && node.value !== null) return scalarText(node)
  if (shape?.items && isSeq(node)) return node.items.map((item) => readParam(reader, item as Node, shape.items, at))
  if (shape?.type === 'object' && isMap(node)) {
    const entries = entriesOf(reader, node, at, withPath(at))
    return Object.fromEntries(
      entries.map(({ key, value }) => {
        const { properties } = shape
        const inner = properties && Object.hasOwn(properties, key) ? properties[key] : shape.additionalProperties
        return [key, readParam(reader, value, inner, at)]
      }),
    )
  }
  return reader.json(node, withPath(at), at)
}

/** From the step on: with.headers */
function withPath({ field = '' }: Place): string {
  return field.startsWith('templates.') ? field.split('.').slice(4).join('.') : field
}
