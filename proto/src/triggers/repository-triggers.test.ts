// What happens in repositories, and what it starts: each gate with what it says.

import { Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { GitFactsSchema, RunOriginSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { create } from '@bufbuild/protobuf'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { interpolate } from '../expression.ts'
import { matcher } from '../globs.ts'
import { limits } from '../limits.ts'
import { atOnce } from '../pieces.ts'
import { parsePipeline } from '../pipeline-yaml.ts'
import { saidText } from '../texts/said-text.ts'
import { noRepositoryProblems } from '../validate/no-repository.ts'
import { changedKey, changedPatterns, hashedPatterns, matchChanged } from './changed.ts'
import { type GitValues, gitFactsOf, gitValues } from './git-facts.ts'
import { commandsOf, type RepositoryEvent, triggeredBy } from './repository-triggers.ts'
import { starterOf, triggerOf } from './run-origin.ts'
import { skipText } from './skip-texts.ts'

const file = (on: string) => `name: x\non: ${on}\nsteps: { a: { run: x } }\n`

function triggersOf(on: string) {
  const { graph, problems } = parsePipeline(file(on))
  expect(problems).toEqual([])
  return graph.triggers
}

function outcome(on: string, event: Partial<RepositoryEvent>, ownRepository = '') {
  const found = triggeredBy(triggersOf(on), { kind: 'push', repository: 'acme/shop', ...event }, { ownRepository })
  if (found.starts) return 'starts'
  // Both languages have it.
  expect(saidText(found.why, 'zh-CN')).toMatch(/\p{Script=Han}.*。$/u)
  return saidText(found.why)
}

const changed = (...paths: string[]) => ({ paths, complete: true })

describe('a push', () => {
  test.each<[string, Partial<RepositoryEvent>, string]>([
    ['push', { branch: 'main' }, 'starts'],
    ['{ push: true }', { branch: 'any/thing' }, 'starts'],
    ['{ push: }', { branch: 'main' }, 'starts'],
    ['{ push: main }', { branch: 'dev' }, 'The branch is dev, the trigger wants main.'],
    ['{ push: false }', { branch: 'main' }, 'The pipeline does not start by a push.'],
    ['manual', { branch: 'main' }, 'The pipeline does not start by a push.'],
    ['{ push: { branches: [main, "release/**", "!release/old"] } }', { branch: 'release/1/2' }, 'starts'],
    [
      '{ push: { branches: [main, "release/**", "!release/old"] } }',
      { branch: 'release/old' },
      'The branch is release/old, the trigger wants main, release/**, !release/old.',
    ],
    ['push', { kind: 'tag', tag: 'v1' }, 'This is the tag v1, and the trigger takes no tags.'],
    ['{ push: { tags: ["v*"] } }', { kind: 'tag', tag: 'v1' }, 'starts'],
    ['{ push: { tags: ["v*"] } }', { branch: 'main' }, 'This is the branch main, and the trigger takes tags alone.'],
    ['{ push: { branches: main, tags: ["v*"] } }', { branch: 'main' }, 'starts'],
    ['{ push: { tags: ["v*"] } }', { kind: 'tag', tag: 'x' }, 'The tag is x, the trigger wants v*.'],
    ['push', { branch: 'main', action: 'deleted' }, 'main was deleted: there is nothing to run for.'],
    ['push', { branch: 'main', message: 'x [CI skip]' }, 'The message of the commit says [CI skip].'],
    ['{ push: { tags: ["*"] } }', { kind: 'tag', tag: 'v1', message: 'release [skip ci]' }, 'starts'],
    ['{ push: { messages: "*deploy*" } }', { branch: 'main', message: 'a\ndeploy/it' }, 'starts'],
    [
      '{ push: { messages: ["*", "!WIP*"] } }',
      { branch: 'main', message: 'WIP\nmore' },
      'The message of the commit is "WIP", the trigger wants *, !WIP*.',
    ],
    ['{ push: { messages: "x" } }', { branch: 'main' }, 'starts'],
    ['{ push: { paths: ["src/**"] } }', { branch: 'main', changed: changed('src/a') }, 'starts'],
    [
      '{ push: { paths: ["src/**", "!docs/**"] } }',
      { branch: 'main', changed: changed('docs/a', 'README.md') },
      'The files that have changed are docs/a, README.md (2), the trigger wants src/**, !docs/**.',
    ],
    [
      '{ push: { paths: src/** } }',
      { branch: 'b', changed: changed() },
      'No file has changed (0), the trigger wants src/**.',
    ],
    ['{ push: { paths: src/** } }', { branch: 'b', changed: { paths: ['a'], complete: false } }, 'starts'],
    ['{ push: { paths: src/** } }', { branch: 'b' }, 'starts'],
    ['{ push: { paths: src/**, tags: "*" } }', { kind: 'tag', tag: 'v1', changed: changed('a') }, 'starts'],
  ])('%s, %j: %s', (on, event, said) => expect(outcome(on, event)).toBe(said))

  test('in one of the repositories that count', () => {
    const push = { branch: 'main' }
    expect(outcome('push', push, 'acme/shop')).toBe('starts')
    expect(outcome('push', push, 'acme/other')).toBe('The repository is acme/shop, the trigger wants acme/other.')
    for (const wanted of ['shop', 'acme/shop', 'acme/*', '"*op"', '"!other"']) {
      expect(outcome(`{ push: { repositories: ${wanted} } }`, push, 'acme/other')).toBe('starts')
    }
    expect(outcome('{ push: { repositories: [web, api] } }', push)).toContain('wants web, api.')
  })
})

describe('a pull request', () => {
  const opened = { kind: 'pull_request', action: 'opened', baseBranch: 'main' } as const
  test.each<[string, Partial<RepositoryEvent>, string]>([
    ['pullRequest', opened, 'starts'],
    ['pullRequest', { ...opened, action: 'ready' }, 'starts'],
    [
      'pullRequest',
      { ...opened, action: 'closed' },
      'What has happened to it is closed, the trigger wants opened, updated, reopened, ready.',
    ],
    ['{ pullRequest: { types: [merged] } }', { ...opened, action: 'merged', message: '[skip ci]' }, 'starts'],
    ['{ pullRequest: { branches: dev } }', opened, 'It is to be merged into main, the trigger wants dev.'],
    [
      'pullRequest',
      { ...opened, draft: true },
      'The pull request is a draft, and the trigger does not say drafts: true.',
    ],
    ['{ pullRequest: { drafts: true } }', { ...opened, draft: true }, 'starts'],
    ['{ pullRequest: { labels: [ci] } }', opened, 'The pull request has no label, the trigger wants ci.'],
    ['{ pullRequest: { labels: ["c*"] } }', { ...opened, labels: ['x', 'ci'] }, 'starts'],
    [
      '{ pullRequest: { labels: [ci] } }',
      { ...opened, labels: ['x'] },
      'The pull request has the labels x, the trigger wants ci.',
    ],
    ['pullRequest', { ...opened, message: '***no_ci***' }, 'The message of the commit says ***no_ci***.'],
    [
      '{ pullRequest: { paths: a } }',
      { ...opened, changed: changed('b') },
      'The files that have changed are b (1), the trigger wants a.',
    ],
    ['push', opened, 'The pipeline does not start by a pull request.'],
  ])('%s, %j: %s', (on, event, said) => expect(outcome(on, event)).toBe(said))
})

test('a comment and a release', () => {
  const comment = (body: string) => ({ kind: 'comment', commands: commandsOf(body) }) as const
  expect(outcome('{ comment: test }', comment('/ansflow test'))).toBe('starts')
  expect(outcome('{ comment: [test, { command: deploy }] }', comment('please\n  /ansflow Deploy now\n'))).toBe('starts')
  expect(outcome('{ comment: [test, deploy] }', comment('/ansflow tst'))).toBe(
    'The comment says /ansflow tst, the trigger wants /ansflow test, deploy.',
  )
  expect(outcome('{ comment: test }', comment('hello'))).toBe(
    'The comment is no command, the trigger wants /ansflow test.',
  )
  expect(outcome('push', comment('/ansflow test'))).toBe('The pipeline does not start by a comment.')
  const release = { kind: 'release', action: 'published', tag: 'v1' } as const
  expect(outcome('release', release)).toBe('starts')
  expect(outcome('release', { ...release, action: 'edited' })).toContain('wants published.')
  expect(outcome('{ release: { tags: "v2*" } }', release)).toBe('The tag is v1, the trigger wants v2*.')
})

test('commands are found on lines of their own', () => {
  expect(
    commandsOf(
      '/ansflow a\n> /ansflow b\n /ansflow\tc-1 d\nx /ansflow e\n/ansflow ü\n/ansflowx f\r\n/ANSFLOW g\r\n/ansflow a',
    ),
  ).toEqual(['a', 'c-1', 'g'])
})

test('what starts has the inputs of its trigger', () => {
  const { graph } = parsePipeline(`name: x
on: { comment: [{ command: a, inputs: { v: "1" } }, { command: b, inputs: { v: "\${{ git.branch }}" } }] }
inputs: { v: { type: string } }
steps: { a: { run: x } }
`)
  const event = { kind: 'comment', repository: 'r', commands: ['b'] } as const
  expect(triggeredBy(graph.triggers, event)).toEqual({ starts: true, inputs: { v: '${{ git.branch }}' } })
})

test.each([
  ['fix [skip ci]', true],
  ['fix\n\n[No CI]', true],
  ['[skip actions]', true],
  ['[skip ansflow] x', true],
  ['***NO_CI***', true],
  ['[ci  skip]', false],
  ['skip ci', false],
  ['', false],
])('%j says that nothing runs: %s', (message, skips) => {
  expect(skipText(message) !== undefined).toBe(skips)
  expect(skipText(message) !== undefined).toBe(skips)
})

test('a newer commit of a pull request can take the place of the one before', () => {
  const { graph, problems } = parsePipeline(`name: x
on: { push: main, pullRequest: }
concurrency: { group: "\${{ git.pullRequest == '' ? '' : run.pipeline + ' ' + git.repositoryName + ' #' + git.pullRequest }}", cancelInProgress: true }
steps: { a: { run: x } }
`)
  expect(problems).toEqual([])
  const group = (git: Partial<GitValues>) =>
    interpolate(graph.concurrency!.group, {
      inputs: {},
      env: {},
      git,
      run: { pipeline: 'x' },
      steps: {},
      needs: { success: true, failure: false, canceled: false },
    })
  expect(group({ pullRequest: '7', repositoryName: 'acme/shop' })).toBe('x acme/shop #7')
  expect(group({ branch: 'main' })).toBe('')
})

test('what a run is for is the same after a run that follows it', () => {
  const git = create(GitFactsSchema, {
    branch: 'a',
    labels: ['x'],
    fork: true,
    pullRequest: 3,
    changed: { '["a"]': false },
  })
  expect(gitFactsOf(gitValues(git))).toEqual({ ...git, changed: {} })
  expect(gitFactsOf(gitValues(create(GitFactsSchema)))).toBe(undefined)
  expect(gitFactsOf({ branch: 1, labels: 'x' })).toBe(undefined)
})

test('what has happened is what the run says that has started it', () => {
  const origin = (repositoryId: string, event: string) =>
    create(RunOriginSchema, {
      cause: { case: 'webhook', value: { repositoryId, name: 'hub', sender: 'ada' } },
      git: { event },
    })
  expect(triggerOf(origin('r', 'pull_request'))).toBe('pull_request')
  expect(triggerOf(origin('', 'push'))).toBe('webhook')
  expect(starterOf(origin('r', 'push')).name).toBe('ada')
})

const graphOf = (rest: string) => {
  const { graph, problems } = parsePipeline(`name: x\n${rest}`)
  return { graph, said: problems.map(({ message }) => message) }
}

describe('changed()', () => {
  test('every list that is asked is found, once', () => {
    const { graph, said } = graphOf(`env: { A: '\${{ changed("env/**") }}' }
concurrency: { group: '\${{ changed("group") ? "a" : "b" }}' }
defaults: { env: { D: '\${{ changed("defaults") }}' } }
templates: { t: { steps: { s: { run: x, when: 'changed("t/**") || changed("src/**", "!docs/**")' } } } }
steps:
  a: { run: 'echo \${{ changed("run") }}', when: 'changed("src/**", "!docs/**") && changed("b")' }
  c: { needs: [{ step: a, if: 'changed("edge")' }], uses: template, with: { template: t } }
`)
    expect(said).toEqual([])
    expect(
      changedPatterns(graph)
        .map((list) => list.join(' '))
        .sort(),
    ).toEqual(['b', 'defaults', 'edge', 'env/**', 'group', 'run', 'src/** !docs/**', 't/**'].sort())
  })

  test.each([
    ['changed()', 'written out'],
    ['changed(inputs.a)', 'written out'],
    ['changed("a", 1)', 'written out'],
    ['changed(["a"])', 'written out'],
    ['"a".changed("b")', 'written out'],
    ['changed("[a")', 'square bracket'],
    ['changed("/src/**")', '"src/**"'],
  ])('%s is refused', (when, why) => {
    const { said } = graphOf(`inputs: { a: { type: string } }\nsteps: { a: { run: x, when: '${when}' } }\n`)
    expect(said).toHaveLength(1)
    expect(said[0]).toContain(why)
  })

  test('is not for triggers', () => {
    const { said } = graphOf(
      `on: { push: { inputs: { a: '\${{ changed("x") }}' } } }\ninputs: { a: { type: string } }\nsteps: { a: { run: x } }\n`,
    )
    expect(said).toEqual(['changed() is for steps. A trigger names the files that start runs in paths.'])
  })

  test('is answered as the lists say, and only as far as that is known', () => {
    const sign = fc.constantFrom('a', 'b', '/', '*', '**', '!')
    const list = fc.array(
      fc.array(sign, { minLength: 1, maxLength: 3 }).map((signs) => signs.join('')),
      { minLength: 1, maxLength: 3 },
    )
    const path = fc.array(fc.constantFrom('a', 'b', '/'), { minLength: 1, maxLength: 3 }).map((signs) => signs.join(''))
    fc.assert(
      fc.property(fc.array(list, { maxLength: 3 }), fc.array(path, { maxLength: 4 }), (lists, paths) => {
        const all = matchChanged(lists, paths)
        const some = matchChanged(lists, paths, { complete: false })
        for (const each of lists) {
          expect(all[changedKey(each)]).toBe(paths.some((one) => matcher(each)(one)))
          expect(some[changedKey(each)]).toBe(all[changedKey(each)] || undefined)
        }
      }),
    )
  })
})

describe('hashFiles()', () => {
  test('every list that is asked is found, once, wherever expressions stand, and no list of changed()', () => {
    const { graph, said } = graphOf(`env: { A: '\${{ hashFiles("env/**") }}' }
outputs: { o: '\${{ hashFiles("out") }}' }
concurrency: { group: '\${{ hashFiles("group") }}' }
defaults: { env: { D: '\${{ hashFiles("defaults") }}' } }
templates: { t: { steps: { s: { run: x, when: 'hashFiles("t/**") != "" || changed("src/**")' } } } }
steps:
  a: { name: 'A \${{ hashFiles("name") }}', run: 'echo \${{ hashFiles("run") }}', when: 'hashFiles("a", "!b") != ""' }
  b: { matrix: { h: '\${{ [hashFiles("axis")] }}' }, run: 'echo \${{ matrix.h }}' }
  c: { needs: [{ step: a, if: 'hashFiles("a", "!b") != ""' }], uses: template, with: { template: t } }
`)
    expect(said).toEqual([])
    const found = atOnce(hashedPatterns(graph)).map((list) => list.join(' '))
    expect(found.sort()).toEqual(['a !b', 'axis', 'defaults', 'env/**', 'group', 'name', 'out', 'run', 't/**'])
    expect(changedPatterns(graph)).toEqual([['src/**']])
  })

  test.each([
    ['hashFiles() != ""', 'What hashFiles() is asked must be texts'],
    ['hashFiles(inputs.a) != ""', 'such as hashFiles("**/package-lock.json")'],
    ['hashFiles("[a") != ""', 'hashFiles() cannot be asked this. "[a" is no pattern: a square bracket'],
    ['hashFiles("/src/**") != ""', '"src/**"'],
    ['checksum("go.sum") != ""', 'hashFiles()'],
    ['fileExists("Dockerfile")', 'hashFiles() != ""'],
    ['exists("Dockerfile")', 'hashFiles() != ""'],
  ])('%s is refused', (when, why) => {
    const { said } = graphOf(`inputs: { a: { type: string } }\nsteps: { a: { run: x, when: '${when}' } }\n`)
    expect(said).toEqual([expect.stringContaining(why)])
  })

  test('is empty in a pipeline that nothing of a repository reaches, which is told', () => {
    const told = (on: string, when = 'hashFiles("a") != ""') =>
      noRepositoryProblems(graphOf(`${on}steps: { a: { run: x }, b: { run: x, when: '${when}' } }\n`).graph)
    expect(told('')).toMatchObject([
      { severity: Severity.WARNING, stepId: 'b', field: 'when', message: expect.stringContaining('kept in AnsFlow') },
    ])
    expect(told('on: { push: true }\n')).toEqual([])
    expect(told('', 'changed("a")')).toEqual([])
  })

  test('is not for triggers, and not for more lists than are looked up', () => {
    const trigger = `on: { push: { inputs: { a: '\${{ hashFiles("x") }}' } } }\ninputs: { a: { type: string } }\n`
    expect(graphOf(`${trigger}steps: { a: { run: x } }\n`).said).toEqual([
      'hashFiles() is for steps: what a trigger gives to a run is known before anybody looks at the files of its commit.',
    ])
    const many = Array.from({ length: limits.changedLists + 1 }, (_, i) => `\${{ hashFiles("${i}") }}`).join(' ')
    expect(graphOf(`steps: { a: { run: 'echo ${many}' } }\n`).said).toEqual([
      'The pipeline asks hashFiles() of more than 200 lists of files.',
    ])
  })
})
