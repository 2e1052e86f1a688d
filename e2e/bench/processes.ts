// What processes use, by /proc: processor time and memory of one with all that it has started.
import { readdirSync, readFileSync } from 'node:fs'

export interface Process {
  pid: number
  parent: number
  /** Hundredths of a second, with those of children that have ended and been waited for. */
  ticks: number
}

/** One line of /proc/<pid>/stat; the name in it may hold anything, brackets too. */
export function readStat(text: string): Process {
  const rest = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const ticks = rest.slice(11, 15).reduce((sum, value) => sum + Number(value), 0)
  return { pid: Number.parseInt(text, 10), parent: Number(rest[1]), ticks }
}

/** The process and its descendants. */
export function treeOf(pid: number, all: readonly Process[]): Process[] {
  const found = all.filter((one) => one.pid === pid)
  for (const one of found) found.push(...all.filter(({ parent }) => parent === one.pid))
  return found
}

export function processorMs(pid: number | undefined): number {
  return treeOf(pid ?? 0, processes()).reduce((sum, { ticks }) => sum + ticks * 10, 0)
}

/** Resident memory, of it and all below it. */
export function memoryMb(pid: number | undefined): number {
  return treeOf(pid ?? 0, processes()).reduce((sum, one) => sum + residentKib(one.pid), 0) / 1024
}

function residentKib(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0)
  } catch {
    return 0
  }
}

function processes(): Process[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    try {
      return [readStat(readFileSync(`/proc/${name}/stat`, 'latin1'))]
    } catch {
      // It has ended.
      return []
    }
  })
}
