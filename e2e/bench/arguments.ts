// The words after `npm run bench --`. Pure.
import { parseArgs } from 'node:util'
import { Sentence } from '../../deploy/dev/progress.ts'

export interface Arguments {
  /** None: all. */
  names: string[]
  short: boolean
  json: string | undefined
  database: boolean
  against: string | undefined
  rounds: number
  agents: number
  sockets: number
  help: boolean
}

export const usage = `npm run bench [-- [options] [measurement …]]

  --short            few rounds of little, in under a minute: shows that the measurements work
  --json FILE        writes all figures into a file, too
  --database         on MariaDB and NATS instead of SQLite
  --against COMMIT   takes each measurement of that commit and of this checkout in turns, and compares the medians
  --rounds N         how many turns (3)
  --agents N         simulated agents (1000; 50 in short)
  --sockets N        followers of one run (2000; 100 in short)
`

/** Throws a Sentence whose message says what is wrong. */
export function readArguments(words: string[], known: readonly string[]): Arguments {
  const { values, positionals } = parseArgs({
    args: words,
    allowPositionals: true,
    options: {
      short: { type: 'boolean', default: false },
      json: { type: 'string' },
      database: { type: 'boolean', default: false },
      against: { type: 'string' },
      rounds: { type: 'string', default: '3' },
      agents: { type: 'string' },
      sockets: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const unknown = positionals.filter((name) => !known.includes(name))
  if (unknown.length > 0)
    throw new Sentence(`There is no measurement ${unknown.join(', ')}. There are: ${known.join(', ')}.`)
  const { short, json, database, against, help } = values
  return {
    names: positionals,
    short,
    json,
    database,
    against,
    help,
    rounds: count('rounds', values.rounds, 1, 100),
    agents: count('agents', values.agents ?? (short ? '50' : '1000'), 1, 20_000),
    sockets: count('sockets', values.sockets ?? (short ? '100' : '2000'), 1, 20_000),
  }
}

function count(option: string, text: string, least: number, most: number): number {
  const number = Number(text)
  if (!/^\d+$/.test(text) || number < least || number > most)
    throw new Sentence(`--${option} must be a whole number from ${least} to ${most}, not "${text}".`)
  return number
}
