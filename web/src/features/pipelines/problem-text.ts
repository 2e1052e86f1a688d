// A problem in the reader's language.
import type { Problem } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { problemText as inLanguage, titled } from '@ansflow/proto/problem-text'
import { saidText } from '@ansflow/proto/texts/said-text'
import type { Said } from '@ansflow/proto/texts/say'
import { currentLanguage } from '../../i18n.ts'

export function problemText(problem: Problem): string {
  return inLanguage(problem, currentLanguage())
}

export function textOfSaid(said: Said): string {
  return saidText(said, currentLanguage(), titled(currentLanguage()))
}
