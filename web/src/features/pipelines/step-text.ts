// A step type's texts in the reader's language, and a step's one line of summary.
import { hasExpression } from '@ansflow/proto/expression'
import { includeText } from '@ansflow/proto/fields/includes'
import type { PipelineGraph, StepDefinition } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { stepType, type Text } from '@ansflow/proto/steps/index'
import { currentLanguage } from '../../i18n.ts'

export function inLanguage(text: Text | undefined): string {
  return text?.[currentLanguage()] ?? ''
}

export function typeTitle(type: string): string {
  return inLanguage(stepType(type)?.title) || type
}

/**
 * What a step of a run is called beside its draft: as it is drawn now, but for a name with expressions, which only the run can say.
 */
export function nameBeside({
  drawn,
  ofRun,
  key,
}: {
  drawn?: string | undefined
  ofRun?: string | undefined
  key: string
}): string {
  return drawn && !hasExpression(drawn) ? drawn : ofRun && !hasExpression(ofRun) ? ofRun : key
}

/** `graph`: where its templates are from is told too. */
export function stepSummary(step: StepDefinition, graph?: Pick<PipelineGraph, 'included'>): string {
  const type = stepType(step.uses)
  if (!type) return step.uses
  const summary = type.summary(step.with ?? {}) || typeTitle(step.uses)
  if (step.uses !== 'template') return summary
  const source = graph?.included.find((each) => each.template?.name === step.with?.template)?.source
  return source ? `${summary} · ${includeText(source)}` : summary
}
