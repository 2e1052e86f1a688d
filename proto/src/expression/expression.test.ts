// Expressions: what they see, what they may do, and how they fail.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  compileExpression,
  type ExpressionContext,
  evaluate,
  evaluateCondition,
  functionNames,
  interpolate,
  interpolateValue,
  references,
} from '../expression.ts'
import { saidText } from '../texts/said-text.ts'
import { environment, macroNames } from './language.ts'

const context: ExpressionContext = {
  inputs: {
    level: 'a',
    count: 3,
    rate: 0.5,
    deploy: true,
    list: ['x', 'y'],
    long: 'ab'.repeat(5000),
    huge: 'a'.repeat(200_000),
  },
  env: { NODE_ENV: 'test' },
  vars: { LEVEL: 'info' },
  git: { branch: 'main' },
  run: { id: 'r1', number: 7 },
  steps: {
    build: { status: 'succeeded', outputs: { digest: 'd1' } },
    'my-step': { status: 'failed', outputs: {} },
  },
  needs: { success: true, failure: false, canceled: false },
}
const needs = (success: boolean, failure = false, canceled = false) => ({
  ...context,
  needs: { success, failure, canceled },
})

describe('evaluate', () => {
  it.each<[string, unknown]>([
    ['inputs.level == "a" && success()', true],
    ['inputs.count + 1', 4],
    ['vars.LEVEL + vars.NOT_THERE', 'info'],
    ['vars["LEVEL"] == "info" && vars.NOT_THERE == ""', true],
    ['inputs.count * 2 - inputs.rate', 5.5],
    ['inputs.count % 2 == 1', true],
    ['1 + 2', 3],
    ['7 / 2', 3],
    ['inputs.count / 2', 1.5],
    ['steps.build.outputs.digest', 'd1'],
    ['steps["my-step"].status', 'failed'],
    ['has(steps.build.outputs.other)', false],
    ['has(inputs.level)', true],
    ['git.branch.startsWith("ma")', true],
    ['git.tag', ''],
    ['run.number', 7],
    ['env.NODE_ENV', 'test'],
    ['inputs.deploy ? "yes" : "no"', 'yes'],
    ['inputs.list.exists(x, x == "y")', true],
    ['inputs.list.map(x, x + "!")', ['x!', 'y!']],
    ['{"a": [1, 2.5, null]}', { a: [1, 2.5, null] }],
    ['"x" in inputs.list', true],
    ['size(inputs.list)', 2],
    ['"A,b".lowerAscii().split(",")', ['a', 'b']],
    ['inputs.list.join(" ") + [1, true].join()', 'x y1true'],
    ['"a/b/c".replace("/", "--")', 'a--b--c'],
    ['9007199254740993', '9007199254740993'],
    ['string(inputs.count)', '3'],
  ])('%s', (cel, value) => {
    const { expression, error } = compileExpression(cel)
    expect(error).toBeUndefined()
    expect(evaluate(expression!, context)).toEqual(value)
  })

  it.each([
    ['inputs.level ==', 'mistake at character'],
    ['(1', 'ends too early'],
    ['"a', 'mistake at character 1'],
    ['', 'empty'],
    ['x'.repeat(5000), 'longer than 4096'],
    ['version == 1', 'There is no "version" in expressions'],
    ['input.a', 'Did you mean "inputs"?'],
    ['secrets.A', 'read $NAME in its script'],
    ['succes()', 'Did you mean "success"?'],
    ['inputs.a.format(["b"])', 'There is no function format()'],
    ['steps.http-request.outputs.x == "1"', 'hyphen is read as minus. Write steps["http-request"].outputs.x.'],
    ['steps.a-b-c.status', 'Write steps["a-b-c"].status.'],
    ['steps.part-2.status == ""', 'In steps.part-2.status the hyphen is read as minus. Write steps["part-2"].status.'],
    ['steps.part-2nd.status', 'Write steps["part-2nd"].status.'],
    ['inputs.my-name', 'Write inputs["my-name"].'],
    ['env.a-b + "x-y"', 'Write env["a-b"].'],
    ['steps.build.outputs.my-out', 'Write steps.build.outputs["my-out"].'],
    ['git.branch.matches("^ma.n$")', 'matches() is not available in this version'],
    ['ansflow_round(1)', 'There is no function ansflow_round()'],
    ['google.protobuf.Struct{}', 'no type'],
    ['('.repeat(4000), 'The expression'],
  ])('does not compile %j', (cel, message) => {
    expect(saidText(compileExpression(cel).error!)).toContain(message)
  })

  it.each([
    ['inputs.missing', 'inputs.missing has no value'],
    ['inputs.count + "a"', '+ does not work on double, string'],
    ['inputs.constructor', 'has no value'],
    ['inputs.__proto__', 'has no value'],
    ['steps.build.outputs.toString', 'has no value'],
    ['steps.build.outputs.url', 'because build has not set it. A script sets it with a line url=value in the file'],
    ['1 / 0', 'divide by zero'],
    ['[["a"]].join(" ")', 'join() takes a list of texts, numbers and true or false'],
    ['"abc".replace("", "x")', 'replace() is asked for an empty text'],
    [`"${'a'.repeat(40)}"${'.replace("a", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")'.repeat(5)}`, 'grows too large'],
    [`inputs.list.map(x, inputs.long).map(x, [x, x, x, x, x, x, x, x].join(x)).join("")`, 'grows too large'],
  ])('fails with a sentence: %s', (cel, message) => {
    expect(() => evaluate(cel, context)).toThrow(message)
  })

  it('knows every function it names', () => {
    const missing = functionNames.filter((name) => environment.funcs.find(name) === undefined)
    expect(missing).toEqual([])
    expect(macroNames.length).toBeGreaterThan(0)
  })
})

