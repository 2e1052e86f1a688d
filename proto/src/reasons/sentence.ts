// The sentences of the table of reasons: a text with parameters in it, taken apart once.
import type { Text } from '../steps/step-type.ts'
import { type ReasonCode, reasonTable, shownParams, statusTexts } from './table.ts'

type Language = keyof Text
type Params = Readonly<Record<string, string | undefined>>
type Piece = string | { param: string }

interface Choice {
  /** All must be there; with a value, be that. */
  needs: { param: string; value: string | undefined }[]
  pieces: Piece[]
}

type Template = (Piece | { choices: Choice[] })[]

const templates = new Map<string, Template>()

function templateOf(code: ReasonCode, language: Language): Template {
  const key = `${code} ${language}`
  let template = templates.get(key)
  if (!template) {
    template = reasonTable[code][language].split(/\[([^\]]*)\]/).flatMap((text, index): Template => {
      return index % 2 === 0 ? choiceOf(text).pieces : [{ choices: text.split('|').map(choiceOf) }]
    })
    templates.set(key, template)
  }
  return template
}

function choiceOf(text: string): Choice {
  const choice: Choice = { needs: [], pieces: [] }
  let end = 0
  for (const { 0: whole, 1: param = '', 2: guard, index } of text.matchAll(/\{(\w+)(\?|=\w+)?\}/g)) {
    if (index > end) choice.pieces.push(text.slice(end, index))
    end = index + whole.length
    choice.needs.push({ param, value: guard?.startsWith('=') ? guard.slice(1) : undefined })
    if (guard === undefined) choice.pieces.push({ param })
  }
  if (end < text.length) choice.pieces.push(text.slice(end))
  return choice
}

/** How a reader sees a moment, one that may be far away, and the key of a step; what stands between several steps. */
export interface Shown {
  time(text: string): string
  date(text: string): string
  step(key: string): string
  separator: string
}

const plain: Shown = { time: (text) => text, date: (text) => text, step: (key) => key, separator: ', ' }

export function sentence(code: ReasonCode, params: Params, language: Language, shown: Shown = plain): string {
  const write = (pieces: readonly Piece[]) =>
    pieces.map((piece) => (typeof piece === 'string' ? piece : show(piece.param, params[piece.param] ?? ''))).join('')
  function show(param: string, value: string): string {
    if (param === 'status') return statusTexts[value]?.[language] ?? value
    switch (shownParams[param]) {
      case 'time':
        return shown.time(value)
      case 'date':
        return shown.date(value)
      case 'step':
        return shown.step(value)
      case 'steps':
        return value
          .split(', ')
          .map((key) => shown.step(key))
          .join(shown.separator)
      default:
        return value
    }
  }
  const fits = ({ needs }: Choice) =>
    needs.every(({ param, value }) => (value === undefined ? Boolean(params[param]) : params[param] === value))
  return templateOf(code, language)
    .map((part) => {
      if (typeof part === 'string' || 'param' in part) return write([part])
      return write(part.choices.find(fits)?.pieces ?? [])
    })
    .join('')
}
