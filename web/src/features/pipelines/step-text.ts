// A step type's texts in the reader's language, and a step's one line of summary.
import type { StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { stepType, type Text } from '@ansflow/proto/steps/index'
import { currentLanguage } from '../../i18n.ts'

export function inLanguage(text: Text | undefined): string {
  return text?.[currentLanguage()] ?? ''
}

export function typeTitle(type: string): string {
  return inLanguage(stepType(type)?.title) || type
}

export function stepSummary(step: StepDefinition): string {
  const type = stepType(step.uses)
  if (!type) return step.uses
  return type.summary(step.with ?? {}) || typeTitle(step.uses)
}