describe('limits', () => {
  const started = () => performance.now()
  /** A thousand texts. */
  const many = `"${'a,'.repeat(999)}a".split(",")`
  it.each([
    [
      'nested loops',
      '[1,2,3,4,5,6,7,8,9,10]'.concat('.map(x, [1,2,3,4,5,6,7,8,9,10]'.repeat(8), '.map(y, y)', ')'.repeat(8)),
    ],
    ['doubling texts', `["aaaaaaaa"]${'.map(x, x + x)'.repeat(60)}`],
    ['doubling lists', `[[1]]${'.map(x, x + x)'.repeat(60)}`],
    ['shared lists', `[1]${'.map(x, [x, x])'.repeat(100)} == [1]`],
    ['shared maps', `[{"a": 1}]${'.map(x, {"a": x, "b": x})'.repeat(80)}`],
    ['loops behind an error', `${many}.exists(x, inputs.huge.replace("a", "b") == x)`],
    ['loops behind an error of each', `${many}.all(x, inputs.huge.split("").size() > 0)`],
    ['long texts compared', `inputs.list.all(x, ${Array(200).fill('inputs.long').join(' + ')} != x)`],
  ])('%s end quickly', (_, cel) => {
    const at = started()
    const { expression } = compileExpression(cel)
    if (expression !== undefined) {
      try {
        evaluate(expression, context)
      } catch (error) {
        expect((error as Error).name).toBe('ExpressionError')
      }
    }
    expect(started() - at).toBeLessThan(2000)
  })
})

describe('evaluateCondition', () => {
  it('is about success unless it asks', () => {
    expect(evaluateCondition('inputs.level == "a"', needs(true))).toBe(true)
    expect(evaluateCondition('inputs.level == "a"', needs(false, true))).toBe(false)
    expect(evaluateCondition('inputs.missing == 1', needs(false))).toBe(false)
    expect(evaluateCondition('always()', needs(false, true, true))).toBe(true)
    expect(evaluateCondition('failure() && inputs.count > 2', needs(false, true))).toBe(true)
    expect(evaluateCondition('canceled()', needs(false, false, true))).toBe(true)
    expect(evaluateCondition('success() || failure()', needs(false, false, true))).toBe(false)
  })

  it('must be true or false', () => {
    expect(() => evaluateCondition('inputs.level', context)).toThrow('must be true or false, but it is "a"')
  })
})

describe('references', () => {
  const of = (cel: string) => references(compileExpression(cel).expression!)
  it('are what is written out', () => {
    expect(of('steps["a-b"].outputs.x == inputs["y"] && has(env.Z)')).toEqual([
      { root: 'steps', path: ['a-b', 'outputs', 'x'], dynamic: false },
      { root: 'inputs', path: ['y'], dynamic: false },
      { root: 'env', path: ['Z'], dynamic: false },
    ])
    expect(of('inputs.list.map(x, x + git.tag)').map((each) => each.root)).toEqual(['inputs', 'git'])
    expect(of('steps[inputs.a].status')).toEqual([
      { root: 'inputs', path: ['a'], dynamic: false },
      { root: 'steps', path: [], dynamic: true },
    ])
  })
})

describe('interpolate', () => {
  it.each([
    ['plain $HOME ${X}', 'plain $HOME ${X}'],
    ['v${{ inputs.count }}-${{inputs.deploy}}', 'v3-true'],
    ['$${{ kept }} ${{ 1 }}', '${{ kept }} 1'],
    ['${{ "}}" }}', '}}'],
    ["${{ '\\'}}' + \"x\" }}", "'}}x"],
    ["${{ {'a': {'b': 1}} }}", '{"a":{"b":1}}'],
    ['${{ r"\\" }}', '\\'],
    ['${{ null }}', ''],
    ['${{ inputs.list }}', '["x","y"]'],
    ['${{ """a"}}b""" }}', 'a"}}b'],
  ])('%j', (text, value) => {
    expect(interpolate(text, context)).toBe(value)
  })

  it('keeps the type of an expression alone', () => {
    expect(interpolateValue('${{ inputs.count }}', context)).toBe(3)
    expect(interpolateValue(' ${{ inputs.count }}', context)).toBe(' 3')
  })

  it('fails with a sentence', () => {
    expect(() => interpolate('a ${{ inputs.x', context)).toThrow('never closed')
    expect(() => interpolate('a ${{ nope }}', context)).toThrow('There is no "nope"')
    expect(() => interpolate('${{ inputs.long }}'.repeat(200), context)).toThrow('longer than 1 MiB')
  })

  it('leaves every text without ${{ as it is, and any other answers or says why', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('${{', '}}', '"', "'", '$', '{', '}', '\\', 'inputs.count', ' ', 'x', 'r')),
        (parts) => {
          const text = parts.join('')
          try {
            const result = interpolate(text, context)
            if (!text.includes('${{')) expect(result).toBe(text)
          } catch (error) {
            expect((error as Error).name).toBe('ExpressionError')
          }
        },
      ),
    )
  })
})
