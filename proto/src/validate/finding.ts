// What a check of a pipeline reports.
import { oddCharacter } from '../characters.ts'

/** `field` is a path within the step, or within the pipeline when `stepId` is absent. */
export interface Finding {
  code: string
  message: string
  stepId?: string
  field?: string
  params?: Record<string, string>
  warning?: boolean
}

export type Report = (finding: Finding) => void

/** A word of the file, in a sentence about it. */
export function quoted(word: string): string {
  const odd = oddCharacter(word)
  const written = JSON.stringify(word.length > 80 ? `${word.slice(0, 80)}…` : word)
  return odd === undefined ? written : `${written}, which holds ${odd},`
}
