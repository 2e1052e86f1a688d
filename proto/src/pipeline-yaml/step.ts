// Text → one step of the graph.
import {
  type Need,
  NeedKind,
  NeedSchema,
  OnLost,
  type Retry,
  RetryOn,
  RetrySchema,
  type StepDefinition,
  StepDefinitionSchema,
} from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create, type JsonValue } from '@bufbuild/protobuf'
import { isMap, isScalar, isSeq, type Node } from 'yaml'
import { oddCharacter } from '../characters.ts'
import { parseTemplate } from '../expression.ts'
import { stepType } from '../steps/index.ts'
import { suggestion } from '../suggest.ts'
import { needKeys, retryKeys, stepKeys, unavailableStepKeys } from './keys.ts'
import { type Entry, type Place, type Reader, scalarText } from './reader.ts'
import { entriesOf, readDuration, readEnv, readTimeout } from './values.ts'

export const needKinds: Readonly<Record<string, NeedKind>> = {
  success: NeedKind.SUCCESS,
  failure: NeedKind.FAILURE,
  always: NeedKind.ALWAYS,
}

export const retryReasons: Readonly<Record<string, RetryOn>> = {
  failed: RetryOn.FAILED,
  timeout: RetryOn.TIMEOUT,
  lost: RetryOn.LOST,
}

export function readStep(reader: Reader, id: string, keyNode: Node, node: Node | null): StepDefinition {
  const step = create(StepDefinitionSchema, { id, onLost: OnLost.FAIL })
  const place = { stepId: id }
  if (node === null || isScalar(node)) {
    const text = isScalar(node) && typeof node.value === 'string' ? node.value : ''
    const line = text.split('\n', 1)[0]!.slice(0, 80)
    const odd = oddCharacter(line)
    const hint =
      text === ''
        ? 'Give it `run:` or `uses:`.'
        : odd === undefined
          ? `Did you mean \`run: ${line}\`?`
          : `${JSON.stringify(line)} holds ${odd}; keys end with a plain colon and a space.`
    reader.report('type', `The step ${JSON.stringify(id)} must be a map. ${hint}`, node ?? keyNode, place)
    return step
  }
  const rules = { keys: stepKeys, unavailable: unavailableStepKeys, noun: 'a step' }
  const entries = reader.known(node, rules, place)
  const at = (key: string): [Node | null, string, Place] => [
    entries.get(key)?.value ?? null,
    key,
    { ...place, field: key },
  ]
  const value = (key: string): [Node | null, Place] => [entries.get(key)?.value ?? null, { ...place, field: key }]
  if (entries.has('name')) step.name = reader.text(...at('name')) ?? ''
  if (entries.has('description')) step.description = reader.text(...at('description')) ?? ''
  readAction(reader, step, entries)
  if (entries.has('needs')) step.needs = readNeeds(reader, id, ...value('needs'))
  if (entries.has('when')) step.when = readCondition(reader, ...at('when'))
  if (entries.has('retry')) {
    const retry = readRetry(reader, id, entries.get('retry')!)
    if (retry !== undefined) step.retry = retry
  }
  if (entries.has('timeout')) step.timeoutMs = readTimeout(reader, ...value('timeout')) ?? 0
  if (entries.has('allowFailure')) step.allowFailure = reader.boolean(...at('allowFailure')) ?? false
  if (entries.has('disabled')) step.disabled = reader.boolean(...at('disabled')) ?? false
  if (entries.has('runsOn')) step.runsOn = reader.words(...at('runsOn'))
  if (entries.has('workspace')) step.workspace = reader.text(...at('workspace')) ?? ''
  step.env = readEnv(reader, ...value('env'))
  if (entries.has('secrets')) step.secrets = reader.words(...at('secrets'))
  if (entries.has('outputs')) step.outputs = reader.words(...at('outputs'))
  if (entries.has('onLost')) {
    const word = choice(reader, at('onLost'), ['fail', 'retry'])
    if (word !== undefined) step.onLost = word === 'retry' ? OnLost.RETRY : OnLost.FAIL
  }
  return step
}

/** `uses` and `with`, or `run` and `shell` for them. */
function readAction(reader: Reader, step: StepDefinition, entries: Map<string, Entry>): void {
  const place = { stepId: step.id }
  const run = entries.get('run')
  const shell = entries.get('shell')
  const uses = entries.get('uses')
  if (uses !== undefined) step.uses = reader.text(uses.value, 'uses', { ...place, field: 'uses' }) ?? ''
  else if (run !== undefined) step.uses = 'custom'
  const params = new Map<string, JsonValue>()
  const given = entriesOf(reader, entries.get('with')?.value ?? null, { ...place, field: 'with' }, 'with')
  for (const { key, keyNode, value } of given) {
    const at = { ...place, field: `with.${key}` }
    reader.mark(at, value ?? keyNode)
    const wantsText = stepType(step.uses)?.params.properties[key]?.type === 'string'
    const asWritten = wantsText && isScalar(value) && value.value !== null
    params.set(key, asWritten ? scalarText(value) : reader.json(value, `with.${key}`, at))
  }
  const isScript = stepType(step.uses)?.params.properties.script !== undefined
  for (const [entry, key, param] of [
    [run, 'run', 'script'],
    [shell, 'shell', 'shell'],
  ] as const) {
    if (entry === undefined) continue
    const at = { ...place, field: `with.${param}` }
    if (!isScript && stepType(step.uses) !== undefined) {
      const message = `${key} is for scripts; ${step.uses} takes its parameters from with. Remove one of uses and ${key}.`
      reader.report('run_and_uses', message, entry.keyNode, { ...place, field: key })
      continue
    }
    if (params.has(param)) {
      reader.report('run_and_with', `${key} and with.${param} say the same thing. Remove one.`, entry.keyNode, {
        ...place,
        field: key,
      })
    }
    reader.mark(at, entry.value ?? entry.keyNode)
    const text = reader.text(entry.value, key, { ...place, field: key })
    if (text !== undefined) params.set(param, text)
  }
  if (params.size > 0) step.with = Object.fromEntries(params)
}

