// Bounds of what forges are told and asked, the narrowest of all of them.
import { shownText } from './payload.ts'

export const longestDescription = 140
/** That a search answers. */
export const mostFound = 50

export function statusText(text: string, most: number): string {
  return shownText(text, most, 'line')
}
