// When a pipeline starts because a run of another one has ended: one value in the document.
import { RunResult, type RunTrigger, RunTriggerSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create, toJson } from '@bufbuild/protobuf'
import { isScalar, type Node } from 'yaml'
import { fitsText } from '../globs.ts'
import { isName, limits } from '../limits.ts'
import { type KeyTable, words } from '../pipeline-yaml/key-table.ts'
import { type Place, type Reader, scalarText } from '../pipeline-yaml/reader.ts'
import type { Tree, TreeMap } from '../pipeline-yaml/tree-value.ts'
import { nearest } from '../suggest.ts'
import { shortText } from '../texts/parts.ts'
import { say } from '../texts/say.ts'
import { givenTree, messagesOf, readEach, readGiven, valueAt } from './entries.ts'
import type { DocumentValue, Kind } from './kind.ts'
import { choice } from './kinds.ts'

export const runResult = choice(RunResult, {
  succeeded: RunResult.SUCCEEDED,
  failed: RunResult.FAILED,
  canceled: RunResult.CANCELED,
  lost: RunResult.LOST,
})

export const runTriggerKeys: KeyTable = {
  pipeline: {
    description: 'Its name, or project/name for one of another project of the organization.',
    schema: { type: 'string' },
  },
  results: {
    description: 'How its run must have ended: succeeded (when absent), failed, canceled, lost.',
    schema: { anyOf: [runResult.schema, { type: 'array', items: runResult.schema }] },
  },
  branches: { description: 'Of its git facts, with * for any text; any when absent.', schema: words },
  inputs: {
    description: 'Of the runs it starts, by name; ${{ }} reads run, inputs, outputs and git of the run that ended.',
    schema: { type: ['object', 'null'] },
  },
}

const one = { anyOf: [{ type: 'string' }, { $ref: '#/$defs/runTrigger' }] }

export const runTriggers: Kind<RunTrigger[]> = {
  name: 'runTriggers',
  schema: { anyOf: [...one.anyOf, { type: 'array', items: one, maxItems: limits.runTriggers }] },
  absent: [],
  read: readTriggers,
  write: (value) => (value.length > 0 ? value.map(triggerTree) : undefined),
  canonical: (value) =>
    value.map(({ pipeline, results, branches, inputs }) => ({
      pipeline,
      results: resultsOf({ results }).map(runResult.word).sort(),
      branches: [...branches].sort(),
      inputs: inputs ?? {},
    })),
  suffixes: [''],
  toDocument: (value): Record<string, DocumentValue> =>
    value.length > 0 ? { '': value.map((each) => toJson(RunTriggerSchema, each) as DocumentValue) } : {},
  fromDocument(document, key) {
    const value = document.get(key)
    return Array.isArray(value) ? value.flatMap((each) => messagesOf(RunTriggerSchema, each)) : []
  },
  expressions: 'none',
  check(value, report) {
    if (value.length > limits.runTriggers) {
      report({ code: 'limit', said: say('many_run_triggers', { most: limits.runTriggers }) })
    }
    for (const [index, { pipeline, branches }] of value.entries()) {
      if (!isName(pipeline.slice(pipeline.indexOf('/') + 1))) {
        report({ field: `.${index}.pipeline`, said: say('child_name', { value: shortText(pipeline) }) })
      }
      if (branches.length > limits.triggerBranches) {
        report({
          code: 'limit',
          field: `.${index}.branches`,
          said: say('many_branches', { most: limits.triggerBranches }),
        })
      }
    }
  },
}

/** How a run must have ended: it must have succeeded where nothing is said. */
export function resultsOf({ results }: Pick<RunTrigger, 'results'>): RunResult[] {
  return results.length > 0 ? [...new Set(results)] : [RunResult.SUCCEEDED]
}

/** Whether a branch fits one of these, where a * stands for any text. */
export function fitsBranch(branches: readonly string[], branch: string): boolean {
  if (branches.length === 0) return true
  return branches.some((each) => fitsText(each, branch))
}

function triggerTree({ pipeline, results, branches, inputs }: RunTrigger): Tree {
  const tree: TreeMap = new Map([['pipeline', pipeline]])
  if (results.length > 0) tree.set('results', results.map(runResult.word))
  if (branches.length > 0) tree.set('branches', [...branches])
  const given = givenTree(inputs)
  if (given !== undefined) tree.set('inputs', given)
  return tree
}

function readTriggers(reader: Reader, node: Node | null, _key: string, place: Place): RunTrigger[] {
  return readEach(reader, node, place, readTrigger)
}

function readTrigger(reader: Reader, node: Node | null, place: Place): RunTrigger | undefined {
  if (isScalar(node) && node.value !== null) return create(RunTriggerSchema, { pipeline: scalarText(node) })
  const before = reader.problems.length
  const entries = reader.known(node, { keys: runTriggerKeys, noun: 'run' }, place)
  const at = valueAt(reader, entries, place)
  const pipeline = reader.text(...at('pipeline'))
  if (!pipeline) {
    if (reader.problems.length === before)
      reader.report(say('run_trigger', { example: '{ pipeline: build }' }), node, place)
    return undefined
  }
  const trigger = create(RunTriggerSchema, { pipeline })
  if (entries.has('results')) trigger.results = readResults(reader, ...at('results'))
  if (entries.has('branches')) trigger.branches = reader.words(...at('branches'))
  const inputs = readGiven(reader, ...at('inputs'))
  if (inputs !== undefined) trigger.inputs = inputs
  return trigger
}

function readResults(reader: Reader, node: Node | null, what: string, place: Place): RunResult[] {
  return reader.words(node, what, place).flatMap((word) => {
    const value = runResult.value(word)
    if (value !== undefined) return [value]
    const options = runResult.words.join(', ')
    const got = { kind: 'text' as const, value: shortText(word, 40) }
    reader.report(
      say('want_choice', { key: what, options, ...got, near: nearest(word, runResult.words) }),
      node,
      place,
      'choice',
    )
    return []
  })
}
