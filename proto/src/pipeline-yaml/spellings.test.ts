// Keys of a step that may be written in two ways: the file keeps its own, and a new one has the usual.
import { Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { describe, expect, test } from 'vitest'
import { graphHash } from '../canonical.ts'
import { parsePipeline, renderPipeline } from '../pipeline-yaml.ts'

const file = (step: string) => `name: x\nsteps:\n  a:\n    ${step.trim().replaceAll('\n', '\n    ')}\n`

function read(text: string) {
  const { graph, problems } = parsePipeline(text)
  return { graph, step: graph.steps[0]!, problems }
}

describe('continueOnError', () => {
  test('means allowFailure, and stays as it is written when something else changes', () => {
    const text = file('run: make # all\ncontinueOnError: true # flaky')
    const { graph, step, problems } = read(text)
    expect(problems).toEqual([])
    expect(step.allowFailure).toBe(true)
    expect(graphHash(graph)).toBe(graphHash(read(file('run: make\nallowFailure: true')).graph))
    step.umask = '077'
    const changed = renderPipeline(graph, text)
    expect(changed).toContain('continueOnError: true # flaky\n')
    expect(changed).toContain('umask: "077"\n')
    expect(read(changed).step).toMatchObject({ allowFailure: true, umask: '077' })
    step.allowFailure = false
    expect(renderPipeline(graph, text)).not.toContain('continueOnError')
    expect(renderPipeline(read(text).graph)).toContain('allowFailure: true')
  })

  test('beside allowFailure it is a problem at its place', () => {
    const { problems } = read(file('run: x\nallowFailure: true\ncontinueOnError: false'))
    expect(problems).toMatchObject([
      {
        message: 'continueOnError and allowFailure say the same thing. Remove one.',
        line: 6,
        severity: Severity.ERROR,
      },
    ])
  })
})

describe('workdir', () => {
  test('is with.workingDirectory, whichever the file says', () => {
    const short = file('run: make\nworkdir: web')
    const long = file('run: make\nwith: { workingDirectory: web }')
    for (const text of [short, long]) {
      const { graph, step, problems } = read(text)
      expect(problems).toEqual([])
      expect(step.with).toEqual({ script: 'make', workingDirectory: 'web' })
      expect(renderPipeline(graph, text)).toBe(text)
      step.with!.workingDirectory = 'api'
      expect(renderPipeline(graph, text)).toBe(text.replace('web', 'api'))
    }
    expect(renderPipeline(read(long).graph)).toContain('workdir: web\n')
  })

  test('a step without a script has none', () => {
    const { problems } = read(file('uses: wait\nwith: { duration: 1s }\nworkdir: web'))
    expect(problems[0]?.message).toContain('workdir')
  })
})

describe('shell', () => {
  test.each(['sh', 'bash', 'pwsh', 'python3', 'node --test', 'perl -w {0} a', '/usr/bin/env -S deno run {0}'])(
    '%s',
    (shell) => expect(read(file(`run: x\nshell: ${JSON.stringify(shell)}`)).problems).toEqual([]),
  )

  test.each(['sh; rm -rf /', 'sh -c "$(x)"', "perl -e 'x'", '', 'a\nb', 'sh | tee', '$SHELL'])(
    '%j is refused',
    (shell) => {
      const { problems } = read(file(`run: x\nshell: ${JSON.stringify(shell)}`))
      expect(problems.map(({ severity }) => severity)).toContain(Severity.ERROR)
    },
  )
})

test.each([
  ['umask: 22', 'umask'],
  ['umask: 0o22', 'umask'],
  ['umask: "088"', 'umask'],
  ['nice: -1', 'nice'],
  ['nice: 20', 'nice'],
  ['nice: 1.5', 'nice'],
])('%s is refused', (line, field) => {
  expect(read(file(`run: x\n${line}`)).problems).toMatchObject([{ field, severity: Severity.ERROR, line: 5 }])
})

test('umask and nice are read as they are written', () => {
  const { step, problems } = read(file('run: x\numask: 027\nnice: 19'))
  expect([problems, step.umask, step.nice]).toEqual([[], '027', '19'])
})
