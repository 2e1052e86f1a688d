// The step types: that each is whole, and what their parameters let through to an agent.
import { describe, expect, it } from 'vitest'
import { titled } from '../problem-text.ts'
import { saidText } from '../texts/said-text.ts'
import { gitRefProblem, gitUrlProblem } from './git-url.ts'
import { isExpected } from './http-request.ts'
import { outputsOf, stepType, stepTypes, unknownStepType, validateParams } from './index.ts'
import { valueAt } from './json-pointer.ts'
import { isInsidePath } from './path.ts'
import { fillSecrets, markSecrets } from './secret-marks.ts'

const problems = (type: string, params: Record<string, never> | object, resolved = false) =>
  validateParams(stepType(type)!, params as never, resolved).map(
    ({ field, said }) => `${field}: ${saidText(said, 'en', titled('en'))}`,
  )

const ctx = { stepId: 's', now: new Date('2030-01-01T00:00:00Z') }

describe('step types', () => {
  it.each([...stepTypes.values()].map((type) => [type.id, type] as const))('%s is whole', (id, type) => {
    expect(type.id).toBe(id)
    expect(type.icon).toMatch(/^[a-z0-9-]+$/)
    const texts = [type.title, type.description]
    for (const [name, param] of Object.entries(type.params.properties)) {
      texts.push(param['x-text'].title, param['x-text'].help, ...Object.values(param['x-enum-text'] ?? {}))
      if (param.default !== undefined)
        expect(problems(id, { [name]: param.default }).filter((each) => each.startsWith(`${name}:`))).toEqual([])
    }
    for (const each of texts) {
      expect(each.en.trim()).not.toBe('')
      expect(each['zh-CN'].trim()).not.toBe('')
    }
    const orders = Object.values(type.params.properties).map((param) => param['x-order'])
    expect(new Set(orders).size).toBe(orders.length)
    expect(type.aliases.length).toBeGreaterThan(0)
    expect(type.summary(type.defaults)).toBeTypeOf('string')
    expect(type.params.required.every((name) => Object.hasOwn(type.params.properties, name))).toBe(true)
  })

  it('compile to what agents run', () => {
    const script = { script: 'make', shell: 'bash', workingDirectory: 'sub' }
    for (const id of ['custom', 'build', 'test']) {
      expect(stepType(id)!.compile(script, ctx)).toEqual({
        by: 'agent',
        execution: { case: 'shell', value: script },
      })
    }
    expect(stepType('custom')!.compile({ script: 'x' }, ctx)).toMatchObject({
      execution: { value: { shell: 'sh' } },
    })
    const fetch = stepType('fetch_code')!.compile({ url: '/srv/a.git', depth: 1, passwordSecret: 'T' }, ctx)
    expect(fetch).toMatchObject({
      execution: { case: 'checkout', value: { url: '/srv/a.git', depth: 1, passwordSecret: 'T', clean: false } },
    })
  })

  it('do not compile what an input smuggled in', () => {
    const compile = (params: object) => () => stepType('fetch_code')!.compile(params as never, ctx)
    expect(compile({ url: 'ext::sh -c id ${{' })).toThrow('helper')
    expect(compile({ url: '/a', ref: '--upload-pack=x${{' })).toThrow('must not begin with "-"')
    expect(compile({ url: '/a', path: '../../etc' })).toThrow('inside the workspace')
    expect(compile({ url: '/a', depth: 'many' })).toThrow('depth must be a whole number')
    expect(() => stepType('custom')!.compile({ script: 'x', shell: '/bin/evil; x' }, ctx)).toThrow(
      'cannot be "/bin/evil; x"',
    )
  })

  it('write a number out where text is wanted', () => {
    expect(stepType('fetch_code')!.compile({ url: '/a', ref: 1.5 }, ctx)).toMatchObject({
      execution: { value: { ref: '1.5' } },
    })
  })

  it('name the unknown', () => {
    expect(saidText(unknownStepType('helm'))).toContain('not available in this version')
    expect(saidText(unknownStepType('tset'))).toContain('Did you mean "test"?')
    expect(saidText(unknownStepType('checkout'))).toContain('Did you mean "fetch_code"?')
  })
})