function readNeeds(reader: Reader, stepId: string, node: Node | null, place: Place): Need[] {
  if (node === null || (isScalar(node) && node.value === null)) return []
  const needs: Need[] = []
  for (const raw of isSeq(node) ? node.items : [node]) {
    const item = reader.follow(raw, place)
    const need = readNeed(reader, stepId, item, item ?? node)
    if (need !== undefined) needs.push(need)
  }
  return needs
}

function readNeed(reader: Reader, stepId: string, node: Node | null, at: Node): Need | undefined {
  const place = { stepId, field: 'needs' }
  if (isScalar(node) && node.value !== null) {
    reader.mark({ stepId, field: `needs.${scalarText(node)}` }, node)
    return create(NeedSchema, { stepId: scalarText(node), kind: NeedKind.SUCCESS })
  }
  if (!isMap(node)) {
    const message = `A need must be the id of a step or { step, on, if }, not ${reader.kind(node)}.`
    reader.report('type', message, at, place)
    return undefined
  }
  const entries = reader.known(node, { keys: needKeys, noun: 'a need' }, place)
  const step = entries.get('step')
  const id = step === undefined ? '' : (reader.text(step.value, 'step', place) ?? '')
  if (id === '') {
    if (entries.size === node.items.length)
      reader.report('need_step', 'This need names no step. Write { step: build, on: success }.', node, place)
    return undefined
  }
  const need = create(NeedSchema, { stepId: id, kind: NeedKind.SUCCESS })
  reader.mark({ stepId, field: `needs.${id}` }, step?.value ?? node)
  const on = entries.get('on')
  if (on !== undefined) {
    const word = choice(reader, [on.value, 'on', { stepId, field: 'needs' }], Object.keys(needKinds))
    if (word !== undefined) need.kind = needKinds[word]!
  }
  const condition = entries.get('if')
  if (condition !== undefined) {
    const field = `needs.${id}.if`
    reader.mark({ stepId, field }, condition.value ?? condition.keyNode)
    need.condition = readCondition(reader, condition.value, 'if', { stepId, field })
  }
  return need
}

/** CEL with or without `${{ }}` around it. */
function readCondition(reader: Reader, node: Node | null, what: string, place: Place): string {
  const text = (reader.text(node, what, place) ?? '').trim()
  if (text === '') {
    reader.report(
      'expression',
      `${what} is empty. Write a condition such as inputs.deploy == true, or remove it.`,
      node,
      place,
    )
    return ''
  }
  if (!text.includes('${{')) return text
  const { parts, error } = parseTemplate(text)
  const [only] = parts
  if (error === undefined && parts.length === 1 && only?.kind === 'expression') return only.source
  const message = `${what} is one expression: write it without \${{ }}, or with one \${{ }} around all of it.`
  reader.report('expression', error ?? message, node, place)
  return ''
}

function readRetry(reader: Reader, stepId: string, { value: node }: Entry): Retry | undefined {
  const place = { stepId, field: 'retry' }
  if (isScalar(node)) {
    const max = count(reader, node, 'retry', place)
    return max === undefined ? undefined : create(RetrySchema, { max })
  }
  const entries = reader.known(node, { keys: retryKeys, noun: 'retry' }, place)
  const value = (key: string): [Node | null, Place] => [
    entries.get(key)?.value ?? null,
    { stepId, field: `retry.${key}` },
  ]
  const retry = create(RetrySchema)
  const max = value('max')
  if (entries.has('max')) retry.max = count(reader, max[0], 'max', max[1]) ?? 0
  else reader.report('retry', 'retry needs max: how many attempts after the first.', node, place)
  if (entries.has('delay')) retry.delayMs = readDuration(reader, ...value('delay')) ?? 0
  if (entries.has('backoff')) {
    const [backoff, at] = value('backoff')
    retry.backoff = reader.number(backoff, 'backoff', at) ?? 0
  }
  if (entries.has('on')) {
    const [on, at] = value('on')
    for (const word of reader.words(on, 'on', at)) {
      const reason = Object.hasOwn(retryReasons, word) ? retryReasons[word] : undefined
      if (reason !== undefined) retry.on.push(reason)
      else {
        const hint = suggestion(word, Object.keys(retryReasons))
        reader.report('retry', `${JSON.stringify(word)} is nothing to retry on.${hint}`, on, at)
      }
    }
  }
  return retry
}

function count(reader: Reader, node: Node | null, what: string, place: Place): number | undefined {
  const value = reader.number(node, what, place)
  if (value === undefined) return undefined
  if (Number.isInteger(value) && value >= 0 && value <= 1_000_000) return value
  reader.report('retry', `${what} must be a whole number from 0 to 20.`, node, place)
  return undefined
}

function choice(
  reader: Reader,
  [node, what, place]: [Node | null, string, Place],
  words: string[],
): string | undefined {
  const word = reader.text(node, what, place)
  if (word === undefined || words.includes(word)) return word
  const message = `${what} must be ${words.slice(0, -1).join(', ')} or ${words.at(-1)}, not ${reader.kind(node)}.${suggestion(word, words)}`
  reader.report('choice', message, node, place)
  return undefined
}
