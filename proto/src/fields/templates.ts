// Groups of steps that are written once: a map of the file, each template one value of the document's root of that name.
import { type Template, TemplateSchema } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create, type JsonValue, toJson } from '@bufbuild/protobuf'
import { isScalar, type Node } from 'yaml'
import { canonicalInput, canonicalStep } from '../canonical-parts.ts'
import { limits, patterns } from '../limits.ts'
import { readInputs } from '../pipeline-yaml/input.ts'
import { type KeyTable, scalar } from '../pipeline-yaml/key-table.ts'
import type { Place, Reader } from '../pipeline-yaml/reader.ts'
import { readSteps } from '../pipeline-yaml/step.ts'
import { inputTree, newStyle, type StepStyle, stepTree } from '../pipeline-yaml/step-tree.ts'
import type { Tree, TreeMap } from '../pipeline-yaml/tree-value.ts'
import { entriesOf } from '../pipeline-yaml/values.ts'
import { say } from '../texts/say.ts'
import { quoted } from '../validate/finding.ts'
import { messagesOf, valueAt } from './entries.ts'
import { compare, type DocumentValue, type Kind, ownWay } from './kind.ts'
import { outputs } from './outputs.ts'
import { checkDescription } from './step-fields.ts'

export const templateKeys: KeyTable = {
  description: { description: 'What the template is for.', schema: scalar },
  params: {
    description: 'What a step that uses it gives, by name, typed as inputs are: params.<name> in expressions.',
    schema: { type: ['object', 'null'] },
  },
  steps: { description: 'Its steps by id. They need each other, and no others.', schema: { type: 'object' } },
  outputs: {
    description: 'What the step that uses it says to others, by name: ${{ steps.x.outputs.y }} of its steps.',
    schema: outputs.schema,
  },
}

/** What the styles of a template's steps are kept by. */
export const styleKey = (template: string, step: string) => `${template}/${step}`

export const templates: Kind<Template[]> = {
  name: 'templates',
  schema: { type: ['object', 'null'] },
  absent: [],
  read: readTemplates,
  write: (value) => templatesTree(value),
  canonical: canonicalTemplates,
  ...ownWay,
  fromDocument: () => [],
  expressions: 'none',
  check(value, report) {
    if (value.length > limits.templates) {
      report({ code: 'limit', said: say('many_templates', { count: value.length, most: limits.templates }) })
    }
    for (const { name, description } of value) {
      const field = `.${name}`
      if (!patterns.stepId.test(name)) report({ field, said: say('template_name', quoted(name)) })
      checkDescription(description, (finding) => report({ ...finding, field: `${field}.description` }))
    }
  },
}

export function canonicalTemplates(value: readonly Template[]): JsonValue[] {
  return value
    .map((template) => ({
      name: template.name,
      description: template.description,
      params: template.params.map(canonicalInput),
      steps: template.steps.map(canonicalStep),
      outputs: outputs.canonical(template.outputs),
    }))
    .sort((a, b) => compare(a.name, b.name))
}

/** `styles`: how the file writes their steps. */
export function templatesTree(
  value: readonly Template[],
  styles: ReadonlyMap<string, StepStyle> = new Map(),
): Tree | undefined {
  if (value.length === 0) return undefined
  return new Map(value.map((template) => [template.name, templateTree(template, styles)]))
}

function templateTree({ name, description, ...template }: Template, styles: ReadonlyMap<string, StepStyle>): TreeMap {
  const tree: TreeMap = new Map()
  if (description !== '') tree.set('description', description)
  if (template.params.length > 0) tree.set('params', new Map(template.params.map((one) => [one.name, inputTree(one)])))
  const styleOf = (step: string) => styles.get(styleKey(name, step)) ?? newStyle
  tree.set('steps', new Map(template.steps.map((step) => [step.id, stepTree(step, styleOf(step.id))])))
  const said = outputs.write(template.outputs)
  if (said !== undefined) tree.set('outputs', said)
  return tree
}

function readTemplates(reader: Reader, node: Node | null, key: string, place: Place): Template[] {
  return entriesOf(reader, node, place, key).map(({ key: name, keyNode, value }) => {
    const at = reader.inside(place, name)
    reader.mark(at, keyNode)
    return readTemplate(reader, name, value, at)
  })
}

function readTemplate(reader: Reader, name: string, node: Node | null, place: Place): Template {
  const template = create(TemplateSchema, { name })
  if (node === null || (isScalar(node) && node.value === null)) return template
  const entries = reader.known(node, { keys: templateKeys, noun: 'template' }, place)
  const at = valueAt(reader, entries, place)
  if (entries.has('description')) template.description = reader.text(...at('description')) ?? ''
  if (entries.has('params')) template.params = readInputs(reader, ...at('params'))
  if (entries.has('outputs')) template.outputs = outputs.read(reader, ...at('outputs')) ?? []
  const [steps, , atSteps] = at('steps')
  template.steps = readSteps(reader, steps, atSteps, (id) => reader.inside(atSteps, id))
  return template
}

/** As the document has one. */
export function plainTemplate(template: Template): DocumentValue {
  return toJson(TemplateSchema, template) as DocumentValue
}

export function templateOf(value: unknown): Template[] {
  return messagesOf(TemplateSchema, value as JsonValue)
}
