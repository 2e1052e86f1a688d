// Bounds of what forges are told and asked, the narrowest of all of them.
import { ForgeError } from './forge.ts'
import { shownText } from './payload.ts'

export const longestDescription = 140
/** That a search answers. */
export const mostFound = 50

export function statusText(text: string, most: number): string {
  return shownText(text, most, 'line')
}

/** That deployments cannot be recorded, and what the credentials lack for it. */
export function unlessMayDeploy(error: unknown, need: string): unknown {
  if (!(error instanceof ForgeError) || error.fault !== 'denied') return error
  return new ForgeError('denied', `Deployments are not recorded: ${need}. ${error.message}`)
}
