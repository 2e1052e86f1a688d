// Text → graph: the file's top level, and the problems of YAML itself.
import {
  type IncludedTemplate,
  type PipelineGraph,
  PipelineGraphSchema,
  type Problem,
  Severity,
  TriggersSchema,
} from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create } from '@bufbuild/protobuf'
import { type Document, isMap, isScalar, LineCounter, type Node, type YAMLError } from 'yaml'
import { oddCharacter } from '../characters.ts'
import { pipelineFields } from '../fields/pipeline-fields.ts'
import { triggerFields } from '../fields/trigger-fields.ts'
import { limits } from '../limits.ts'
import { suggestion } from '../suggest.ts'
import { shortText } from '../texts/parts.ts'
import { saidText } from '../texts/said-text.ts'
import { type Said, say } from '../texts/say.ts'
import { type AgentLabels, validateGraph } from '../validate.ts'
import { actionKeys } from './action-keys.ts'
import { parseText } from './document.ts'
import { foreignTriggers } from './foreign-keys.ts'
import { readInputs } from './input.ts'
import { ignoredKeys, pipelineKeys } from './keys.ts'
import { type Place, Reader } from './reader.ts'
import { readSteps } from './step.ts'

export interface ReadPipeline {
  graph: PipelineGraph
  problems: Problem[]
  /** Of these what is wrong with what the graph does not say. */
  unread: Problem[]
  /** Absent when the text is no YAML that could be patched. */
  document?: Document.Parsed
  /** Where a field of a step, or of the pipeline, stands, or the nearest thing around it. */
  find(place: Place): { line: number; col: number } | undefined
}

/** `included`: what its `include` brings, where somebody has looked. */
export function readPipeline(
  yaml: string,
  agents?: AgentLabels,
  included: readonly IncludedTemplate[] = [],
): ReadPipeline {
  const graph = create(PipelineGraphSchema)
  const { reader, document, problems: unreadable } = readRoot(yaml, (root, file) => readKeys(file, root, graph))
  const find = (place: Place) => reader.find(place)
  if (unreadable) return { graph, problems: unreadable, unread: [...unreadable], find }
  const unread = [...reader.problems]
  graph.included = [...included]
  addGraphProblems(reader, graph, agents)
  return { graph, problems: reader.problems, unread, ...(document && { document }), find }
}

interface ReadRoot {
  reader: Reader
  document?: Document.Parsed
  /** Nothing of it counts. */
  problems?: Problem[]
}

/** What every file of ours is: a map. `read` is given it also where its YAML is broken. */
export function readRoot(yaml: string, read: (root: Node, reader: Reader) => void): ReadRoot {
  const lines = new LineCounter()
  const { document, refusals } = parseText(yaml, lines)
  const reader = new Reader(document, lines)
  const unreadable = (problems = reader.problems): ReadRoot => ({ reader, problems })
  for (const { code, said, offset } of refusals) reader.report(said, offset, {}, code)
  if (document === undefined) return unreadable()
  for (const error of [...document.errors, ...document.warnings].slice(0, limits.problems))
    reportYaml(reader, error, yaml)
  const broken = reader.problems.length
  const root = reader.follow(document.contents, {})
  if (root === null || (isScalar(root) && root.value === null)) {
    reader.report(say('file_empty'), 0, {}, 'empty')
    return unreadable()
  }
  if (!isMap(root)) {
    reader.report(say('file_type', reader.got(root)), root, {}, 'type')
    return unreadable(reader.problems.slice(0, Math.max(1, broken)))
  }
  read(root, reader)
  // What broken YAML seems to say would only add noise.
  if (broken > 0) return unreadable(reader.problems.slice(0, Math.min(broken, 5)))
  return { reader, document }
}

const yamlSentences: Partial<Record<YAMLError['code'], Said>> = {
  TAB_AS_INDENT: say('yaml_tab'),
  BAD_INDENT: say('yaml_indent'),
  BLOCK_AS_IMPLICIT_KEY: say('yaml_nested'),
  MULTILINE_IMPLICIT_KEY: say('yaml_key'),
  RESOURCE_EXHAUSTION: say('yaml_deep'),
  BAD_SCALAR_START: say('yaml_start'),
}

