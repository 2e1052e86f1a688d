// What a check of a pipeline reports.
import { oddCharacter } from '../characters.ts'
import { shortText } from '../texts/parts.ts'
import { type Said, say } from '../texts/say.ts'

/** `field` is a path within the step, or within the pipeline when `stepId` is absent. */
export interface Finding {
  said: Said
  /** What kind of problem it is, where several sentences are of one kind. */
  code?: string
  stepId?: string
  field?: string
  warning?: boolean
}

export type Report = (finding: Finding) => void

type NameCode = 'env_name' | 'secret_name' | 'output_name' | 'input_name'

/** What is wrong with a name that does not fit `patterns.identifier`. */
export function nameSaid(code: NameCode, word: string): Said {
  return word === '__proto__' ? say('name_proto', { name: word }) : say(code, quoted(word))
}

/** A word of the file, in a sentence about it. */
export function quoted(word: string): { word: string; odd?: string } {
  const odd = oddCharacter(word)
  return { word: shortText(word, 80), ...(odd !== undefined && { odd }) }
}
