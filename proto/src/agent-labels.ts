// Labels of agents: the one rule for an agent's settings, for what people give it, and for `runsOn`.
import { limits, patterns } from './limits.ts'
import { shortText } from './texts/parts.ts'
import { type Said, say } from './texts/say.ts'

/** Node's words for operating systems and processors: every agent says its own of itself, so nobody can be given them. */
const hostWords = new Set(
  (
    'aix android darwin freebsd haiku linux openbsd sunos win32 cygwin netbsd ' +
    'arm arm64 ia32 loong64 mips mipsel ppc ppc64 riscv64 s390 s390x x64'
  ).split(' '),
)

/** What is wrong with the label; undefined: nothing. */
export function labelProblem(label: string): Said | undefined {
  return patterns.label.test(label) ? undefined : say('label', { word: shortText(label, 80) })
}

/** The same for all labels that an agent says of itself, or is given. */
export function labelsProblems(labels: readonly string[]): Said[] {
  const problems = labels.flatMap((label) => labelProblem(label) ?? [])
  if (labels.length > limits.labelsOfAnAgent) {
    problems.push(say('labels_many', { count: labels.length, most: limits.labelsOfAnAgent }))
  }
  return problems
}

export function givenLabelsProblems(labels: readonly string[]): Said[] {
  const ownWords = labels.filter((label) => hostWords.has(label))
  return [...labelsProblems(labels), ...ownWords.map((label) => say('label_of_host', { word: label }))]
}
