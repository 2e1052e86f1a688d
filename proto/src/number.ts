// Numbers that people write: kept exactly as they stand, or refused with what would become of them.
import { type Said, say } from './texts/say.ts'

/** What is wrong with a number that came as one, undefined when nothing is. */
export function numberProblem(value: number): Said | undefined {
  if (!Number.isFinite(value)) return say('number_finite', { number: value })
  if (Object.is(value, -0)) return say('number_minus')
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    return say('number_unsafe', { least: -Number.MAX_SAFE_INTEGER, most: Number.MAX_SAFE_INTEGER })
  }
  return undefined
}

/** The same for a number as it is written, whose digits must not change either. */
export function writtenNumberProblem(text: string): Said | undefined {
  const parts = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text)
  if (parts === null || `${parts[2]}${parts[3]}` === '' || /^[+-]?0\d/.test(text)) {
    return say('number_written', { number: text })
  }
  const value = Number(text)
  const problem = numberProblem(value)
  if (problem !== undefined) return problem
  if (digitsOf(text) === digitsOf(String(value))) return undefined
  return say('number_digits', { number: text, become: value })
}

/** The digits that count, and where the point stands among them: the same for 1.50, 1.5 and 15e-1. */
function digitsOf(text: string): string {
  const [, whole = '', fraction = '', exponent = '0'] = /^[+-]?(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text) ?? []
  const all = whole + fraction
  const digits = all.replace(/^0+/, '')
  if (digits.replace(/0+$/, '') === '') return '0'
  const point = whole.length - (all.length - digits.length) + Number(exponent)
  return `${digits.replace(/0+$/, '')}@${point}`
}
