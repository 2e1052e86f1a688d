// When a pipeline starts because something has happened in a repository: each way is one value in the document.
import {
  PullRequestAction,
  type PullRequestTrigger,
  PullRequestTriggerSchema,
  type PushTrigger,
  PushTriggerSchema,
  ReleaseAction,
  type ReleaseTrigger,
  ReleaseTriggerSchema,
} from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create, type DescMessage, type JsonObject, type MessageShape, toJson } from '@bufbuild/protobuf'
import { isScalar, isSeq, type Node } from 'yaml'
import { globProblem } from '../globs.ts'
import { limits } from '../limits.ts'
import { type JsonSchema, type KeyTable, words } from '../pipeline-yaml/key-table.ts'
import type { Place, Reader } from '../pipeline-yaml/reader.ts'
import type { TreeMap } from '../pipeline-yaml/tree-value.ts'
import { nearest } from '../suggest.ts'
import { shortText } from '../texts/parts.ts'
import { say } from '../texts/say.ts'
import { givenTree, messagesOf, readGiven, valueAt } from './entries.ts'
import type { DocumentValue, Kind, ReportValue } from './kind.ts'
import { type Choice, choice } from './kinds.ts'

export const pullRequestAction = choice(PullRequestAction, {
  opened: PullRequestAction.OPENED,
  updated: PullRequestAction.UPDATED,
  reopened: PullRequestAction.REOPENED,
  ready: PullRequestAction.READY,
  labeled: PullRequestAction.LABELED,
  unlabeled: PullRequestAction.UNLABELED,
  edited: PullRequestAction.EDITED,
  closed: PullRequestAction.CLOSED,
  merged: PullRequestAction.MERGED,
})
export const usualPullRequestActions: readonly string[] = ['opened', 'updated', 'reopened', 'ready']

export const releaseAction = choice(ReleaseAction, {
  published: ReleaseAction.PUBLISHED,
  created: ReleaseAction.CREATED,
  edited: ReleaseAction.EDITED,
  deleted: ReleaseAction.DELETED,
})
export const usualReleaseActions: readonly string[] = ['published']

/** Words of the actions that start a run. */
export function actionsOf({ types }: Pick<PullRequestTrigger, 'types'>): readonly string[] {
  return types.length > 0 ? [...new Set(types.map(pullRequestAction.word))] : usualPullRequestActions
}

export function releaseActionsOf({ types }: Pick<ReleaseTrigger, 'types'>): readonly string[] {
  return types.length > 0 ? [...new Set(types.map(releaseAction.word))] : usualReleaseActions
}

/** What a list holds: globs of names or of paths, or texts with * in them. */
export type PatternKind = 'name' | 'path' | 'text'

const listOf = (description: string) => ({ description, schema: words })
const ofRuns = {
  repositories: listOf(
    'Globs of the repositories, as acme/shop or shop. When absent: the one that the pipeline is kept in, or all of the project.',
  ),
  inputs: {
    description: 'Of the runs it starts, by name; ${{ }} reads git, as the run will.',
    schema: { type: ['object', 'null'] } as JsonSchema,
  },
}
const typesOf = (one: Choice, usual: readonly string[]) => ({
  description: `What has happened: ${one.words.join(', ')}; ${usual.join(', ')} when absent.`,
  schema: { anyOf: [one.schema, { type: 'array', items: one.schema }] },
})
const globs = '* is any text without a slash, ** any text; the last pattern that matches decides, and ! takes away.'

export const pushKeys: KeyTable = {
  branches: listOf(`Globs: ${globs} All when there are no tags either.`),
  tags: listOf('Globs, as of branches; none when absent.'),
  paths: listOf('Globs of files, one of which must have changed. Not asked of tags.'),
  messages: listOf('Of the last commit, with * for any text.'),
  ...ofRuns,
}

export const pullRequestKeys: KeyTable = {
  types: typesOf(pullRequestAction, usualPullRequestActions),
  branches: listOf(`Globs of the branch that it is to be merged into: ${globs}`),
  paths: pushKeys.paths!,
  labels: listOf('Globs of labels, one of which it must have.'),
  drafts: { description: 'Also while it is a draft.', schema: { type: 'boolean' } },
  ...ofRuns,
}

export const releaseKeys: KeyTable = {
  types: typesOf(releaseAction, usualReleaseActions),
  tags: listOf('Globs, as of branches; all when absent.'),
  ...ofRuns,
}

interface Form<D extends DescMessage> {
  name: Kind<unknown>['name']
  schema: D
  keys: KeyTable
  /** Of its lists. */
  lists: Readonly<Record<string, PatternKind>>
  types?: { one: Choice; usual: readonly string[] }
  /** What a list in its place is. */
  short?: string
}

/** A trigger as all of them are read and written: its fields are called as the file calls them. */
interface AnyTrigger {
  types?: number[]
  drafts?: boolean
  inputs?: JsonObject
}

const listsOf = (value: unknown, key: string): string[] => (value as Record<string, string[]>)[key]!

