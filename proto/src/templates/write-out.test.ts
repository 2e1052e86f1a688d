// What is put in the place of steps that use templates, and that nothing of a file with templates is lost.
import { type PipelineGraph, Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { describe, expect, it } from 'vitest'
import { canonicalGraph } from '../canonical.ts'
import { pipelineJsonSchema } from '../json-schema.ts'
import { atOnce } from '../pieces.ts'
import { parsePipeline, renderPipeline } from '../pipeline-yaml.ts'
import { build, file } from './example.ts'
import { runnable, writeOut } from './write-out.ts'

function written(yaml: string): PipelineGraph {
  const { graph, problems } = parsePipeline(yaml)
  expect(problems.filter(({ severity }) => severity === Severity.ERROR)).toEqual([])
  return atOnce(writeOut(graph)).graph
}

/** That the file does what the other one does, which has no templates; ids of steps may hold a slash there. */
function expectSame(yaml: string, byHand: string): void {
  expect(renderPipeline(written(yaml))).toBe(renderPipeline(parsePipeline(byHand).graph))
}

describe('a step that uses a template', () => {
  it('stands for its steps: needs go to the first, what needs it waits for the last', () => {
    expectSame(
      file(
        build,
        `  code: { uses: fetch_code, with: { url: "https://example.org/a.git" } }
  web: { uses: template, needs: [code], with: { template: build, params: { dir: web, node: 1.10 } } }
  ship: { needs: [web], run: "echo \${{ steps.web.outputs.coverage }} \${{ steps.web.outputs.at }}" }`,
      ),
      `name: x
steps:
  code: { uses: fetch_code, with: { url: "https://example.org/a.git" } }
  web/install: { needs: [code], run: "npm ci --node \${{ \\"1.10\\" }}", workdir: web }
  web/test: { needs: [web/install], run: npm test, outputs: [coverage] }
  web/lint: { needs: [web/install], run: npm run lint }
  ship: { needs: [web/test, web/lint], run: "echo \${{ steps[\\"web/test\\"].outputs.coverage }} \${{ \\"web\\" }}" }
`,
    )
  })

  it('says for them what it says itself, as defaults do, before those of the pipeline', () => {
    const yaml = file(
      `  t:
    steps:
      a: { run: a, env: { A: inner }, timeout: 1m, when: inputs.b }
      b: { needs: [a], run: b, name: Second }`,
      `  w:
    name: Web
    uses: template
    when: inputs.a
    disabled: true
    runsOn: [linux]
    workspace: own
    env: { A: outer, B: outer }
    timeout: 5m
    retry: 2
    with: { template: t }`,
      'inputs: { a: { type: boolean }, b: { type: boolean } }\ndefaults: { runsOn: [macos], umask: "077" }\n',
    )
    const [a, b] = atOnce(runnable(parsePipeline(yaml).graph)).steps
    expect(written(yaml).steps).toHaveLength(2)
    expect(a).toMatchObject({ id: 'w/a', name: 'Web / a', when: '(inputs.a) && (inputs.b)', timeoutMs: 60_000 })
    expect(b).toMatchObject({ id: 'w/b', name: 'Web / Second', when: 'inputs.a', timeoutMs: 300_000 })
    for (const step of [a!, b!]) {
      expect(step).toMatchObject({
        disabled: true,
        runsOn: ['linux'],
        workspace: 'own',
        umask: '077',
        retry: { max: 2 },
      })
    }
    expect(a!.env.map(({ name, value }) => [name, value])).toEqual([
      ['B', 'outer'],
      ['A', 'inner'],
    ])
  })

  it('stands in other templates, whose parameters it hands on', () => {
    expectSame(
      file(
        `  one:
    params: { at: { type: string } }
    steps: { go: { run: "cd \${{ params.at }}", outputs: [o] } }
    outputs: { o: "\${{ steps.go.outputs.o }}" }
  two:
    params: { root: { type: string } }
    steps:
      a: { uses: template, with: { template: one, params: { at: "\${{ params.root }}/a" } } }
      b: { uses: template, needs: [a], with: { template: one, params: { at: "\${{ steps.a.outputs.o }}" } } }`,
        `  w: { uses: template, with: { template: two, params: { root: "\${{ inputs.r }}" } } }`,
        'inputs: { r: { type: string } }\n',
      ),
      `name: x
inputs: { r: { type: string } }
steps:
  w/a/go: { run: "cd \${{ (string(string(inputs.r)) + \\"/a\\") }}", outputs: [o] }
  w/b/go: { needs: [w/a/go], run: "cd \${{ string(steps[\\"w/a/go\\"].outputs.o) }}", outputs: [o] }
`,
    )
  })

  it('hands on values of the types that its parameters have', () => {
    const [go] = written(
      file(
        `  t:
    params: { n: { type: number }, b: { type: boolean }, c: { type: choice, options: [a, b] }, s: {}, d: { default: q } }
    steps:
      go:
        uses: http_request
        when: params.n > 1 && params.b && has(params.s) && "params.n" != params.c
        with: { method: POST, url: "https://example.org/\${{ params.d }}\${{ params.s }}", body: "\${{ params.n }}" }`,
        `  w: { uses: template, with: { template: t, params: { n: "2", b: true, c: b } } }`,
      ),
    ).steps
    expect(go).toMatchObject({
      when: '2.0 > 1 && true && true && "params.n" != "b"',
      with: { url: 'https://example.org/q', body: '2' },
    })
  })

  it('makes what a run gives fit the parameter, or fail', () => {
    const [go] = written(
      file(
        `  t:
    params: { n: { type: number }, b: { type: boolean }, c: { type: choice, options: [a, b] } }
    steps: { go: { run: x, env: { N: "\${{ params.n }}", B: "\${{ params.b }}", C: "\${{ params.c }}" } } }`,
        `  w: { uses: template, with: { template: t, params: { n: "\${{ inputs.v }}", b: "\${{ inputs.v }}", c: "\${{ inputs.v }}" } } }`,
        'inputs: { v: { type: string } }\n',
      ),
    ).steps
    expect(go!.env.map(({ value }) => value)).toEqual([
      '${{ double(fromJSON(string(inputs.v))) }}',
      '${{ {"true": true, "false": false}[string(inputs.v)] }}',
      '${{ {"a": "a", "b": "b"}[string(inputs.v)] }}',
    ])
  })

  it('never puts a text into a script', () => {
    const evil = '"; rm -rf / #${{ inputs.x }}'
    const yaml = file(
      `  t: { params: { s: {} }, steps: { go: { run: "echo \${{ params.s }}", env: { S: "\${{ params.s }}" } } } }`,
      `  w: { uses: template, with: { template: t, params: { s: ${JSON.stringify(evil.replace('${{', () => '$${{'))} } } }`,
    )
    const [go] = written(yaml).steps
    expect(go!.with).toEqual({ script: `echo \${{ ${JSON.stringify(evil)} }}` })
    expect(go!.env.map(({ value }) => value)).toEqual([evil.replace('${{', () => '$${{')])
  })
})

describe('a file with templates', () => {
  const yaml = `# head
name: x
templates:
  # what is built
  build: # so
    params:
      dir: { type: string } # a folder
    steps:
      # first
      install:
        uses: custom # plainly
        with: { script: npm ci, shell: bash }
      test:
        needs: [install]
        run: npm test # all of them
    outputs: { at: "\${{ params.dir }}" }

steps:
  web: { uses: template, with: { template: build, params: { dir: web } } }
`

  it('keeps all of its comments when something within changes', () => {
    const { graph } = parsePipeline(yaml)
    const [{ steps }] = graph.templates as [PipelineGraph['templates'][number]]
    steps[1]!.timeoutMs = 60_000
    steps[0]!.with = { ...steps[0]!.with, script: 'npm ci --quiet' }
    expect(renderPipeline(graph, yaml)).toBe(
      yaml
        .replace('script: npm ci,', 'script: npm ci --quiet,')
        .replace('run: npm test # all of them\n', 'run: npm test # all of them\n        timeout: 1m\n'),
    )
    steps.reverse()
    const turned = renderPipeline(graph, yaml)
    expect(canonicalGraph(parsePipeline(turned).graph)).toBe(canonicalGraph(graph))
    for (const comment of ['# what is built', '# first', '# plainly', '# all of them'])
      expect(turned).toContain(comment)
  })

  it('is what the JSON Schema says', () => {
    const { properties, $defs } = pipelineJsonSchema() as { properties: object; $defs: Record<string, object> }
    expect(properties).toMatchObject({ templates: { additionalProperties: { $ref: '#/$defs/template' } } })
    expect($defs.template).toMatchObject({ properties: { steps: { additionalProperties: { $ref: '#/$defs/step' } } } })
    expect($defs['with-template']).toMatchObject({ required: ['template'] })
  })
})
