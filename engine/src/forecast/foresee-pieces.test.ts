// The pieces of a condition agree with the whole, whatever it says.
import { type ExpressionContext, ExpressionError, evaluate } from '@ansflow/proto/expression'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ForeseenPiece, type ForeseenValue, piecesOf } from './foresee-pieces.ts'

const context: ExpressionContext = {
  inputs: { yes: true, no: false, level: 'high', count: 3 },
  env: {},
  git: { branch: 'main' },
  run: {},
  steps: {},
  needs: { success: true, failure: false, canceled: false },
}

function given(source: string): ForeseenValue {
  try {
    return { source, value: evaluate(source, context), waitsFor: [], atStart: false }
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error
    return { source, waitsFor: [], atStart: false, problem: error.said }
  }
}
const pieces = (source: string) => piecesOf(given(source), given)
const told = (found: readonly ForeseenPiece[]) =>
  found.map(({ depth, kind, source, value, unasked }) =>
    [depth, kind === 'plain' ? source : kind, unasked ? 'unasked' : value].join(' '),
  )

describe('pieces of a condition', () => {
  it('are told one after the other, with what decides', () => {
    expect(told(pieces('git.branch == "main" && (inputs.no || !inputs.no || inputs.yes)'))).toEqual([
      '0 all true',
      '1 git.branch == "main" true',
      '1 any true',
      '2 inputs.no false',
      '2 not true',
      '3 inputs.no false',
      '2 inputs.yes unasked',
    ])
    expect(told(pieces('inputs.no && (inputs.yes || inputs.no)'))).toEqual([
      '0 all false',
      '1 inputs.no false',
      '1 any unasked',
    ])
  })

  it('say what they read', () => {
    const [whole, first] = pieces('git.branch.startsWith("ma") && inputs["level"] == "low"')
    expect(whole!.reads).toEqual([])
    expect(first!.reads).toEqual([{ source: 'git.branch', value: 'main' }])
    expect(pieces('inputs.yes')[0]!.reads).toEqual([])
  })

  it('are left out where they would be too many', () => {
    expect(pieces(Array(49).fill('inputs.yes').join(' && '))).toHaveLength(50)
    expect(pieces(Array(50).fill('inputs.yes').join(' && '))).toEqual([])
  })

  it('of what is not known yet all are looked at', () => {
    const open: ForeseenValue = { source: 'steps.a.outputs.x == "1" && inputs.no', waitsFor: ['a'], atStart: false }
    const ask = (source: string) => (source.startsWith('steps') ? { ...open, source } : given(source))
    expect(piecesOf(open, ask).map(({ value, waitsFor, unasked }) => [value, waitsFor, unasked])).toEqual([
      [undefined, ['a'], false],
      [undefined, ['a'], false],
      [false, [], false],
    ])
  })

  it('agree with the whole', () => {
    const leaf = fc.constantFrom(
      'inputs.yes',
      'inputs.no',
      'inputs.level == "high"',
      'inputs.count < 2',
      'inputs.none',
      'inputs.count',
    )
    const { condition } = fc.letrec<{ condition: string }>((tie) => ({
      condition: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc
          .tuple(tie('condition'), fc.constantFrom('&&', '||'), tie('condition'))
          .map(([a, by, b]) => `${a} ${by} ${b}`),
        tie('condition').map((inner) => `!(${inner})`),
        tie('condition').map((inner) => `(${inner})`),
      ),
    }))
    fc.assert(
      fc.property(condition, (source) => {
        const found = pieces(source)
        for (const [at, { value, problem, unasked, source: own, kind }] of found.entries()) {
          if (unasked) continue
          // Each has the value that its own text has; parts that are no booleans make the whole fail.
          const real = given(own)
          expect([own, value]).toEqual([own, real.value])
          if (kind === 'plain' || at === 0) expect([own, problem?.code]).toEqual([own, real.problem?.code])
        }
        expect(found[0]!.value).toEqual(given(source).value)
      }),
      { numRuns: 500 },
    )
  })
})
