// The words of the expression language: its roots, its functions, and the environment that runs it within limits.
import {
  type CelFunc,
  type CelInput,
  CelScalar,
  type CelValue,
  celEnv,
  celFunc,
  isCelList,
  isCelMap,
} from '@bufbuild/cel'
import { strings } from '@bufbuild/cel/ext'
import { limits } from '../limits.ts'
import { blankGit } from '../triggers/git-facts.ts'
import { celOfJson } from './cel-value.ts'
import { growingFunctions } from './growing.ts'

export const contextRoots = ['inputs', 'env', 'vars', 'git', 'run', 'steps', 'matrix'] as const
/** Read by triggers alone: what was posted, and what a run said that has ended. */
export const triggerRoots = ['body', 'headers', 'outputs'] as const

/** Read inside of templates alone: they are gone from what runs. */
export const templateRoots = ['params'] as const

/** What `git` (of the run's first checkout that has succeeded) and `run` hold; those a run has no value for are empty. */
export const contextFields: Record<'git' | 'run', readonly string[]> = {
  git: Object.keys(blankGit),
  run: ['id', 'number', 'pipeline', 'project', 'version', 'startedBy', 'trigger', 'trusted'],
}

/** Calls of these see how the needs of a step ended; a condition without any of them is about success. */
export const statusFunctions = ['success', 'failure', 'always', 'canceled'] as const

export interface StatusFlags {
  success: boolean
  failure: boolean
  canceled: boolean
}

/** By lists of globs, as of GitFacts. */
export interface FileAnswers {
  changed?: Readonly<Record<string, boolean>> | undefined
  fileHashes?: Readonly<Record<string, string>> | undefined
}

// An evaluation is synchronous and never nested, so its flags and its budget can live here while it runs.
let flags: StatusFlags = { success: true, failure: false, canceled: false }
let files: FileAnswers = {}
let rounds = 0
let measured = 0

/** Runs one evaluation with its flags, what is known of files, and a full budget. */
export function withStatus<T>(status: StatusFlags, known: FileAnswers, run: () => T): T {
  const before = { flags, files, rounds, measured }
  flags = status
  files = known
  rounds = limits.expressionRounds
  measured = limits.expressionWork
  try {
    return run()
  } finally {
    flags = before.flags
    files = before.files
    rounds = before.rounds
    measured = before.measured
  }
}

/** Calls put around loops and growing values by the compiler; not words of the language. */
export const guards = { round: 'ansflow_round', sized: 'ansflow_sized' } as const

// Left out, or in their place: they can make a text far longer than what they are given.
const unbounded = new Set(['replace', 'format', 'strings.quote', 'join'])

const { BOOL, DOUBLE, DYN, INT, STRING } = CelScalar

function status(name: string, value: () => boolean): CelFunc {
  return celFunc(name, [], BOOL, value)
}

/** Numbers of JSON are doubles in CEL and 1 is an integer: without these, `inputs.count + 1` would be an error. */
function mixed(operator: string, run: (a: number, b: number) => number): CelFunc[] {
  return [
    celFunc(operator, [DOUBLE, INT], DOUBLE, (a, b) => run(a, Number(b))),
    celFunc(operator, [INT, DOUBLE], DOUBLE, (a, b) => run(Number(a), b)),
  ]
}

const modulo = (a: number, b: number) => {
  if (b === 0) throw new Error('modulus by zero')
  return a % b
}

const own = <T>(of: Readonly<Record<string, T>>, key: string) => (Object.hasOwn(of, key) ? of[key] : undefined)

const functions: CelFunc[] = [
  ...strings.filter((each) => !unbounded.has(each.name)),
  ...growingFunctions,
  status('success', () => flags.success),
  status('failure', () => flags.failure),
  status('always', () => true),
  status('canceled', () => flags.canceled),
  // Where there is nothing to compare with, everything counts as changed.
  celFunc('changed', [STRING], BOOL, (patterns) => (files.changed && own(files.changed, patterns)) ?? true),
  // Where there is no commit, there are no files.
  celFunc('hashFiles', [STRING], STRING, (patterns) => (files.fileHashes && own(files.fileHashes, patterns)) ?? ''),
  ...mixed('_+_', (a, b) => a + b),
  ...mixed('_-_', (a, b) => a - b),
  ...mixed('_*_', (a, b) => a * b),
  ...mixed('_/_', (a, b) => a / b),
  ...mixed('_%_', modulo),
  celFunc('_%_', [DOUBLE, DOUBLE], DOUBLE, modulo),
  celFunc('fromJSON', [STRING], DYN, celOfJson),
  celFunc(guards.round, [INT], BOOL, () => {
    // && and || go on behind an error: a loop of them would do all of its work for nothing.
    if (measured <= 0) throw new Error(tooLarge)
    if (rounds-- <= 0) throw new Error(`the expression loops more than ${limits.expressionRounds} times`)
    return true
  }),
  celFunc(guards.sized, [DYN], DYN, (value) => {
    const most = Math.min(limits.expressionValueSize, measured)
    const left = size(value, most)
    measured = left < 0 ? 0 : measured - (most - left)
    if (left < 0) throw new Error(tooLarge)
    return value as CelInput
  }),
]

const tooLarge = 'a value of the expression grows too large'

// A value in a list or map costs as much as this many characters.
const valueCost = 16

/** What is left of `budget` after counting a value's parts and characters; negative as soon as it is used up. */
function size(value: CelValue, budget: number): number {
  let left = budget - valueCost
  if (typeof value === 'string' || value instanceof Uint8Array) return left - value.length
  if (isCelList(value)) {
    for (const item of value) {
      if (left < 0) return left
      left = size(item, left)
    }
  } else if (isCelMap(value)) {
    for (const [key, item] of value) {
      if (left < 0) return left
      left = size(item, left - (typeof key === 'string' ? key.length : valueCost))
    }
  }
  return left
}

export const environment = celEnv({ funcs: functions })

/** Functions an expression may call. */
export const functionNames: readonly string[] = [
  ...statusFunctions,
  'changed',
  'hashFiles',
  'fromJSON',
  'size',
  'contains',
  'startsWith',
  'endsWith',
  'charAt',
  'indexOf',
  'join',
  'lastIndexOf',
  'lowerAscii',
  'replace',
  'upperAscii',
  'split',
  'substring',
  'trim',
  'int',
  'uint',
  'double',
  'string',
  'bool',
  'type',
  'dyn',
  'bytes',
  'duration',
  'timestamp',
  'getFullYear',
  'getMonth',
  'getDate',
  'getDayOfMonth',
  'getDayOfWeek',
  'getDayOfYear',
  'getHours',
  'getMinutes',
  'getSeconds',
  'getMilliseconds',
]

/** Loops, written as calls: the parser turns them into comprehensions. */
export const macroNames: readonly string[] = ['has', 'all', 'exists', 'exists_one', 'map', 'filter']

export const typeConstants: ReadonlySet<string> = new Set([
  'bool',
  'bytes',
  'double',
  'duration',
  'int',
  'list',
  'map',
  'null_type',
  'string',
  'timestamp',
  'type',
  'uint',
])
