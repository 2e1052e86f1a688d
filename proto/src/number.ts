// Numbers that people write: kept exactly as they stand, or refused with what would become of them.

/** What is wrong with a number that came as one, as a sentence; undefined when nothing is. */
export function numberProblem(value: number): string | undefined {
  if (!Number.isFinite(value)) return `It must be a number, not ${value}.`
  if (Object.is(value, -0)) return 'It must be 0, not -0.'
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    return `Whole numbers are exact only from -${Number.MAX_SAFE_INTEGER} to ${Number.MAX_SAFE_INTEGER}. Make it text, or a smaller number.`
  }
  return undefined
}

/** The same for a number as it is written, whose digits must not change either. */
export function writtenNumberProblem(text: string): string | undefined {
  const parts = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text)
  if (parts === null || `${parts[2]}${parts[3]}` === '' || /^[+-]?0\d/.test(text)) {
    return `${text} is no number in plain decimal digits, such as 10 or 0.5. Write it so.`
  }
  const value = Number(text)
  const problem = numberProblem(value)
  if (problem !== undefined) return problem
  if (digitsOf(text) === digitsOf(String(value))) return undefined
  return `${text} would become ${value}. Write fewer digits, or make it text.`
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
