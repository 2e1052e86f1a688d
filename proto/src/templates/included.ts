// Templates that are written elsewhere: with those of the pipeline itself they are one set of names.
import {
  type Include,
  type IncludedTemplate,
  type PipelineGraph,
  type Problem,
  Severity,
  type Template,
  type TemplateUse,
  TemplateUseSchema,
} from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create } from '@bufbuild/protobuf'
import { stableJson } from '../canonical-parts.ts'
import { includeText } from '../fields/includes.ts'
import { canonicalTemplates } from '../fields/templates.ts'
import type { Said } from '../texts/say.ts'
import { say } from '../texts/say.ts'
import type { Finding } from '../validate/finding.ts'

type Templates = Pick<PipelineGraph, 'templates' | 'included'>

/** Its own come first. */
export function allTemplates({ templates, included }: Templates): Template[] {
  return included.length === 0 ? templates : [...templates, ...included.flatMap(({ template }) => template ?? [])]
}

/** Nobody has looked yet for what it includes: which templates there are is not known. */
export function isUnresolved({ include, included }: Pick<PipelineGraph, 'include' | 'included'>): boolean {
  return include.length > 0 && included.length === 0
}

/** Those under the same name that say the same are one. */
export function withoutRepeats(included: readonly IncludedTemplate[]): IncludedTemplate[] {
  const seen = new Set<string>()
  return included.filter(({ template }) => {
    const text = template && stableJson(canonicalTemplates([template]))
    return text !== undefined && !seen.has(text) && seen.add(text)
  })
}

/** Names that stand for two templates: at the entry of `include` that brings the second. */
export function* clashesOf({ templates, included }: Templates): Generator<Finding> {
  const from = new Map<string, Include | undefined>(templates.map(({ name }) => [name, undefined]))
  for (const { template, source, entry } of included) {
    const { name = '' } = template ?? {}
    if (!from.has(name)) {
      from.set(name, source)
      continue
    }
    const other = from.get(name)
    const said = say('include_clash', {
      name,
      included: source ? includeText(source) : '',
      other: other && includeText(other),
    })
    yield { field: `include.${entry}`, said }
  }
}

/** What is wrong inside of a template that is written elsewhere is told where it is included. */
export function toldHere(finding: Finding, included: readonly IncludedTemplate[]): Finding {
  const { field = '', stepId, said, code = said.code } = finding
  const name = /^templates\.([^.]+)/.exec(field)?.[1]
  const from = name !== undefined && stepId === undefined && included.find(({ template }) => template?.name === name)
  if (!from) return finding
  const problem = say('include_inside', {
    included: from.source ? includeText(from.source) : '',
    part: field,
    problem: said,
  })
  return { ...finding, code, field: `include.${from.entry}`, said: problem }
}

export function usesOfIncluded(
  { included }: Pick<PipelineGraph, 'included'>,
  used: Iterable<{ key: string; template: string }>,
): TemplateUse[] {
  if (included.length === 0) return []
  const sources = new Map(included.map(({ template, source }) => [template?.name, source]))
  return [...used].flatMap(({ key, template }) => {
    const source = sources.get(template)
    return source ? [create(TemplateUseSchema, { key, template, source })] : []
  })
}

/**
 * The problems of a pipeline and those of what it includes. Of what could not be read it is not said once more that its templates are
 * not there, and of a version that is missing the sentence that knows the latest stands for the one that does not.
 */
export function withIncludeProblems(problems: readonly Problem[], ofIncludes: readonly Problem[]): Problem[] {
  const isMissing = ofIncludes.some(({ severity }) => severity === Severity.ERROR)
  const places = new Set(ofIncludes.map(({ field }) => field))
  const left = problems.filter(({ code, field }) => {
    if (code === 'template_unknown') return !isMissing
    return code !== 'include_version' || !places.has(field)
  })
  return [...left, ...ofIncludes]
}

/** Of a file that is included; `problem` is of that file. */
export function problemInFile(file: string, { code, params, line }: Pick<Problem, 'code' | 'params' | 'line'>): Said {
  const { says, ...others } = params
  const problem = { code: says ?? code, params: others } as Said
  return say('include_file', { included: file, row: line, problem })
}
