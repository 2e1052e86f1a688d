// When a pipeline starts because somebody writes a command below a pull request: one value in the document.
import { type CommentTrigger, CommentTriggerSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create, toJson } from '@bufbuild/protobuf'
import { isScalar, type Node } from 'yaml'
import { limits, patterns } from '../limits.ts'
import type { KeyTable } from '../pipeline-yaml/key-table.ts'
import { type Place, type Reader, scalarText } from '../pipeline-yaml/reader.ts'
import type { Tree, TreeMap } from '../pipeline-yaml/tree-value.ts'
import { shortText } from '../texts/parts.ts'
import { say } from '../texts/say.ts'
import { givenTree, messagesOf, readEach, readGiven, valueAt } from './entries.ts'
import type { DocumentValue, Kind } from './kind.ts'
import { checkPatterns, pushKeys } from './repository-triggers.ts'

export const commentKeys: KeyTable = {
  command: {
    description: 'What stands behind /ansflow on a line of the comment.',
    schema: { type: 'string', pattern: patterns.stepId.source },
  },
  repositories: pushKeys.repositories!,
  inputs: pushKeys.inputs!,
}

const one = { anyOf: [commentKeys.command!.schema, { $ref: '#/$defs/comment' }] }

export const comments: Kind<CommentTrigger[]> = {
  name: 'comments',
  schema: { anyOf: [...one.anyOf, { type: 'null' }, { type: 'array', items: one, maxItems: limits.commentTriggers }] },
  absent: [],
  read: (reader, node, _key, place) => readEach(reader, node, place, readComment),
  write: (value) => (value.length > 0 ? value.map(commentTree) : undefined),
  canonical: (value) =>
    value.map(({ command, repositories, inputs }) => ({
      command,
      repositories: [...repositories],
      inputs: inputs ?? {},
    })),
  suffixes: [''],
  toDocument: (value): Record<string, DocumentValue> =>
    value.length > 0 ? { '': value.map((each) => toJson(CommentTriggerSchema, each) as DocumentValue) } : {},
  fromDocument(document, key) {
    const value = document.get(key)
    return Array.isArray(value) ? value.flatMap((each) => messagesOf(CommentTriggerSchema, each)) : []
  },
  expressions: 'none',
  check(value, report) {
    if (value.length > limits.commentTriggers) {
      report({ code: 'limit', said: say('many_commands', { most: limits.commentTriggers }) })
    }
    const seen = new Set<string>()
    for (const [index, { command, repositories }] of value.entries()) {
      const name = shortText(command)
      if (!patterns.stepId.test(command)) report({ field: `.${index}.command`, said: say('command_name', { name }) })
      else if (seen.has(command)) report({ field: `.${index}.command`, said: say('duplicate_command', { name }) })
      seen.add(command)
      checkPatterns(repositories, 'name', `.${index}.repositories`, report)
    }
  },
}

function commentTree({ command, repositories, inputs }: CommentTrigger): Tree {
  const tree: TreeMap = new Map([['command', command]])
  if (repositories.length > 0) tree.set('repositories', [...repositories])
  const given = givenTree(inputs)
  if (given !== undefined) tree.set('inputs', given)
  return tree
}

function readComment(reader: Reader, node: Node | null, place: Place): CommentTrigger | undefined {
  if (isScalar(node) && node.value !== null) return create(CommentTriggerSchema, { command: scalarText(node) })
  const before = reader.problems.length
  const entries = reader.known(node, { keys: commentKeys, noun: 'comment' }, place)
  const at = valueAt(reader, entries, place)
  const command = reader.text(...at('command'))
  if (!command) {
    if (reader.problems.length === before) {
      reader.report(say('comment_trigger', { example: '{ command: test }' }), node, place)
    }
    return undefined
  }
  const trigger = create(CommentTriggerSchema, { command })
  if (entries.has('repositories')) trigger.repositories = reader.words(...at('repositories'))
  const inputs = readGiven(reader, ...at('inputs'))
  if (inputs !== undefined) trigger.inputs = inputs
  return trigger
}
