// Random pipelines for property tests: everything the file can say, meaningful or not.
import {
  InputType,
  NeedKind,
  type PipelineGraph,
  PipelineGraphSchema,
  RetryOn,
} from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { fromJson, type JsonValue } from '@bufbuild/protobuf'
import * as fc from 'fast-check'
import type { Choice } from './fields/kinds.ts'
import { pipelineFields } from './fields/pipeline-fields.ts'
import { inheritedFields, type StepField, stepFields } from './fields/step-fields.ts'
import { triggerFields } from './fields/trigger-fields.ts'
import { numberProblem } from './number.ts'

// Texts YAML is known to read otherwise, besides random ones.
const awkward = [
  '',
  ' ',
  'yes',
  'null',
  '~',
  '1.10',
  '0o17',
  '1e3',
  '- a',
  '# no comment',
  'a: b',
  'a #b',
  '{x}',
  '[x]',
  '"q"',
  "it's",
  '*x',
  '&x',
  '!t',
  '%d',
  '@at',
  '`t',
  '|',
  '> x',
  'line\nline\n',
  '\n',
  '  lead\nx',
  'trail \n\n\n',
  'tab\there',
  'cr\r\nlf\r\n',
  '中文 🎉',
  '---',
  '...',
  '${{ inputs.a }}',
  '<<',
  'true',
  '2024-01-01',
  '\u2028x',
]

export const someText = fc.oneof(
  fc.constantFrom(...awkward),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.array(fc.string({ unit: 'grapheme-ascii', maxLength: 12 }), { maxLength: 4 }).map((lines) => lines.join('\n')),
)
const word = fc.stringMatching(/^[a-z][a-z0-9_-]{0,6}$/)
const name = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,5}$/)
const duration = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 90_000_000 }))
const env = fc.uniqueArray(fc.record({ name, value: someText }), { selector: (pair) => pair.name, maxLength: 3 })
const words = fc.uniqueArray(word, { maxLength: 3 })
const condition = fc.constantFrom(
  '',
  'always()',
  "inputs.a == 'x'",
  'changed("src/**", "!*.md")',
  'hashFiles("**/*.lock", "!vendor/**") != ""',
  '"}}" == "a: b #c"',
  'has(inputs.b) && 1 < 2',
)

const json: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    someText,
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => numberProblem(n) === undefined),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(word, tie('value'), { maxKeys: 3 }),
  ),
})).value

const input = fc
  .record({
    name: word,
    description: someText,
    required: fc.boolean(),
    kind: fc.oneof(
      fc.record({ type: fc.constant(InputType.STRING), defaultValue: fc.option(someText) }),
      fc.record({ type: fc.constant(InputType.NUMBER), defaultValue: fc.option(fc.integer()) }),
      fc.record({ type: fc.constant(InputType.BOOLEAN), defaultValue: fc.option(fc.boolean()) }),
      fc.record({
        type: fc.constant(InputType.CHOICE),
        options: fc.uniqueArray(
          someText.filter((each) => each !== ''),
          { minLength: 1, maxLength: 3 },
        ),
        defaultValue: fc.option(someText),
      }),
    ),
  })
  .map(({ kind, ...rest }) => {
    const { defaultValue, ...type } = kind
    return { ...rest, ...type, ...(defaultValue === null ? {} : { defaultValue }) }
  })