describe('validateParams', () => {
  it('accepts expressions anywhere, until they are resolved', () => {
    expect(
      problems('fetch_code', { url: '${{ inputs.url }}', depth: '${{ inputs.depth }}', ref: '-${{ inputs.ref }}' }),
    ).toEqual([])
    expect(problems('fetch_code', { url: '/a', depth: '${{' }, true)).toHaveLength(1)
  })

  it.each([
    ['custom', {}, 'script: Script is missing. For example: `echo "hello"`.'],
    ['custom', { script: '' }, 'script: Script is empty'],
    ['custom', { script: '\n' }, 'script: The script is empty'],
    ['custom', { script: 5 }, 'script: Script must be text, not 5'],
    ['custom', { script: 'x', shell: 'bash -c $(x)' }, 'shell: Shell cannot be "bash -c $(x)". For example: `sh`.'],
    [
      'custom',
      { script: 'x', workingDirectory: '/etc' },
      'workingDirectory: Working directory (workingDirectory) must be a relative path',
    ],
    ['custom', { script: 'é'.repeat(200_000) }, 'script: The script is longer than 256 KiB'],
    ['fetch_code', { url: '/a', depth: 1.5 }, 'depth: Depth must be a whole number'],
    ['fetch_code', { url: '/a', depth: -1 }, 'depth: Depth must be at least 0, not -1'],
    [
      'fetch_code',
      { url: '/a', submodules: 'yes' },
      'submodules: Submodules must be true or false, not the text "yes"',
    ],
    ['fetch_code', { url: '/a', passwordSecret: 'A-B' }, '(passwordSecret) cannot be "A-B". For example: `GIT_TOKEN`.'],
    ['fetch_code', { url: '/a', branch: 'main' }, 'branch: fetch_code has no parameter "branch"'],
    ['fetch_code', { url: '/a', username: 'a\nb' }, 'username: User name (username) must be one line'],
    ['http_request', { url: 'example.org' }, 'url: "example.org" is no address: write http://… or https://…'],
    ['http_request', { url: 'https://a:b@example.org' }, 'url: Leave user and password out'],
    ['http_request', { url: 'https://x', method: 'FETCH' }, 'method: Method must be one of GET'],
    [
      'http_request',
      { url: 'https://x', headers: ['a'] },
      'headers: Headers must be a map, not a list. For example: `{ Accept: application/json }`.',
    ],
    [
      'http_request',
      { url: 'https://x', headers: { 'a b': 'c' } },
      'headers: "a b" cannot be a name in Headers. For example: `Accept: application/json`.',
    ],
    ['http_request', { url: 'https://x', headers: { a: 1 } }, 'headers: Headers (headers.a) must be text, not 1'],
    ['http_request', { url: 'https://x', headers: { Host: 'y' } }, 'headers: Host is set by AnsFlow'],
    ['http_request', { url: 'https://x', headers: { a: 'b\nc' } }, 'headers: The header a must be one line'],
    ['http_request', { url: 'https://x', body: 'x' }, 'body: GET and HEAD have no body'],
    [
      'http_request',
      { url: 'https://x', expectStatus: ['2xx'] },
      'expectStatus: Expected status (expectStatus[0]) cannot be "2xx". For example: `200-299`.',
    ],
    [
      'http_request',
      { url: 'https://x', expectStatus: '200' },
      'expectStatus: Expected status (expectStatus) must be a list, not the text "200". For example: `["200-299"]`.',
    ],
    ['http_request', { url: 'https://x', outputs: { id: '$.id' } }, 'outputs: id must be a JSON Pointer'],
    [
      'http_request',
      { url: 'https://x', outputs: { 'a-b': '/id' } },
      'outputs: "a-b" cannot be a name in Outputs. For example: `id: /data/id`.',
    ],
    ['http_request', { url: 'https://x', timeout: '11m' }, 'timeout: One try may take at most 10m'],
    [
      'http_request',
      { url: 'https://x', retries: 11 },
      'retries: Tries after the first (retries) must be at most 10, not 11',
    ],
    ['wait', {}, 'duration: Say how long to wait, or until when'],
    ['wait', { duration: '1h', until: '2030-01-01T00:00:00Z' }, 'until: Say either how long'],
    ['wait', { duration: 'soon' }, 'duration: Write how long as'],
    ['wait', { duration: '31d' }, 'duration: That is longer than 30 days'],
    ['wait', { until: '2030-01-01' }, 'does not say in which time zone. Write Z for UTC'],
    ['wait', { until: '2030-01-01T09:00:00' }, 'an offset behind it: 2030-01-01T09:00:00Z, 2030-01-01T09:00:00+08:00'],
    [
      'wait',
      { until: '2030-13-01T09:00:00Z' },
      'until: "2030-13-01T09:00:00Z" is no moment. Write date, time and time zone',
    ],
  ])('%s %j', (type, params, message) => {
    const found = problems(type, params)
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(message)
  })
})