function reportYaml(reader: Reader, error: YAMLError, text: string): void {
  const detail = (error.message.split('\n')[0] ?? '').replace(/\.$/, '')
  const [offset] = error.pos
  const line = text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset + 200).split(/\r?\n/)[0]!
  const odd = oddCharacter(line)
  const isColon = error.code === 'BLOCK_AS_IMPLICIT_KEY' && line.includes('${{')
  const problem = isColon ? say('yaml_colon') : (yamlSentences[error.code] ?? say('yaml_other', { detail }))
  const said = say('yaml', { problem, odd })
  const sentence = saidText(said)
  // YAML says some twice of one line, at its beginning and where it goes wrong.
  const { line: at } = reader.position(offset)
  if (!reader.problems.some((known) => known.line === at && known.message === sentence)) reader.report(said, offset)
}

function readKeys(reader: Reader, root: Node, graph: PipelineGraph): void {
  const rules = { keys: pipelineKeys, ignored: ignoredKeys, noun: 'pipeline' }
  const entries = reader.known(root, rules, {})
  const at = (key: string): [Node | null, Place] => [entries.get(key)?.value ?? null, { field: key }]
  for (const { key, of, kind } of pipelineFields) {
    const entry = entries.get(key)
    if (entry === undefined) continue
    const value = kind.read(reader, entry.value, key, { field: key })
    if (value !== undefined) Object.assign(graph, { [of]: value })
  }
  if (entries.has('on')) readTriggers(reader, ...at('on'), graph)
  const [inputs, atInputs] = at('inputs')
  graph.inputs = readInputs(reader, inputs, 'inputs', atInputs)
  const [steps, place] = at('steps')
  graph.steps = readSteps(reader, steps, place, (stepId) => ({ stepId }))
}

function readTriggers(reader: Reader, node: Node | null, place: Place, graph: PipelineGraph): void {
  const triggers = create(TriggersSchema, { manual: true })
  graph.triggers = triggers
  const words = isMap(node)
    ? reader.entries(node, 'on', place)
    : reader.words(node, 'on', place).map((key) => ({ key, keyNode: node, value: null }))
  for (const { key, keyNode, value } of words) {
    const at = { field: `on.${key}` }
    const field = triggerFields.find((each) => each.key === key)
    if (key === 'manual') {
      if (isMap(node) && value !== null) triggers.manual = reader.boolean(value, 'manual', at) ?? true
    } else if (field !== undefined) {
      reader.mark(at, value ?? keyNode)
      const read = field.kind.read(reader, value, key, at)
      if (read !== undefined) Object.assign(triggers, { [field.of]: read })
    } else {
      const near = Object.hasOwn(foreignTriggers, key) ? foreignTriggers[key] : undefined
      const hint = near ? { near } : suggestion(key, triggerWords)
      const said = say('unknown_trigger', { name: shortText(key), ...hint })
      reader.report(said, keyNode, at, 'unknown_key')
    }
  }
}

const triggerWords = ['manual', ...triggerFields.map(({ key }) => key)]

/** The problems of the graph, each at its place, unless reading that place failed already. */
function addGraphProblems(reader: Reader, graph: PipelineGraph, agents: AgentLabels | undefined): void {
  const failed = failedParts(reader.problems.filter((each) => each.severity === Severity.ERROR))
  for (const problem of validateGraph(graph, agents)) {
    const { stepId, field } = problem
    if (failed.get(stepId)?.some((part) => isWithin(field, part) || isWithin(part, field))) continue
    const place = problem.stepId === '' ? { field: problem.field } : { stepId: problem.stepId, field: problem.field }
    const { line, col } = reader.find(place) ?? { line: 1, col: 1 }
    problem.line = line
    problem.column = col
    if (reader.problems.length < limits.problems) reader.problems.push(problem)
  }
  reader.problems.sort((a, b) => a.line - b.line || a.column - b.column)
}

/** By step, the fields that could not be read: what the graph says there is not what the file says. */
function failedParts(errors: readonly Problem[]): ReadonlyMap<string, string[]> {
  const failed = new Map<string, string[]>()
  for (const { code, stepId, field, params } of errors) {
    const parts = failed.get(stepId) ?? []
    failed.set(stepId, parts)
    parts.push(field)
    // Of a step of a template, what stands before its own fields.
    const step = /^templates\.[^.]*\.steps\.[^.]*\./.exec(field)?.[0] ?? ''
    const param = (actionKeys as Readonly<Record<string, string>>)[field.slice(step.length)]
    if (param !== undefined && code === 'type') parts.push(`${step}with.${param}`)
    // A mistyped `run` or `uses`, or `steps`, has its own problem already.
    if (code === 'unknown_key' || code === 'type') parts.push(`${step}uses`)
    if (params.says === 'key_job' || params.here === 'steps') parts.push('steps')
  }
  return failed
}

function isWithin(field: string, part: string): boolean {
  return field === part || field.startsWith(`${part}.`)
}
