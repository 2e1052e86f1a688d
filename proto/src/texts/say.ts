// Something to say about a pipeline: the code of a sentence with its parameters. What finds a problem says it so, and whoever
// shows it chooses the language.
import type { ProblemTexts } from './problem-table.ts'

export type ProblemCode = keyof ProblemTexts

export interface Said {
  code: ProblemCode
  params: Readonly<Record<string, string>>
}

type Names<C extends ProblemCode> = ProblemTexts[C]['params'][number]

type Value<N> = N extends 'problem?' ? Said : string | number

/** What a sentence must and may say; an undefined value is one that it need not. */
type Given<C extends ProblemCode> = {
  [N in Names<C> as N extends `${string}?` ? never : N extends 'problem' ? never : N]: string | number
} & {
  [N in Names<C> as N extends `${infer Name}?` ? Name : never]?: Value<N> | undefined
} & ('problem' extends Names<C> ? { problem: Said } : unknown)

type Arguments<C extends ProblemCode> = Record<never, never> extends Given<C> ? [Given<C>?] : [Given<C>]

/** A sentence inside of another one brings its parameters along. */
export function say<C extends ProblemCode>(code: C, ...[given]: Arguments<C>): Said {
  const params: Record<string, string> = {}
  for (const [name, value] of Object.entries((given ?? {}) as Record<string, string | number | Said | undefined>)) {
    if (value === undefined) continue
    if (typeof value === 'object') Object.assign(params, { ...inside(value), ...params, problem: chain(value) })
    else params[name] = String(value)
  }
  return { code, params }
}

/** What a sentence brings along as the `problem` of another one. */
export function inside(said: Said): Record<string, string> {
  return { ...said.params, problem: chain(said) }
}

/** Codes from the outermost to the innermost: `problem` of a sentence that holds one that holds one. */
function chain({ code, params }: Said): string {
  return params.problem === undefined ? code : `${code} ${params.problem}`
}

/** What a sentence inside of another one is, and with which parameters. */
export function innerOf(params: Readonly<Record<string, string | undefined>>): {
  code: string
  params: Record<string, string | undefined>
} {
  const [code = '', ...rest] = (params.problem ?? '').split(' ')
  const { problem: _, ...others } = params
  return { code, params: rest.length > 0 ? { ...others, problem: rest.join(' ') } : others }
}
