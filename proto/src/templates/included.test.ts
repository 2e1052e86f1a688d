// Templates from elsewhere: what counts of them, where what is wrong with them is told, and what a version is with them.
import { type IncludedTemplate, IncludedTemplateSchema, Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { create } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { graphHash, versionHash } from '../canonical.ts'
import { pipelineJsonSchema } from '../json-schema.ts'
import { atOnce } from '../pieces.ts'
import { newDoc, project } from '../pipeline-doc.ts'
import { isTemplateFile, parsePipeline, readTemplateFile, renderPipeline } from '../pipeline-yaml.ts'
import { build } from './example.ts'
import { withoutRepeats } from './included.ts'
import { writeOut } from './write-out.ts'

const path = '.ansflow/templates.yaml'
const head = 'name: x\n'
const include = `include: [{ file: ${path} }]\n`
const use = (template: string, params = '{ dir: web }') =>
  `steps:\n  web: { uses: template, with: { template: ${template}, params: ${params} } }\n`

function brought(templates: string, entry = 0): IncludedTemplate[] {
  const { templates: found, problems } = readTemplateFile(`templates:\n${templates}\n`)
  expect(problems).toEqual([])
  const source = { file: path }
  return found.map((template) => create(IncludedTemplateSchema, { template, source, entry }))
}

const told = (yaml: string, included?: IncludedTemplate[]) =>
  parsePipeline(yaml, undefined, included).problems.map((each) => `${each.line} ${each.field} ${each.message}`)

describe('what a pipeline includes', () => {
  it('is used as its own templates are, and a run knows where it came from', () => {
    const { graph, problems } = parsePipeline(head + include + use('build'), undefined, brought(build))
    expect(problems).toEqual([])
    const own = parsePipeline(`${head}templates:\n${build}\n${use('build')}`).graph
    const written = atOnce(writeOut(graph)).graph
    expect(written.steps).toEqual(atOnce(writeOut(own)).graph.steps)
    expect(written).toMatchObject({ include: [], included: [], templates: [] })
    expect(written.templateUses).toMatchObject([{ key: 'web', template: 'build', source: { file: path } }])
    expect(atOnce(writeOut(own)).graph.templateUses).toEqual([])
  })

  it('is missed only by those who have looked', () => {
    expect(told(head + include + use('build'))).toEqual([])
    expect(told(`${head}${include}${use('biuld')}`, brought(build))).toEqual([
      '4 with.template This file has no template "biuld". Did you mean "build"?',
    ])
    const later = `${head}${include}steps:\n  a: { uses: template, with: { template: build } }\n  b: { needs: [a], run: "\${{ steps.a.outputs.coverage }}" }\n`
    expect(told(later)).toEqual([])
    expect(project(newDoc(parsePipeline(later).graph)).problems).toEqual([])
  })

  it('is told where it is included when something in it does not fit', () => {
    const wrong = brought('  build:\n    steps: { a: { run: "${{ inputs.version }}" } }')
    expect(told(head + include + use('build', '{}'), wrong)).toEqual([
      `2 include.0 In ${path}, at templates.build.steps.a.with.script: The pipeline has no input "version".`,
    ])
    const ownInputs = `${head}inputs: { version: {} }\n${include}${use('build', '{}')}`
    expect(told(ownInputs, wrong)).toEqual([])
    expect(told(head + include + use('build', '{ dri: x }'), brought(build)).join('\n')).toContain(
      '4 with.params.dri The template build has no parameter "dri".',
    )
  })

  it('has names that nobody else has, unless it is the same', () => {
    const own = `${head}${include}templates:\n${build}\n${use('build')}`
    expect(told(own, brought(build))).toEqual([
      `2 include.0 The template build of ${path} has the name of one of this file. Give one of them another name.`,
    ])
    const other = brought('  build:\n    steps: { a: { run: b } }', 0)
    expect(told(head + include + use('build', '{}'), [...brought(build), ...other])).toContain(
      `2 include.0 The template build of ${path} has the name of one of ${path}. Give one of them another name.`,
    )
    expect(withoutRepeats([...brought(build), ...brought(build, 1)])).toEqual(brought(build))
  })

  it('makes another version of the same file', () => {
    const of = (included?: IncludedTemplate[]) =>
      parsePipeline(head + include + use('build'), undefined, included).graph
    const changed = brought(build.replace('npm test', 'npm run all'))
    expect(new Set([of(), of(brought(build)), of(changed)].map(graphHash)).size).toBe(1)
    expect(new Set([of(), of(brought(build)), of(changed)].map(versionHash)).size).toBe(3)
    expect(versionHash(of())).toBe(graphHash(of()))
  })
})

describe('include', () => {
  it.each([
    [
      '[{ file: a.yaml, version: 2 }]',
      '2 include.0.version A file is taken at the commit of this one: take `version` out.',
    ],
    ['[{ file: a.yaml, pipeline: b, version: 1 }]', '2 include.0 Say what is included'],
    ['[{}]', '2 include.0 Say what is included'],
    [
      '[{ pipeline: b }]',
      '2 include.0 Say which version of "b" is meant, so that nothing changes here when that one does.',
    ],
    ['[{ pipeline: b, version: x }]', '2 include.0.version'],
    ['[../a.yaml]', '2 include.0.file "../a.yaml" is no path in a repository'],
    ['/a.yaml', '2 include.0.file "/a.yaml" is no path in a repository'],
    ['[{ path: a.yaml }]', '2 include.0.path An include has no key "path".'],
    ['[a.yaml, { file: a.yaml }]', '2 include.1 "a.yaml" is included twice.'],
  ])('%s is told', (value, said) => {
    const [first, ...others] = told(`${head}include: ${value}\nsteps: { a: { run: x } }\n`)
    expect(first).toContain(said)
    expect(others).toEqual([])
  })

  it('keeps its lines and comments when something else changes, and when it does itself', () => {
    const text = `${head}# ours\ninclude:\n  # steps of all\n  - .ansflow/a.yaml\n  - { pipeline: org/shared, version: 4 } # pinned\nsteps:\n  a: { run: x }\n`
    const { graph, problems } = parsePipeline(text)
    expect(problems).toEqual([])
    graph.steps[0]!.timeoutMs = 1000
    expect(renderPipeline(graph, text)).toBe(text.replace('{ run: x }', '{ run: x, timeout: 1s }'))
    graph.steps[0]!.timeoutMs = 0
    graph.include[1]!.version = 5
    expect(renderPipeline(graph, text)).toBe(text.replace('version: 4', 'version: 5'))
  })

  it('is in the schema', () => {
    const { properties, $defs } = pipelineJsonSchema() as { properties: Record<string, object>; $defs: object }
    expect(JSON.stringify(properties.include)).toContain('#/$defs/include')
    expect($defs).toMatchObject({ include: { additionalProperties: false } })
  })
})

describe('a file of templates', () => {
  it('holds templates and includes, and nothing else', () => {
    expect(isTemplateFile('templates: {}\n')).toBe(true)
    expect(isTemplateFile('include: [a.yaml]\n')).toBe(true)
    expect(isTemplateFile('name: x\nsteps: { a: { run: x } }\ntemplates: {}\n')).toBe(false)
    expect(isTemplateFile('name: x\n')).toBe(false)
    expect(isTemplateFile(': :')).toBe(false)
    const file = readTemplateFile('x-a: 1\ninclude: [b.yaml]\nname: x\ntemplates: { A b: { steps: {} } }\n')
    expect(file.include).toMatchObject([{ file: 'b.yaml' }])
    expect(file.problems.map(({ line, message, severity }) => [line, message.slice(0, 44), severity])).toEqual([
      [3, 'A file of templates has no key "name". There', Severity.ERROR],
      [4, '"A b" is no name for a template: use small l', Severity.ERROR],
    ])
    expect(readTemplateFile(`${head}steps: {}`).problems.map(({ code }) => code)).toEqual(['include_steps'])
    expect(readTemplateFile('[').problems).not.toEqual([])
  })
})
