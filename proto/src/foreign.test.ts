// Whoever comes from another system is told in a sentence what says the same here, in both languages.
import { describe, expect, it } from 'vitest'
import { foreignConditions, foreignValues } from './expression/foreign.ts'
import { compileExpression } from './expression.ts'
import { pullRequestKeys, pushKeys } from './fields/repository-triggers.ts'
import { foreignKeys } from './pipeline-yaml/foreign-keys.ts'
import { pipelineKeys } from './pipeline-yaml/keys.ts'
import { inputKeys, stepKeys } from './pipeline-yaml/step-keys.ts'
import { parsePipeline } from './pipeline-yaml.ts'
import { problemText } from './problem-text.ts'
import { stepTypes } from './steps/index.ts'
import { problemTexts } from './texts/problem-table.ts'

const step = (body: string) => `name: x\nsteps:\n  a:\n${body.replace(/^/gm, '    ')}\n`

/** Each sentence, and that the Chinese one names the same words of the file. */
function said(file: string): string[] {
  return parsePipeline(file).problems.map((problem) => {
    const chinese = problemText(problem, 'zh-CN')
    expect(chinese).toMatch(/\p{Script=Han}/u)
    for (const word of [problem.params.here, problem.params.near, problem.params.write])
      if (word) expect(chinese).toContain(word)
    return problem.message
  })
}

describe('an expression of another system', () => {
  it.each([
    ...Object.entries(foreignValues).filter(([, here]) => !here.includes('<')),
    ...Object.entries(foreignConditions),
  ])('%s is answered with %s, which there is', (name, here) => {
    expect(compileExpression(here).error).toBeUndefined()
    const [sentence, ...others] = said(step(`run: x\nwhen: ${name} == 'x'`))
    expect([sentence, others]).toEqual([`Expressions here have no ${name}: write ${here}. In \`${name} == 'x'\`.`, []])
  })

  it.each([
    [`inputs.a = "x"`, '=', '=='],
    [`git.branch === 'x'`, '===', '=='],
    [`git.branch !== 'x'`, '!==', '!='],
    [`git.branch == 'a' and git.tag == ''`, 'and', '&&'],
    [`git.branch == 'a' or git.tag == ''`, 'or', '||'],
    [`not git.branch == 'a=b'`, 'not', '!'],
    [`not (git.branch == 'a=b')`, 'not()', '!'],
    [`git.branch == 'a' & true`, '&', '&&'],
    [`$CI_COMMIT_TAG == ''`, '$CI_COMMIT_TAG', 'git.tag'],
    ['${DEPLOY} == "yes"', '${DEPLOY}', 'env.DEPLOY'],
    ['params.level == "a"', 'params.level', 'inputs.level'],
    ['needs.b.outputs.x == "1"', 'needs.b.outputs.x', 'steps.b.outputs.x'],
    ['!cancelled()', 'cancelled()', 'canceled()'],
  ])('%s: not %s but %s', (source, name, here) => {
    expect(said(step(`run: x\nwhen: ${JSON.stringify(source)}`))).toEqual([
      `Expressions here have no ${name}: write ${here}. In \`${source}\`.`,
    ])
  })

  it.each([
    ['github.event.issue.number == "x"', 'under on, webhook, inputs'],
    ['github.token == ""', 'Read git (branch, tag, commit …) and run'],
    ['runner.os == "Linux"', 'uname'],
    ['manual', 'uses: approval'],
    ['never', 'disabled: true'],
    ['git.branch =~ "x"', 'startsWith()'],
  ])('%s is told what to do: %s', (source, words) => {
    expect(said(step(`run: x\nwhen: ${JSON.stringify(source)}`))).toEqual([expect.stringContaining(words)])
  })

  it('does not choose between values with && and ||; conditions stay what they are', () => {
    expect(said(step(`run: echo \${{ run.trigger == 'x' && 'a' || 'b' }}`))).toEqual([
      expect.stringContaining('write condition ? value : other'),
    ])
    expect(said(step(`run: x\nwhen: run.trigger == 'x' && true || run.number == "1"`))).toEqual([])
    expect(said(step(`run: "echo \${{ run.trigger == 'x' ? 'a' : 'b' }}"`))).toEqual([])
    expect(said(step(`run: echo \${{ run.trigger == 'x' ? 'a' : 'b' }}`))[0]).toContain('indented below `|`')
  })

  it('is one text, no list of rules', () => {
    expect(said(step('run: x\nwhen: { branch: main }'))).toEqual([
      "when must be one condition, not a map. Write it as text, for example: git.branch == 'main' && success(); an event as run.trigger == 'push', files as changed(\"src/**\").",
    ])
    expect(said(step('run: x\nwhen: [on_success]'))).toEqual([expect.stringContaining('not a list')])
  })
})