const action = fc.oneof(
  fc.record({ uses: fc.constantFrom('custom', 'build', 'test'), with: fc.record({ script: someText }) }),
  fc.record({
    uses: fc.constantFrom('custom', 'test'),
    with: fc.record({ script: someText, shell: fc.constantFrom('sh', 'bash'), workingDirectory: word }),
  }),
  fc.record({
    uses: fc.constant('fetch_code'),
    with: fc.record({ url: someText, depth: fc.nat(9), submodules: fc.boolean() }),
  }),
  fc.record({ uses: word, with: fc.dictionary(fc.stringMatching(/^x[a-z0-9 :#-]{0,5}$/), json, { maxKeys: 3 }) }),
)

const retry = fc.record({
  max: fc.integer({ min: 1, max: 20 }),
  delayMs: duration,
  backoff: fc.constantFrom(0, 1, 1.5, 2),
  jitter: fc.constantFrom(0, 0, 0.2, 1),
  on: fc.uniqueArray(fc.constantFrom(RetryOn.FAILED, RetryOn.TIMEOUT, RetryOn.LOST)),
})

const someSchedules = fc.uniqueArray(
  fc.record(
    {
      name: fc.oneof(fc.constant(''), word),
      cron: fc.constantFrom('0 3 * * *', '*/5 9-17 * * 1-5', '@daily', 'never'),
      timezone: fc.constantFrom('', 'UTC', 'Asia/Shanghai', 'nowhere'),
      inputs: fc.dictionary(word, fc.oneof(fc.boolean(), fc.integer(), word)),
      catchUp: fc.constantFrom(0, 1, 2),
    },
    { requiredKeys: ['cron'] },
  ),
  { selector: ({ name, cron }) => name || cron, maxLength: 3 },
)

const given = fc.dictionary(word, fc.oneof(fc.boolean(), fc.integer(), word, fc.constant('${{ outputs.a }}')))
const someRunTriggers = fc.array(
  fc.record({
    pipeline: word,
    results: fc.uniqueArray(fc.constantFrom(1, 2, 3, 4), { maxLength: 2 }),
    branches: words,
    inputs: given,
  }),
  { maxLength: 2 },
)
const someWebhook = fc.record({
  filter: fc.constantFrom('', "body.ref == 'x'", 'has(headers.a)'),
  headers: words,
  deliveryHeader: fc.oneof(fc.constant(''), word),
  signatureHeader: fc.oneof(fc.constant(''), word),
  inputs: given,
})

const globs = fc.uniqueArray(fc.oneof(fc.constantFrom('main', 'src/**', '!docs/**', '{a,b}', 'v[0-9]*'), someText), {
  maxLength: 3,
})
const reportGlobs = fc.uniqueArray(fc.constantFrom('a.xml', '**/*.xml', '!b/**', '${{ inputs.a }}.info'), {
  maxLength: 3,
})
const gitInputs = fc.dictionary(word, fc.oneof(fc.boolean(), fc.integer(), word, fc.constant('${{ git.branch }}')))
const ofRepositories = { repositories: globs, inputs: gitInputs }
const somePush = fc.record({ branches: globs, tags: globs, paths: globs, messages: globs, ...ofRepositories })
const somePullRequest = fc.record({
  types: fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 3 }),
  branches: globs,
  paths: globs,
  labels: globs,
  drafts: fc.boolean(),
  ...ofRepositories,
})
const someComments = fc.array(fc.record({ command: word, ...ofRepositories }), { maxLength: 2 })
const someRelease = fc.record({
  types: fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { maxLength: 2 }),
  tags: globs,
  ...ofRepositories,
})

export const stepId = fc.oneof(word, fc.stringMatching(/^[0-9]{1,3}$/))

const needs = fc.uniqueArray(
  fc.record({ stepId, kind: fc.constantFrom(NeedKind.SUCCESS, NeedKind.FAILURE, NeedKind.ALWAYS), condition }),
  { selector: (need) => need.stepId, maxLength: 3 },
)

const axisName = fc.stringMatching(/^[a-z]{1,4}$/)
const scalar = fc.oneof(someText, fc.integer(), fc.boolean())
const entry = fc.dictionary(axisName, scalar, { minKeys: 1, maxKeys: 2 })
const listFrom = fc.constantFrom('${{ fromJSON(inputs.a) }}', '${{ [1, 2] }}')
const matrix = fc
  .record({
    axes: fc.uniqueArray(
      fc.oneof(
        fc.record({ name: axisName, values: fc.array(scalar, { minLength: 1, maxLength: 3 }) }),
        fc.record({ name: axisName, from: listFrom }),
      ),
      { selector: ({ name }) => name, minLength: 1, maxLength: 3 },
    ),
    include: fc.oneof(fc.array(entry, { maxLength: 2 }), listFrom),
    exclude: fc.oneof(fc.array(entry, { maxLength: 2 }), listFrom),
    maxParallel: fc.nat(3),
    failFast: fc.option(fc.boolean(), { nil: undefined }),
  })
  .map(({ include, exclude, failFast, ...rest }) => ({
    ...rest,
    ...(typeof include === 'string' ? { includeFrom: include } : { include }),
    ...(typeof exclude === 'string' ? { excludeFrom: exclude } : { exclude }),
    ...(failFast !== undefined && { failFast }),
  }))

const concurrency = fc.record({
  group: someText,
  limit: fc.integer({ min: 1, max: 3 }),
  queue: fc.constantFrom(0, 1, 2),
  cancelInProgress: fc.boolean(),
})

/** All locks stand in one of the two fields, as the file says them. */
const limitedLocks = fc
  .uniqueArray(fc.record({ name: someText, limit: fc.integer({ min: 1, max: 3 }) }), {
    selector: ({ name }) => name,
    maxLength: 3,
  })
  .filter((all) => all.some(({ limit }) => limit > 1) && all.every(({ name }) => name !== ''))

/** Values of a field by its kind, meaningful or not. */
function someValue(kind: StepField['kind']): fc.Arbitrary<unknown> {
  const kinds: Record<typeof kind.name, () => fc.Arbitrary<unknown>> = {
    text: () => someText,
    lines: () => someText,
    condition: () => condition,
    flag: () => fc.boolean(),
    integer: () => fc.integer({ min: -3, max: 3 }),
    duration: () => duration,
    words: () => words,
    choice: () =>
      fc.constantFrom(0, ...(kind as unknown as Choice).words.map((w) => (kind as unknown as Choice).value(w))),
    retry: () => fc.option(retry, { freq: 3, nil: undefined }),
    needs: () => needs,
    env: () => env,
    durationExpression: () => fc.constantFrom('', '', '${{ inputs.a }}'),
    matrix: () => fc.option(matrix, { freq: 3, nil: undefined }),
    schedules: () => someSchedules,
    outputs: () => env,
    defaults: () => fc.option(someDefaults, { freq: 3, nil: undefined }),
    runTriggers: () => someRunTriggers,
    webhook: () => fc.option(someWebhook, { freq: 3, nil: undefined }),
    push: () => fc.option(somePush, { freq: 3, nil: undefined }),
    pullRequest: () => fc.option(somePullRequest, { freq: 3, nil: undefined }),
    comments: () => someComments,
    release: () => fc.option(someRelease, { freq: 3, nil: undefined }),
    refusal: () => fc.constantFrom(false, undefined),
    concurrency: () => fc.option(concurrency, { freq: 3, nil: undefined }),
    locks: () => words,
    limitedLocks: () => fc.oneof(fc.constant([]), limitedLocks),
    templates: () => someTemplates,
    includes: () => someIncludes,
    reports: () =>
      fc.option(
        fc
          .record({ junit: reportGlobs, coverage: reportGlobs })
          .filter((each) => each.junit.length + each.coverage.length > 0),
        { freq: 3, nil: undefined },
      ),
    environment: () => fc.option(fc.record({ name: someText, url: someText }), { freq: 3, nil: undefined }),
  }
  return kinds[kind.name]()
}

function fieldsOf(fields: readonly { of: string; kind: StepField['kind'] }[]): fc.Arbitrary<object> {
  return fc
    .record(Object.fromEntries(fields.map((field) => [field.of, someValue(field.kind)])))
    .map((found) => Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined)))
}

