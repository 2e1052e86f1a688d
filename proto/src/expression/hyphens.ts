// Names with a hyphen, written as if they were plain: CEL reads `steps.http-request.outputs.x` as a subtraction.
import { type Said, say } from '../texts/say.ts'
import { contextRoots, templateRoots } from './language.ts'

const dotted = new RegExp(
  String.raw`(?<![\w.$])(?:${[...contextRoots, ...templateRoots].join('|')})(?:\.\w+(?:-\w+)*)+`,
  'g',
)
const strings = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g

export interface Hyphenated {
  /** steps.http-request.outputs.x */
  written: string
  /** The parts behind the root: http-request, outputs, x. */
  path: string[]
}

/** What may be meant as names with hyphens; subtractions without spaces are among them. */
export function hyphenated(source: string): Hyphenated[] {
  if (!source.includes('-')) return []
  return [...withoutTexts(source).matchAll(dotted)]
    .filter(([written]) => written.includes('-'))
    .map(([written]) => ({ written, path: written.split('.').slice(1) }))
}

/** With spaces in the places of its texts. */
export function withoutTexts(source: string): string {
  return source.replace(strings, (text) => ' '.repeat(text.length))
}

/** How it is written so that it is read as a name: steps["http-request"].outputs.x */
export function hyphenSaid({ written, path }: Hyphenated): Said {
  const parts = path.map((part) => (part.includes('-') ? `[${JSON.stringify(part)}]` : `.${part}`))
  return say('expression_hyphen', { written, write: written.slice(0, written.indexOf('.')) + parts.join('') })
}

/** The name that a word which nobody knows is the end of. */
export function hyphenOf(source: string, stranger: string): Said | undefined {
  const found = hyphenated(source).find(({ path }) => path.some((part) => part.split('-').slice(1).includes(stranger)))
  return found && hyphenSaid(found)
}

/** The name that is read as a field of a number: steps.part-2.status */
export function hyphenBeforeNumber(source: string): Said | undefined {
  const found = hyphenated(source).find(({ path }) =>
    path.some((part, index) => /-\d+$/.test(part) && /^[A-Za-z_]/.test(path[index + 1] ?? '')),
  )
  return found && hyphenSaid(found)
}

/** The name that cannot even be read, because letters follow its number: steps.part-2nd */
export function unreadableHyphen(source: string): Said | undefined {
  const found = hyphenated(source).find(({ path }) => path.some((part) => /-\d+[A-Za-z_]/.test(part)))
  return found && hyphenSaid(found)
}