function trigger<D extends DescMessage>(form: Form<D>): Kind<MessageShape<D> | undefined> {
  const { name, schema, keys, lists, types, short } = form
  const own = { $ref: `#/$defs/${name}` }
  return {
    name,
    schema: {
      anyOf: [own, { type: ['boolean', 'null'] }, ...(short ? [{ type: 'string' }, ...(words.anyOf as [])] : [])],
    },
    absent: undefined,
    read: (reader, node, key, place) => readTrigger(form, reader, node, key, place),
    write: (value) => value && triggerTree(form, value),
    canonical(value) {
      if (!value) return null
      const { types: given = [], drafts = false, inputs = {} } = value as AnyTrigger
      return {
        ...Object.fromEntries(Object.keys(lists).map((key) => [key, [...listsOf(value, key)]])),
        ...(types && { types: (given.length > 0 ? [...new Set(given.map(types.one.word))] : [...types.usual]).sort() }),
        ...('drafts' in keys && { drafts }),
        inputs,
      }
    },
    suffixes: [''],
    toDocument: (value): Record<string, DocumentValue> =>
      value ? { '': toJson(schema as DescMessage, value) as DocumentValue } : {},
    fromDocument(document, key) {
      const value = document.get(key)
      return value === undefined ? undefined : messagesOf(schema, value)[0]
    },
    expressions: 'none',
    check(value, report) {
      if (!value) return
      for (const [key, kind] of Object.entries(lists)) checkPatterns(listsOf(value, key), kind, `.${key}`, report)
    },
  }
}

export function checkPatterns(
  patterns: readonly string[],
  kind: PatternKind,
  field: string,
  report: ReportValue,
): void {
  if (patterns.length > limits.globs) report({ code: 'limit', field, said: say('many_globs', { most: limits.globs }) })
  for (const pattern of patterns) {
    const said = kind === 'text' ? textProblem(pattern) : globProblem(pattern, { path: kind === 'path' })
    if (said) report({ code: 'pattern', field, said })
  }
}

function textProblem(pattern: string) {
  if (pattern === '' || pattern === '!') return say('glob_empty')
  return pattern.length > limits.globLength ? say('glob_long', { most: limits.globLength }) : undefined
}

function readTrigger<D extends DescMessage>(
  { schema, keys, lists, types, short }: Form<D>,
  reader: Reader,
  node: Node | null,
  key: string,
  place: Place,
): MessageShape<D> | undefined {
  if (node === null || (isScalar(node) && node.value === null)) return create(schema)
  if (isScalar(node) && typeof node.value === 'boolean') return node.value ? create(schema) : undefined
  const value = create(schema)
  if (short && (isScalar(node) || isSeq(node))) return Object.assign(value, { [short]: reader.words(node, key, place) })
  const entries = reader.known(node, { keys, noun: key }, place)
  const at = valueAt(reader, entries, place)
  for (const list of Object.keys(lists)) {
    if (entries.has(list)) Object.assign(value, { [list]: reader.words(...at(list)) })
  }
  const given: AnyTrigger = value as AnyTrigger
  if (types && entries.has('types')) given.types = readTypes(types.one, reader, ...at('types'))
  if (entries.has('drafts')) given.drafts = reader.boolean(...at('drafts')) ?? false
  const inputs = readGiven(reader, ...at('inputs'))
  if (inputs !== undefined) given.inputs = inputs
  return value
}

function readTypes(one: Choice, reader: Reader, node: Node | null, what: string, place: Place): number[] {
  return reader.words(node, what, place).flatMap((word) => {
    const value = one.value(word)
    if (value !== undefined) return [value]
    const got = { kind: 'text' as const, value: shortText(word, 40) }
    const near = foreignActions[word] ?? nearest(word, one.words)
    reader.report(say('want_choice', { key: what, options: one.words.join(', '), ...got, near }), node, place, 'choice')
    return []
  })
}

/** What forges call what happens to a pull request. */
const foreignActions: Readonly<Record<string, string | undefined>> = Object.assign(Object.create(null), {
  synchronize: 'updated',
  synchronized: 'updated',
  update: 'updated',
  open: 'opened',
  reopen: 'reopened',
  close: 'closed',
  merge: 'merged',
  ready_for_review: 'ready',
  released: 'published',
})

function triggerTree<D extends DescMessage>({ keys, lists, types }: Form<D>, value: MessageShape<D>): TreeMap {
  const { types: given = [], drafts, inputs } = value as AnyTrigger
  const tree: TreeMap = new Map()
  for (const key of Object.keys(keys)) {
    if (key in lists && listsOf(value, key).length > 0) tree.set(key, [...listsOf(value, key)])
    else if (key === 'types' && types && given.length > 0) tree.set(key, given.map(types.one.word))
    else if (key === 'drafts' && drafts) tree.set(key, true)
    else if (key === 'inputs') {
      const written = givenTree(inputs as JsonObject | undefined)
      if (written !== undefined) tree.set(key, written)
    }
  }
  return tree
}

export const push: Kind<PushTrigger | undefined> = trigger({
  name: 'push',
  schema: PushTriggerSchema,
  keys: pushKeys,
  lists: { branches: 'name', tags: 'name', paths: 'path', messages: 'text', repositories: 'name' },
  short: 'branches',
})

export const pullRequest: Kind<PullRequestTrigger | undefined> = trigger({
  name: 'pullRequest',
  schema: PullRequestTriggerSchema,
  keys: pullRequestKeys,
  lists: { branches: 'name', paths: 'path', labels: 'name', repositories: 'name' },
  types: { one: pullRequestAction, usual: usualPullRequestActions },
})

export const release: Kind<ReleaseTrigger | undefined> = trigger({
  name: 'release',
  schema: ReleaseTriggerSchema,
  keys: releaseKeys,
  lists: { tags: 'name', repositories: 'name' },
  types: { one: releaseAction, usual: usualReleaseActions },
})