describe('a key of another system', () => {
  it.each(Object.entries(foreignKeys))('%s is called %s, which there is', (_, here) => {
    const tables = [pipelineKeys, stepKeys, inputKeys, pushKeys, pullRequestKeys]
    expect(tables.some((keys) => Object.hasOwn(keys, here.split('.')[0]!))).toBe(true)
  })

  it.each([
    ['run: x\nbefore_script: [a]', 'at the beginning of run'],
    ['run: x\nafter_script: [a]', 'with when: always()'],
    ['script: [make, make test]', 'Here it is called run, and is one text'],
    ['script: make', 'Here it is called run.'],
    ['run: x\nstage: test', 'needs'],
    ['run: x\nextends: .base', 'in defaults, in templates,'],
    ['run: x\ntimeout-minutes: 5', 'timeout: 5m.'],
    ['run: x\ntimeout_in_minutes: 90', 'timeout: 90m.'],
    ['run: [make, make test]', 'indented below `run: |`'],
    ['run: x\nrules: [a]', 'events stand under on of the pipeline: push, pullRequest.'],
    ['run: x\nonly: [main]', 'changed(…)'],
    ['run: x\nexcept: [main]', 'with ! for not'],
  ])('%s: %s', (body, words) => {
    expect(said(step(body))).toEqual([expect.stringContaining(words)])
  })

  it('that is a job at the top of the file belongs to the steps', () => {
    expect(said('name: x\nstages: [build]\nbuild:\n  stage: build\n  script:\n    - make\n')).toEqual([
      'A pipeline has no key "stages". There are no stages: each step waits for the steps that it names in needs.',
      '"build" looks like a step. Steps stand below `steps:`, each under its own key, with what it runs in run.',
    ])
    expect(said('name: x\njobs:\n  build: { runs-on: ubuntu, steps: [{ run: make }] }\n')).toEqual([
      'A pipeline has no key "jobs". Here it is called steps.',
    ])
  })
})

describe('what starts runs in another system', () => {
  it.each([
    ['on: { pull_request: }', 'Did you mean "pullRequest"?'],
    ['on: [merge_request]', 'Did you mean "pullRequest"?'],
    ['on: { tags: [v1] }', 'Did you mean "push"?'],
    ['on: { issue_comment: }', 'Did you mean "comment"?'],
    ['when: [{ event: push }]', 'stands under on: push, pullRequest'],
    ['workflow: { rules: [] }', 'stands under on: push, pullRequest'],
    ['on: { push: { branches-ignore: [a] } }', 'Write the patterns with ! before them: branches: ["!…"].'],
    ['on: { pullRequest: { paths-ignore: [a] } }', 'paths: ["!…"].'],
    ['on: { push: { branch: a } }', 'A push has no key "branch". Here it is called branches.'],
    ['on: { pullRequest: { types: [synchronize] } }', 'Did you mean "updated"?'],
    ['on: { pullRequest: { types: [synced] } }', 'opened, updated'],
    ['on: { comment: { inputs: {} } }', '{ command: test }'],
    ['on: { comment: /ansflow test }', 'without /ansflow before it'],
    ['on: { comment: [a, a] }', 'two commands "a"'],
    ['on: { push: { paths: [src/] } }', '"src/**"'],
    ['on: { push: { branches: ["[a"] } }', 'square bracket'],
    ['on: { push: { inputs: { a: 1 } } }', 'no input'],
  ])('%s: %s', (on, words) => {
    expect(said(`name: x\n${on}\nsteps: { a: { run: x } }\n`)).toEqual([expect.stringContaining(words)])
  })

  it('inputs of triggers read git alone', () => {
    const file = (value: string) =>
      `name: x\non: { push: { inputs: { a: "${value}" } } }\ninputs: { a: {} }\nsteps: { a: { run: x } }\n`
    expect(said(file('${{ git.branch }} ${{ git.baseBranch }}'))).toEqual([])
    expect(said(file('${{ body.ref }}'))).toEqual([expect.stringContaining('There are: git.')])
    expect(said(file('${{ git.brnch }}'))).toEqual([expect.stringContaining('"branch"')])
  })
})

