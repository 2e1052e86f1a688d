// One step or input of a graph → the tree that a file holds of it.
import { type InputDefinition, InputType, type StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { JsonValue } from '@bufbuild/protobuf'
import { stepFields } from '../fields/step-fields.ts'
import { defaultOf } from '../inputs.ts'
import { stepType } from '../steps/index.ts'
import { actionEntries, actionKeys } from './action-keys.ts'
import { jsonTree, type Tree, type TreeMap } from './tree-value.ts'

/** How one step writes its action and its condition. */
export interface StepStyle {
  /** `run:` for with.script. */
  run: boolean
  /** Parameters besides the script that stand under keys of their own: `shell:` for with.shell. */
  short: ReadonlySet<string>
  /** Fields that stand under their other spelling. */
  aliases: ReadonlySet<string>
  /** `when: ${{ … }}`. */
  braces: boolean
  /** `uses:` even where `run:` says it. */
  uses: boolean
}

const none: ReadonlySet<string> = new Set()
const shortKeys: ReadonlySet<string> = new Set(Object.keys(actionKeys))
export const newStyle: StepStyle = { run: true, short: shortKeys, aliases: none, braces: true, uses: false }

const inputTypeWords: Readonly<Record<number, string>> = {
  [InputType.NUMBER]: 'number',
  [InputType.BOOLEAN]: 'boolean',
  [InputType.CHOICE]: 'choice',
}

export function inputTree(input: InputDefinition): TreeMap {
  const tree: TreeMap = new Map([['type', inputTypeWords[input.type] ?? 'string']])
  put(tree, 'description', input.description, '')
  const value = defaultOf(input)
  if (value !== undefined) tree.set('default', jsonTree(value))
  if (input.options.length > 0) tree.set('options', [...input.options])
  put(tree, 'required', input.required, false)
  return tree
}

export function stepTree(step: StepDefinition, style: StepStyle): TreeMap {
  const tree: TreeMap = new Map()
  for (const { key, alias, of, kind } of stepFields) {
    const value = kind.write(step[of] as never)
    const braces = kind.name === 'condition' && style.braces
    const spelled = alias !== undefined && style.aliases.has(alias) ? alias : key
    if (value !== undefined) tree.set(spelled, braces ? `\${{ ${value} }}` : value)
    if (key === 'when') putAction(tree, step, style)
  }
  return tree
}

function putAction(tree: TreeMap, step: StepDefinition, style: StepStyle): void {
  const params = new Map<string, Tree>(
    Object.entries(step.with ?? {}).map(([key, value]) => [key, jsonTree(value as JsonValue)]),
  )
  const script = params.get('script')
  const isScript = stepType(step.uses)?.params.properties.script !== undefined
  const run = isScript && style.run && typeof script === 'string'
  if (step.uses !== '' && (!run || style.uses || step.uses !== 'custom')) tree.set('uses', step.uses)
  if (run) {
    tree.set('run', script)
    params.delete('script')
    for (const [key, param] of actionEntries) {
      const value = params.get(param)
      if (key === 'run' || !style.short.has(key) || typeof value !== 'string') continue
      tree.set(key, value)
      params.delete(param)
    }
  }
  if (params.size > 0) tree.set('with', params)
}

function put(tree: TreeMap, key: string, value: string | boolean, unless: string | boolean): void {
  if (value !== unless) tree.set(key, value)
}
