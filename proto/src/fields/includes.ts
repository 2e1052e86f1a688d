// Where templates come from that are not in the file: files beside it, and published versions of other pipelines. One value in the
// document. What they bring is found by whoever can read them: see templates/included.ts.
import { type Include, IncludeSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create, toJson } from '@bufbuild/protobuf'
import { isScalar, type Node } from 'yaml'
import { isName, limits } from '../limits.ts'
import type { KeyTable } from '../pipeline-yaml/key-table.ts'
import { type Place, type Reader, scalarText } from '../pipeline-yaml/reader.ts'
import type { Tree, TreeMap } from '../pipeline-yaml/tree-value.ts'
import { shortText } from '../texts/parts.ts'
import { type Said, say } from '../texts/say.ts'
import { messagesOf, readEach, valueAt } from './entries.ts'
import type { DocumentValue, Kind } from './kind.ts'
import { integer } from './kinds.ts'

const versionNumber = integer(1, 4_294_967_295)

export const includeKeys: KeyTable = {
  file: {
    description: 'A file of the same repository, at the same commit, such as .ansflow/templates/build.yaml.',
    schema: { type: 'string', minLength: 1, maxLength: limits.includePath },
  },
  pipeline: {
    description: 'Another pipeline: its name, or project/name for one of another project of the organization.',
    schema: { type: 'string', minLength: 1 },
  },
  version: { description: 'Which version of the pipeline, by its number.', schema: versionNumber.schema },
}

const one = { anyOf: [{ type: 'string' }, { $ref: '#/$defs/include' }] }

export const includes: Kind<Include[]> = {
  name: 'includes',
  schema: { anyOf: [...one.anyOf, { type: 'array', items: one, maxItems: limits.includes }] },
  absent: [],
  read: (reader, node, _key, place) => readEach(reader, node, place, readInclude),
  write: (value) => (value.length > 0 ? value.map(includeTree) : undefined),
  canonical: (value) => value.map(({ file, pipeline, version }) => ({ file, pipeline, version })),
  suffixes: [''],
  toDocument: (value): Record<string, DocumentValue> =>
    value.length > 0 ? { '': value.map((each) => toJson(IncludeSchema, each) as DocumentValue) } : {},
  fromDocument(document, key) {
    const value = document.get(key)
    return Array.isArray(value) ? value.flatMap((each) => messagesOf(IncludeSchema, each)) : []
  },
  expressions: 'none',
  check(value, report) {
    if (value.length > limits.includes) {
      report({ code: 'limit', said: say('many_includes', { most: limits.includes }) })
    }
    const seen = new Set<string>()
    for (const [index, each] of value.entries()) {
      const found = includeProblem(each)
      const field = `.${index}`
      if (found) report({ ...found, field: `${field}${found.field}` })
      const text = includeText(each)
      if (seen.has(text)) report({ field, said: say('include_twice', { source: shortText(text) }), warning: true })
      seen.add(text)
    }
  },
}

/** What can be said of one without looking for it. */
export function includeProblem({ file, pipeline, version }: Include): { field: string; said: Said } | undefined {
  if ((file === '') === (pipeline === '')) return { field: '', said: say('include_what') }
  if (file !== '') {
    if (!isPath(file)) return { field: '.file', said: say('include_path', { wanted: shortText(file, 200) }) }
    return version === 0 ? undefined : { field: '.version', said: say('include_file_version') }
  }
  if (!isName(pipeline.slice(pipeline.indexOf('/') + 1))) {
    return { field: '.pipeline', said: say('child_name', { value: shortText(pipeline) }) }
  }
  if (version === 0) return { field: '', said: say('include_version', { pipeline: shortText(pipeline) }) }
  return undefined
}

function isPath(path: string): boolean {
  const names = path.split('/')
  return path.length <= limits.includePath && !names.some((name) => name === '' || name === '.' || name === '..')
}

/** As people read where something comes from: ".ansflow/templates/build.yaml", "shared-steps, version 4". */
export function includeText({ file, pipeline, version }: Include): string {
  return file !== '' ? file : `${pipeline} v${version}`
}

function includeTree({ file, pipeline, version }: Include): Tree {
  const tree: TreeMap = new Map()
  if (file !== '') tree.set('file', file)
  if (pipeline !== '') tree.set('pipeline', pipeline)
  if (version !== 0) tree.set('version', version)
  return tree
}

function readInclude(reader: Reader, node: Node | null, place: Place): Include {
  if (isScalar(node) && node.value !== null) return create(IncludeSchema, { file: scalarText(node) })
  const entries = reader.known(node, { keys: includeKeys, noun: 'include' }, place)
  const at = valueAt(reader, entries, place)
  const include = create(IncludeSchema)
  if (entries.has('file')) include.file = reader.text(...at('file')) ?? ''
  if (entries.has('pipeline')) include.pipeline = reader.text(...at('pipeline')) ?? ''
  if (entries.has('version')) include.version = versionNumber.read(reader, ...at('version')) ?? 0
  // Also what could not be read: those behind it keep their places.
  return include
}
