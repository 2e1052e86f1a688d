// What is said of an explained step and of its expressions.
import {
  type ExplainedExpression,
  ExplainedOutcome,
  type ExplainedPiece,
  type ExplainedRefusal,
  type ExplainedStep,
} from '@ansflow/proto/gen/ansflow/v1/explain_pb'
import { problemText } from '@ansflow/proto/problem-text'
import { toJson } from '@bufbuild/protobuf'
import { ValueSchema } from '@bufbuild/protobuf/wkt'
import { currentLanguage, i18n } from '../../../../i18n.ts'
import { type NameOf, reasonText } from '../../../../ui/status/reason-text.ts'

export function runs({ outcome }: ExplainedStep): boolean {
  return outcome === ExplainedOutcome.RUNS || outcome === ExplainedOutcome.DEPENDS
}

/** Why it does not run, or on what that depends; nothing where it simply runs. */
export function whyOf(step: ExplainedStep, nameOf: NameOf): string {
  const { t } = i18n.global
  if (!runs(step)) return reasonText(step, nameOf)
  if (step.outcome === ExplainedOutcome.DEPENDS) return knownWhen(step.waitsFor, nameOf)
  if (step.openCopies) return t('pipelines.explain.openCopies', { when: knownWhen(step.waitsFor, nameOf) })
  return ''
}

/** Who has what the run, or a step, must have to itself. */
export function waitText({ wait, waitInfo }: Pick<ExplainedStep, 'wait' | 'waitInfo'>, nameOf: NameOf): string {
  return wait === '' ? '' : reasonText({ reason: wait, ...(waitInfo && { reasonInfo: waitInfo }) }, nameOf)
}

/** What speaks against an agent. */
export function refusalText({ offline, draining, lacks, capability }: ExplainedRefusal): string {
  const { t } = i18n.global
  return [
    ...(offline ? [t('pipelines.explain.refused.offline')] : []),
    ...(draining ? [t('pipelines.explain.refused.draining')] : []),
    ...(lacks.length > 0 ? [t('pipelines.explain.refused.lacks', { labels: lacks.join(', ') })] : []),
    ...(capability ? [capabilityText(capability)] : []),
  ].join(t('ui.listSeparator'))
}

function capabilityText(capability: string): string {
  const { t } = i18n.global
  if (capability === 'container') return t('pipelines.explain.refused.containers')
  return t('pipelines.explain.refused.capability', { capability })
}

/** Where it runs, or why nowhere for now. */
export function placeOf({ place }: ExplainedStep, nameOf: NameOf): string {
  if (!place) return ''
  const [first, ...more] = place.agents
  if (first === undefined) return reasonText(place, nameOf)
  return more.length === 0 ? first : i18n.global.t('pipelines.explain.agents', { count: place.agents.length })
}

export function knownWhen(waitsFor: readonly string[], nameOf: NameOf): string {
  const { t } = i18n.global
  if (waitsFor.length === 0) return t('pipelines.explain.knownAtStart')
  return t('pipelines.explain.knownWhen', { steps: waitsFor.map(nameOf).join(t('ui.listSeparator')) })
}

/** As JSON, so that "1" and 1 differ; undefined: it is not known. */
export function valueText({ value }: Pick<ExplainedExpression, 'value'>): string | undefined {
  return value === undefined ? undefined : JSON.stringify(toJson(ValueSchema, value))
}

/** Rows of its pieces tell more than its value alone. */
export function hasPieces({ pieces }: ExplainedExpression): boolean {
  return pieces.length > 1 || pieces.some(({ reads }) => reads.length > 0)
}

/** What a piece reads: its value alone, where that is one and it stands there. */
export function readsText({ reads }: ExplainedPiece): string {
  if (reads.length === 1) return valueText(reads[0]!) ?? ''
  return reads.map((each) => `${each.source} = ${valueText(each)}`).join(', ')
}

export function problemOf({
  problem,
  problemCode: code,
  problemParams: params,
}: Pick<ExplainedExpression, 'problem' | 'problemCode' | 'problemParams'>): string {
  return problem === '' ? '' : problemText({ code, params, message: problem }, currentLanguage())
}
