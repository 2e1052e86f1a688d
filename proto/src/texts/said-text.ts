// What was said, in a reader's language.
import { problemTexts } from './problem-table.ts'
import { innerOf, type ProblemCode, type Said } from './say.ts'
import { type Language, type Params, plain, type Shown, write } from './template.ts'

export function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(problemTexts, code)
}

/** Undefined: this program does not know the sentence. */
export function problemSentence(code: string, params: Params, language: Language, shown: Shown): string | undefined {
  if (!isProblemCode(code)) return undefined
  return write(problemTexts[code], params, language, shown, (given) => innerSentence(given, language, shown))
}

/** The sentence that stands inside of another one as its parameter `problem`. */
export function innerSentence(params: Params, language: Language, shown: Shown): string {
  const inner = innerOf(params)
  return problemSentence(inner.code, inner.params, language, shown) ?? inner.code
}

export function saidText({ code, params }: Said, language: Language = 'en', shown: Shown = plain): string {
  return problemSentence(code, params, language, shown) ?? code
}
