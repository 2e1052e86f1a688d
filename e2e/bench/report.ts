// What is printed: a table for people, one JSON document for programs. Pure.
import { type Aim, isMet, type Measurement, type Reading, ratioOf } from './measurement.ts'

export interface Row {
  measurement: string
  figure: string
  unit: string
  better: 'less' | 'more'
  value: number
  floor?: number
  /** Value divided by floor. */
  ratio?: number
  aim?: Aim
  met?: boolean
}

export interface Broken {
  measurement: string
  error: string
}

export function rowsOf(one: Measurement, readings: Record<string, Reading>, onDatabase: boolean): Row[] {
  return Object.entries(one.figures).map(([name, { what, unit, better, aim: usual, aimOnDatabase }]) => {
    const reading = readings[name] ?? { value: Number.NaN }
    const aim = onDatabase ? (aimOnDatabase ?? usual) : usual
    const [ratio, met] = [ratioOf(reading), isMet(aim, better, reading)]
    return {
      measurement: one.name,
      figure: what,
      unit,
      better,
      ...reading,
      ...(ratio !== undefined && { ratio }),
      ...(aim && { aim }),
      ...(met !== undefined && { met }),
    }
  })
}

export function table(rows: Row[]): string {
  return aligned([
    ['', 'figure', 'value', 'floor', 'ratio', 'aim', ''],
    ...rows.map(({ measurement, figure, unit, better, value, floor, ratio, aim, met }, n) => [
      rows[n - 1]?.measurement === measurement ? '' : measurement,
      figure,
      amount(value, unit),
      floor === undefined ? '' : amount(floor, unit),
      ratio === undefined ? '' : `${number(ratio)} ×`,
      aim ? aimText(aim, better, unit) : '',
      met === undefined ? '' : met ? 'met' : 'missed',
    ]),
  ])
}

export interface Compared {
  measurement: string
  figure: string
  unit: string
  /** Medians, and the second divided by the first. */
  before: number
  after: number
  change: number
  floor?: number
}

export function comparison(rows: Compared[], names: [string, string]): string {
  return aligned([
    ['', 'figure', ...names, 'change', 'floor'],
    ...rows.map(({ measurement, figure, unit, before, after, change, floor }, n) => [
      rows[n - 1]?.measurement === measurement ? '' : measurement,
      figure,
      amount(before, unit),
      amount(after, unit),
      `${number(change)} ×`,
      floor === undefined ? '' : amount(floor, unit),
    ]),
  ])
}

function aimText({ value, ratio }: Aim, better: 'less' | 'more', unit: string): string {
  const sign = better === 'less' ? '≤' : '≥'
  const parts = [value !== undefined && amount(value, unit), ratio !== undefined && `${ratio} ×`]
  return parts.flatMap((part) => (part ? `${sign} ${part}` : [])).join(', ')
}

function amount(value: number, unit: string): string {
  return `${number(value)} ${unit}`
}

/** Three digits that count. */
export function number(value: number): string {
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))))
  return value.toFixed(Math.min(digits, 3))
}

/** Words to the left, numbers (all but the first two columns) to the right. */
function aligned(lines: string[][]): string {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  return lines
    .map((line) =>
      line
        .map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
