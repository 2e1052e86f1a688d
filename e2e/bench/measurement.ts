// What a measurement is: a name, the figures it gives with what we aim at, and how it takes them.
import type { Context } from './context.ts'

/** One of them, or both: of the figure itself, and of the figure divided by its floor. */
export interface Aim {
  value?: number
  ratio?: number
}

export interface Figure {
  what: string
  unit: 'ms' | 's' | 'MB' | 'KB' | 'MB/s' | 'steps/s' | 'runs/s' | '×'
  better: 'less' | 'more'
  aim?: Aim
  /** In its place on MariaDB and NATS. */
  aimOnDatabase?: Aim
}

export interface Reading {
  value: number
  /** The same without AnsFlow, on this machine in this minute. */
  floor?: number
}

export interface Measurement<Name extends string = string> {
  name: string
  /** What is done and timed, in a sentence. */
  what: string
  /** What the floor does instead. */
  floor?: string
  /** A program that not every machine has: without it, it is left out. */
  needs?: string
  figures: Record<Name, Figure>
  run(context: Context): Promise<Record<Name, Reading>>
}

/** Lets the compiler see that `run` gives the figures that are named. */
export function measurement<Name extends string>(one: Measurement<Name>): Measurement {
  return one
}

/** Every figure that was promised, or why not. */
export function checked({ name, figures }: Measurement, readings: Record<string, Reading>): Record<string, Reading> {
  for (const figure of Object.keys(figures)) {
    const { value, floor = 1 } = readings[figure] ?? { value: Number.NaN }
    if (!Number.isFinite(value) || value < 0) throw new Error(`${name} gave no number for "${figure}": ${value}.`)
    if (!Number.isFinite(floor) || floor <= 0) throw new Error(`${name} gave no floor for "${figure}": ${floor}.`)
  }
  return readings
}

export function ratioOf({ value, floor }: Reading): number | undefined {
  return floor === undefined ? undefined : value / floor
}

/** Undefined: there is no aim. */
export function isMet(aim: Aim | undefined, better: Figure['better'], reading: Reading): boolean | undefined {
  if (!aim) return undefined
  const within = (is: number | undefined, wanted: number | undefined) =>
    wanted === undefined || (is !== undefined && (better === 'less' ? is <= wanted : is >= wanted))
  return within(reading.value, aim.value) && within(ratioOf(reading), aim.ratio)
}
