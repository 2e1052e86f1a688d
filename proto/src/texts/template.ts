// Sentences with parameters in them, in both languages: one small form of text for reasons and problems, taken apart once.
import { characterName } from '../characters.ts'

/** A text in the console's languages. */
export interface Text {
  en: string
  'zh-CN': string
}

export type Language = keyof Text

/**
 * Texts name a parameter as `{name}`. A part in brackets is one of several, `[first|second]`: the first whose parameters are all
 * there, or none. `{name?}` and `{name=value}` print nothing: they only choose their part.
 */
export interface Entry extends Text {
  /** `name?` need not be there. */
  params: readonly string[]
}

export type Params = Readonly<Record<string, string | undefined>>

type Piece = string | { param: string }

interface Choice {
  /** All must be there; with a value, be that. */
  needs: { param: string; value: string | undefined }[]
  pieces: Piece[]
}

type Template = (Piece | { choices: Choice[] })[]

const templates = new Map<string, Template>()

function templateOf(text: string): Template {
  let template = templates.get(text)
  if (!template) {
    template = text.split(/\[([^\]]*)\]/).flatMap((part, index): Template => {
      return index % 2 === 0 ? choiceOf(part).pieces : [{ choices: part.split('|').map(choiceOf) }]
    })
    templates.set(text, template)
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

/** How a reader sees what is no plain word: a moment, one that may be far away, a step's key, a parameter; what stands between several. */
export interface Shown {
  time(text: string): string
  date(text: string): string
  step(key: string): string
  /** `path` begins with the parameter's name, as in headers.Accept. */
  param(path: string, stepType: string): string
  separator: string
}

export const plain: Shown = {
  time: (text) => text,
  date: (text) => text,
  step: (key) => key,
  param: (path) => path,
  separator: ', ',
}

/** Parameters that a reader sees in his own way; a name means the same in every text. The others are shown as they are. */
export const shownParams: Readonly<
  Record<
    string,
    | 'time'
    | 'date'
    | 'step'
    | 'steps'
    | 'param'
    | 'status'
    | 'character'
    | 'problem'
    | 'approvers'
    | 'duration'
    | 'people'
  >
> = {
  at: 'time',
  since: 'time',
  lostAt: 'time',
  until: 'date',
  step: 'step',
  need: 'step',
  steps: 'steps',
  param: 'param',
  status: 'status',
  odd: 'character',
  problem: 'problem',
  approvers: 'approvers',
  after: 'duration',
  by: 'people',
}

const durationUnits: Readonly<Record<string, string>> = { d: '天', h: '小时', m: '分', s: '秒', ms: '毫秒' }

/** A duration as the file writes it ("1m30s"), as it stands in a sentence. */
function durationIn(text: string, language: Language): string {
  if (language === 'en' || !/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return text
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)].map(
    ([, count, unit]) => `${count} ${durationUnits[unit!]}`,
  )
  return parts.join(' ').replace(/分$/, '分钟')
}

/** Those who have a role, as they stand in a sentence. */
export const roleTexts: Readonly<Record<string, Text>> = {
  viewer: { en: 'a viewer', 'zh-CN': '只读成员' },
  developer: { en: 'a developer', 'zh-CN': '开发者' },
  maintainer: { en: 'a maintainer', 'zh-CN': '维护者' },
  owner: { en: 'an owner', 'zh-CN': '所有者' },
}

/** "role:maintainer" or "user:ada@example.org" as readers see it. */
export function approverText(approver: string, language: Language): string {
  const [, kind, who = ''] = /^(role|user):(.*)$/s.exec(approver) ?? []
  return kind === 'role' ? (roleTexts[who]?.[language] ?? who) : kind === 'user' ? who : approver
}

/** How a need has ended, as it stands behind the step's name. */
export const statusTexts: Readonly<Record<string, Text>> = {
  succeeded: { en: 'has succeeded', 'zh-CN': '已成功' },
  failed: { en: 'has failed', 'zh-CN': '已失败' },
  canceled: { en: 'was canceled', 'zh-CN': '已取消' },
  skipped: { en: 'was skipped', 'zh-CN': '已跳过' },
  lost: { en: 'was lost', 'zh-CN': '已失联' },
}

/** Between Chinese and a Latin word or a number stands a space, also where only what a parameter holds is one. */
function join(parts: readonly string[], language: Language): string {
  if (language !== 'zh-CN') return parts.join('')
  return parts.reduce((text, part) => (meets(text, part) ? `${text} ${part}` : text + part), '')
}
function meets(before: string, after: string): boolean {
  const pair = `${before.at(-1) ?? ''}${after.at(0) ?? ''}`
  return /^(\p{Script=Han}[A-Za-z0-9]|[A-Za-z0-9]\p{Script=Han})$/u.test(pair)
}

/** `inner` says a sentence that is a parameter of this one; its parameters stand among those of this one. */
export function write(
  entry: Entry,
  params: Params,
  language: Language,
  shown: Shown,
  inner: (params: Params) => string,
): string {
  const each = (pieces: readonly Piece[]) =>
    join(
      pieces.map((piece) => (typeof piece === 'string' ? piece : show(piece.param, params[piece.param] ?? ''))),
      language,
    )
  function show(param: string, value: string): string {
    switch (Object.hasOwn(shownParams, param) ? shownParams[param] : undefined) {
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
      case 'param':
        return shown.param(value, params.type ?? '')
      case 'approvers':
        return value
          .split(', ')
          .map((each) => approverText(each, language))
          .join(shown.separator)
      case 'duration':
        return durationIn(value, language)
      case 'people':
        return value.split(', ').join(shown.separator)
      case 'status':
        return statusTexts[value]?.[language] ?? value
      case 'character':
        return characterName(value, language)
      case 'problem':
        return inner(params)
      default:
        return value
    }
  }
  const fits = ({ needs }: Choice) =>
    needs.every(({ param, value }) => (value === undefined ? Boolean(params[param]) : params[param] === value))
  const parts = templateOf(entry[language]).map((part) => {
    if (typeof part === 'string' || 'param' in part) return each([part])
    return each(part.choices.find(fits)?.pieces ?? [])
  })
  return join(
    parts.filter((part) => part !== ''),
    language,
  )
}
