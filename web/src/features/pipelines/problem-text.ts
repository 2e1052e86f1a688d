// A problem in the reader's language: by its code where we have the sentence, else as the validator said it.
import type { Problem } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { i18n } from '../../i18n.ts'

export function problemText(problem: Problem): string {
  const key = `pipelines.problem.${problem.code}`
  const { t, te } = i18n.global
  return problem.code && te(key) ? t(key, { ...problem.params, message: problem.message }) : problem.message
}