it('wait says its moment, or an expression does', () => {
  expect(problems('wait', { until: '2030-01-31T09:00:00+08:00' })).toEqual([])
  expect(problems('wait', { until: '${{ inputs.at }}' })).toEqual([])
  expect(stepType('wait')!.compile({ duration: '90s' }, ctx)).toEqual({
    by: 'clock',
    until: new Date('2030-01-01T00:01:30Z'),
  })
})

describe('approval', () => {
  const whom = { approvers: ['role:maintainer'] }

  it.each([
    [{ approvers: [] }, 'approvers: Say who may approve'],
    [{ approvers: ['team:web'] }, 'approvers: There are no teams in this version, so "team:web" is nobody.'],
    [{ approvers: ['maintainer'] }, 'approvers: "maintainer" is no approver. Write role:maintainer'],
    [{ approvers: ['user:ada'] }, 'approvers: "user:ada" is no approver.'],
    [{ approvers: ['role:maintaner'] }, 'Did you mean "maintainer"?'],
    [
      { approvers: ['user:a@example.org', 'user:A@example.org'], required: 2 },
      'approvers: 2 have to approve, but only one person is named.',
    ],
    [{ ...whom, required: 0 }, 'required: How many (required) must be at least 1'],
    [{ ...whom, expires: 'soon' }, 'expires: Write how long as'],
    [{ ...whom, expires: '31d' }, 'expires: '],
    [{ ...whom, onExpiry: 'approve' }, 'onExpiry: Say under expires after how long'],
    [{ ...whom, fields: [{ name: 'a-b' }] }, 'fields: "a-b" cannot be the name of a field: use letters'],
    [{ ...whom, fields: [{ name: 'comment' }] }, 'it is an output that every approval has'],
    [{ ...whom, fields: [{ name: 'a' }, { name: 'a' }] }, 'fields: Two fields are called a.'],
    [{ ...whom, fields: [{ name: 'a', type: 'choice' }] }, 'fields: The field a is a choice: give it options.'],
    [{ ...whom, fields: [{ name: 'a', type: 'number', default: 'x' }] }, 'fields: The default of the field a:'],
    [
      { ...whom, fields: [{ name: 'a', required: true }], expires: '1h', onExpiry: 'approve' },
      'fields: The required field a needs a default',
    ],
  ])('refuses %j', (given, message) => {
    const found = problems('approval', given)
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(message)
  })

  it('says whom it asks what, for how long, and its outputs', () => {
    const fields = [{ name: 'why', label: 'Why?', required: true }]
    const given = { approvers: ['role:owner', '${{ inputs.who }}'], required: 2, expires: '1d', fields, message: 'Go?' }
    expect(problems('approval', given)).toEqual([])
    expect(stepType('approval')!.compile({ ...given, approvers: ['role:owner'] }, ctx)).toEqual({
      by: 'people',
      ask: {
        ...{ approvers: ['role:owner'], required: 2, selfApproval: false, message: 'Go?', fields },
        ...{ expiresMs: 86_400_000, onExpiry: 'reject' },
      },
    })
    expect(outputsOf({ uses: 'approval', with: given })).toEqual(['decision', 'decidedBy', 'comment', 'why'])
    expect(stepType('approval')!.summary(given)).toBe('2 × owner … · 1d')
  })
})

describe('http_request', () => {
  it('accepts expressions and secrets where they may stand', () => {
    const headers = { Authorization: 'Bearer ${TOKEN}', X: '${{ inputs.x }}' }
    const given = {
      url: '${HOOK}',
      method: '${{ inputs.m }}',
      body: 'x',
      headers,
      expectStatus: ['${{ inputs.s }}', '404'],
    }
    expect(problems('http_request', given)).toEqual([])
    expect(
      problems('http_request', { url: 'https://x', headers: { X: '${{' }, expectStatus: ['${{'] }, true),
    ).toHaveLength(1)
  })

  it('sets the outputs that its parameters name', () => {
    expect(outputsOf({ uses: 'http_request', with: { outputs: { id: '/id' } } })).toEqual(['status', 'id'])
  })

  it('writes numbers out where texts are wanted, at any depth', () => {
    const compiled = stepType('http_request')!.compile(
      { url: 'https://x', expectStatus: [200], headers: { a: 1 } },
      ctx,
    )
    expect(compiled).toMatchObject({ request: { expectStatus: ['200'], headers: { a: '1' } } })
  })

  it.each([
    [[], 204, true],
    [[], 304, false],
    [['200', '400-404'], 404, true],
    [['200', '400-404'], 405, false],
  ])('%j expects %d: %s', (expectStatus, status, expected) => {
    expect(isExpected({ expectStatus }, status)).toBe(expected)
  })
})