describe('a step type of another system', () => {
  it.each([
    ['actions/checkout@v4', 'Here fetch_code does what it is for.'],
    ['trstringer/manual-approval@v1', 'Here approval does what it is for.'],
    ['actions/setup-node@v4', 'runsOn'],
    ['actions/upload-artifact@v4', 'share their files'],
    ['docker/build-push-action@v6', 'docker commands'],
    ['docker://alpine:3', 'docker commands'],
    ['./.github/actions/own', 'Write what it does in run.'],
  ])('%s: %s', (uses, words) => {
    expect(said(step(`uses: ${uses}`))).toEqual([expect.stringContaining(words)])
  })

  it('calls parameters otherwise: each is told by its name here, and is not said to be missing too', () => {
    for (const { id, foreign = {}, params } of stepTypes.values()) {
      for (const [name, here] of Object.entries(foreign)) {
        expect(Object.keys(params.properties)).toContain(here)
        expect(Object.keys(params.properties)).not.toContain(name)
        expect(said(step(`uses: ${id}\nwith: { ${name}: x }`))).toContain(
          `${id} has no parameter "${name}". Here it is called ${here}.`,
        )
      }
    }
    expect(said(step('uses: fetch_code\nwith: { repo: "https://x.org/a.git", branch: main }'))).toHaveLength(2)
  })
})

it.each([
  ['on: { run: { pipeline: y, results: [success] } }\nsteps: { a: { run: x } }', 'succeeded'],
  ['on: { run: { pipeline: y, results: [cancelled] } }\nsteps: { a: { run: x } }', 'canceled'],
  ['steps: { a: { run: x, retry: { max: 1, on: [failure] } } }', 'failed'],
  ['steps: { a: { run: x }, b: { needs: [{ step: a, on: failed }], run: x } }', 'failure'],
  ['inputs: { a: { type: bool } }\nsteps: { a: { run: x } }', 'boolean'],
])('a word that means the same elsewhere is answered with ours: %s', (body, word) => {
  expect(said(`name: x\n${body}\n`)).toEqual([expect.stringContaining(`Did you mean "${word}"?`)])
})

it('no sentence lists what there is twice', () => {
  for (const [code, { params }] of Object.entries(problemTexts)) {
    const names: readonly string[] = params
    expect([code, names.includes('options') && names.includes('known?')]).toEqual([code, false])
  }
})

describe('what is wrong in one place hides nothing of another', () => {
  it.each([
    ['run: echo ${{ inputs.nope }}\nenv: { A: [1], B: "${{ inputs.none }}" }', ['inputs.nope', 'env.A', 'env.B']],
    ['run: x\nfoo: 1\nwhen: inputs.none == 1', ['foo', 'when']],
    [
      'uses: fetch_code\nwith: { url: "${{ inputs.none }}", depth: 010 }\nneeds: 5',
      ['with.depth', 'with.url', 'needs.5'],
    ],
    ['uses: nothing\nwhen: inputs.none == 1\ntimeout: soon', ['uses', 'when', 'timeout']],
  ])('%s', (body, places) => {
    const { problems } = parsePipeline(step(body))
    const where = problems.map(({ field, params }) =>
      field === 'with.script' ? `inputs.${params.name?.replaceAll('"', '')}` : field,
    )
    expect(where.sort()).toEqual([...places].sort())
  })
})
