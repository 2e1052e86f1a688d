// Labels of agents: the one rule for an agent's settings, for what people give it, and for `runsOn`.
import { limits, patterns } from './limits.ts'

/** Node's words for operating systems and processors: every agent says its own of itself, so nobody can be given them. */
const hostWords = new Set(
  (
    'aix android darwin freebsd haiku linux openbsd sunos win32 cygwin netbsd ' +
    'arm arm64 ia32 loong64 mips mipsel ppc ppc64 riscv64 s390 s390x x64'
  ).split(' '),
)

/** English: what is wrong with the label; undefined: nothing. */
export function labelProblem(label: string): string | undefined {
  if (patterns.label.test(label)) return undefined
  const shown = JSON.stringify(label.length > 80 ? `${label.slice(0, 80)}…` : label)
  return `${shown} is no agent label: use letters, digits and . _ : / = - only, beginning with a letter or digit, at most 64.`
}

/** The same for all labels that an agent says of itself, or is given. */
export function labelsProblems(labels: readonly string[]): string[] {
  const problems = labels.flatMap((label) => labelProblem(label) ?? [])
  if (labels.length > limits.labelsOfAnAgent) {
    problems.push(`There are ${labels.length} labels; an agent may have ${limits.labelsOfAnAgent}.`)
  }
  return problems
}

export function givenLabelsProblems(labels: readonly string[]): string[] {
  const ownWords = labels.filter((label) => hostWords.has(label))
  return [
    ...labelsProblems(labels),
    ...ownWords.map((label) => `Agents say ${label} of themselves, so it cannot protect. Give another label.`),
  ]
}
