// An error as a sentence in the reader's language: by its exact reason where we know it, else by its code, else as sent.
import type { FieldViolation } from '@ansflow/proto/errors'
import { problemText } from '@ansflow/proto/problem-text'
import { toApiError } from '../api-error.ts'
import { currentLanguage, i18n } from '../i18n.ts'
import { sentences } from './sentences.ts'

/** `nameOf`: what a step is called, where the error speaks of steps of a run. */
export function errorText(error: unknown, nameOf?: (key: string) => string): string {
  const { code, params, message, violations } = toApiError(error)
  const { t, te } = i18n.global
  const byReason = reasonText(error)
  if (byReason !== undefined) return byReason
  if (violations.length > 0) return sentences(...violations.map((each) => violationText(each, nameOf)))
  const byCode = `ui.error.codes.${code}`
  if (te(byCode)) return t(byCode, params)
  return message
}

/** What is wrong with a field, in the reader's language where it is one of the sentences that both sides know. */
export function violationText(
  { code = '', params = {}, message }: FieldViolation,
  nameOf?: (key: string) => string,
): string {
  return problemText({ code, params, message }, currentLanguage(), nameOf)
}

function reasonText(error: unknown): string | undefined {
  const { reason, params } = toApiError(error)
  const { t, te } = i18n.global
  const key = `ui.error.reasons.${reason}`
  return reason && te(key) ? t(key, params) : undefined
}

/** Under a form: nothing when every violation is shown at its field. */
export function formError(error: unknown, fields: readonly string[]): string | undefined {
  if (error === undefined) return undefined
  const failure = toApiError(error)
  const elsewhere = failure.violations.some((violation) => !fields.includes(violation.field))
  return failure.violations.length > 0 && !elsewhere ? undefined : errorText(failure)
}

export function fieldError(error: unknown, field: string): string | undefined {
  const sent = error === undefined ? undefined : toApiError(error).violation(field)
  return sent === undefined ? undefined : (reasonText(error) ?? violationText(sent))
}

export function ownersHint(): string {
  return i18n.global.t('ui.error.askOwner')
}
