// A problem of a pipeline in a reader's language. Parameters of steps are called as the form calls them.
import type { Problem } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { stepType } from './steps/index.ts'
import { problemSentence, saidText } from './texts/said-text.ts'
import type { Said } from './texts/say.ts'
import { type Language, plain, type Shown } from './texts/template.ts'

/** `Address (url)`, `Headers (headers.Accept)`. */
function paramTitle(path: string, type: string, language: Language): string {
  const name = /^[^.[]*/.exec(path)?.[0] ?? ''
  const params = stepType(type)?.params.properties
  const title = params && Object.hasOwn(params, name) ? params[name]?.['x-text'].title[language] : undefined
  if (title === undefined) return path
  if (title.toLowerCase() === path.toLowerCase()) return title
  return language === 'en' ? `${title} (${path})` : `${title}（${path}）`
}

export function titled(language: Language): Shown {
  return { ...plain, param: (path, type) => paramTitle(path, type, language) }
}

/**
 * The sentence of a problem, or of a field of a request that is wrong; of a code that is newer than this program, as it was sent.
 * `step`: what a step is called where its key is not what people know it by.
 */
export function problemText(
  { code, params, message }: Pick<Problem, 'code' | 'params' | 'message'>,
  language: Language,
  step: (key: string) => string = plain.step,
): string {
  const { says = code, ...others } = params
  return problemSentence(says, others, language, { ...titled(language), step }) ?? message
}

/** In English, as the API says it, with what another language is made from. */
export function problemOfSaid(said: Said, code: string = said.code): Pick<Problem, 'code' | 'params' | 'message'> {
  return {
    code,
    message: saidText(said, 'en', titled('en')),
    params: code === said.code ? { ...said.params } : { ...said.params, says: said.code },
  }
}
