// An error as a sentence in the reader's language: by its exact reason where we know it, else by its code, else as sent.
import { toApiError } from '../api-error.ts'
import { i18n } from '../i18n.ts'

export function errorText(error: unknown): string {
  const { code, reason, params, message, violations } = toApiError(error)
  const { t, te } = i18n.global
  const byReason = `ui.error.reasons.${reason}`
  if (reason && te(byReason)) return t(byReason, params)
  if (violations.length > 0) return violations.map((violation) => violation.message).join(' ')
  const byCode = `ui.error.codes.${code}`
  if (te(byCode)) return t(byCode, params)
  return message
}

/** Under a form: nothing when every violation is shown at its field. */
export function formError(error: unknown, fields: readonly string[]): string | undefined {
  if (error === undefined) return undefined
  const failure = toApiError(error)
  const elsewhere = failure.violations.some((violation) => !fields.includes(violation.field))
  return failure.violations.length > 0 && !elsewhere ? undefined : errorText(failure)
}

export function fieldError(error: unknown, field: string): string | undefined {
  return error === undefined ? undefined : toApiError(error).violation(field)
}

export function ownersHint(): string {
  return i18n.global.t('ui.error.askOwner')
}