const someDefaults = fc
  .tuple(
    fieldsOf(inheritedFields).map((fields) => withOneOfAKey(fields)),
    fc.constantFrom('', 'bash', 'pwsh'),
  )
  .map(([fields, shell]) => ({ ...fields, ...(shell && { with: { shell } }) }))

/** Of a template that is there or not. */
const use = fc.record({
  id: stepId,
  uses: fc.constant('template'),
  with: fc.record({ template: word, params: fc.dictionary(word, someText, { maxKeys: 2 }) }),
})

const step = fc
  .record({ id: stepId, action, fields: fieldsOf(stepFields) })
  .map(({ id, action: chosen, fields }) => ({ id, ...withOneOfAKey(fields), ...chosen }))

const someTemplates = fc.uniqueArray(
  fc.record({
    name: word,
    description: someText,
    params: fc.uniqueArray(input, { selector: (each) => each.name, maxLength: 2 }),
    steps: fc.uniqueArray(fc.oneof(step, use), { selector: (each) => each.id, maxLength: 3 }),
    outputs: env,
  }),
  { selector: ({ name: each }) => each, maxLength: 2 },
)

const someIncludes = fc.array(
  fc.record({
    file: fc.oneof(fc.constant(''), someText),
    pipeline: fc.oneof(fc.constant(''), word),
    version: fc.nat(9),
  }),
  { maxLength: 3 },
)

interface FieldsOfAKey {
  timeoutMs?: number
  timeoutExpression?: string
  locks?: string[]
  limitedLocks?: object[]
}

function withOneOfAKey(fields: FieldsOfAKey): object {
  return {
    ...fields,
    ...(fields.timeoutExpression && { timeoutMs: 0 }),
    ...(fields.limitedLocks?.length && { locks: [] }),
  }
}

export const someGraph: fc.Arbitrary<PipelineGraph> = fc
  .record({
    fields: fieldsOf(pipelineFields as never),
    inputs: fc.uniqueArray(input, { selector: (each) => each.name, maxLength: 3 }),
    steps: fc.uniqueArray(fc.oneof({ weight: 6, arbitrary: step }, use), { selector: (each) => each.id, maxLength: 5 }),
    triggers: fc.option(
      fc.tuple(fc.boolean(), fieldsOf(triggerFields as never)).map(([manual, fields]) => ({ manual, ...fields })),
      { freq: 3 },
    ),
  })
  .map(({ triggers, fields, ...rest }) =>
    fromJson(PipelineGraphSchema, {
      ...fields,
      ...rest,
      ...(triggers === null ? {} : { triggers }),
    } as unknown as JsonValue),
  )