describe('a secret’s place', () => {
  const mark = '01-02'
  it('is filled only where the author wrote a name that the step has', () => {
    const marked = markSecrets({ a: ['x ${TOKEN} ${OTHER}'] }, ['TOKEN'], mark)
    expect(
      fillSecrets(
        marked,
        new Map([
          ['TOKEN', 'v'],
          ['OTHER', 'w'],
        ]),
        mark,
      ),
    ).toEqual({ a: ['x v ${OTHER}'] })
    expect(fillSecrets('${TOKEN} ${03-04:TOKEN}', new Map([['TOKEN', 'v']]), mark)).toBe('${TOKEN} ${03-04:TOKEN}')
  })
})

it.each([
  ['', { a: [1, { 'b/c': 'd', '~e': null }] }],
  ['/a/0', 1],
  ['/a/1/b~1c', 'd'],
  ['/a/1/~0e', null],
  ['/a/01', undefined],
  ['/a/-', undefined],
  ['/toString', undefined],
  ['/a/1/b~1c/0', undefined],
])('a pointer %j finds %j', (path, value) => {
  expect(valueAt({ a: [1, { 'b/c': 'd', '~e': null }] }, path)).toEqual(value)
})

describe('git addresses', () => {
  it.each([
    'https://git.example.com/a/b.git',
    'http://127.0.0.1:8418/hello.git',
    'https://user@git.example.com/a.git',
    'ssh://git@git.example.com:2222/a.git',
    'ssh://[::1]:22/a.git',
    'git@git.example.com:a/b.git',
    'file:///srv/git/a.git',
    '/srv/git/a.git',
    'https://git.example.com/示例/app.git',
  ])('accepts %s', (url) => {
    expect(gitUrlProblem(url)).toBeUndefined()
  })

  it.each([
    '',
    'ext::sh -c id',
    'ext::sh',
    'EXT::sh',
    'fd::17',
    '--upload-pack=x',
    '-oProxyCommand=x',
    'ssh://-oProxyCommand=x/a',
    'ssh://-x@host/a',
    'git@-oProxyCommand=x:a',
    'git@host:-a',
    '-x@host:a',
    'git://host/a',
    'ftp://host/a',
    'HTTPS://host/a',
    'https:///a',
    'https://user:secret@host/a',
    'https://host:99999/a',
    'file://host/a',
    '//host/a',
    'relative/path',
    'C:\\repo',
    'host:path',
    'https://ho st/a',
    'https://host/a\n--x',
    'https://host/a\0',
    `https://host/${'a'.repeat(3000)}`,
  ])('refuses %j', (url) => {
    expect(saidText(gitUrlProblem(url)!)).toMatch(/\.$/)
  })

  it.each(['main', 'feature/x', 'v1.2.0', 'refs/tags/v1', '0123456789abcdef0123456789abcdef01234567', 'HEAD', '功能'])(
    'accepts ref %s',
    (ref) => {
      expect(gitRefProblem(ref)).toBeUndefined()
    },
  )

  it.each([
    '-h',
    '--x',
    'a b',
    'a..b',
    'a:b',
    'a~1',
    'a^',
    '@{u}',
    'a.lock',
    '/a',
    'a/',
    '.a',
    'a//b',
    'a\nb',
    'a\0',
    '*',
  ])('refuses ref %j', (ref) => {
    expect(saidText(gitRefProblem(ref)!)).toMatch(/\.$/)
  })

  it.each([
    ['', true],
    ['web', true],
    ['a/../b', false],
    ['..', false],
    ['/etc', false],
    ['-x', false],
    ['C:\\x', false],
    ['a\\..\\b', false],
    ['~root', false],
    ['a..b/c', true],
  ])('path %j: %s', (path, inside) => {
    expect(isInsidePath(path)).toBe(inside)
  })
})
