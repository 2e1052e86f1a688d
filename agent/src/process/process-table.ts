// Owns reading the host's process table: who is alive, who descends from whom, who carries a job's marker.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

export interface ProcessEntry {
  pid: number
  parent: number
  group: number
  session: number
  startTime: string
  stopped: boolean
}

const hasProc = process.platform === 'linux'
const thisBoot = readBootId()

/** A new value after each start of the host; empty where the system does not say. */
export function bootId(): string {
  return thisBoot
}

function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
}

/** Seconds since the host started; not moved by changes of the clock. */
export function hostUptime(): number {
  return Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0])
}

/** Running processes; those that have ended and only wait to be collected are left out. */
export function listProcesses(): ProcessEntry[] {
  if (!hasProc) return listByPs()
  const entries: ProcessEntry[] = []
  for (const name of readdirSync('/proc')) {
    const first = name.charCodeAt(0)
    if (first < 49 || first > 57) continue
    const entry = readEntry(Number(name))
    if (entry) entries.push(entry)
  }
  return entries
}

function readEntry(pid: number): ProcessEntry | undefined {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return undefined
  }
  // The name is in parentheses and may hold anything, so the fields are counted from its end.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state = '', parent = '', group = '', session = ''] = fields
  if (state === 'Z' || state === 'X') return undefined
  return {
    pid,
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    startTime: fields[19] ?? '',
    stopped: state === 'T',
  }
}

/** When the process started, in a form to compare; empty when there is none. */
export function startTimeOf(pid: number): string {
  if (hasProc) return readEntry(pid)?.startTime ?? ''
  return listByPs().find((entry) => entry.pid === pid)?.startTime ?? ''
}

/** The same process, not another one that got its number later. An unknown start time ("" or "0") is not compared. */
export function isAlive(pid: number, startTime: string): boolean {
  const now = startTimeOf(pid)
  return now !== '' && (startTime === '' || startTime === '0' || startTime === now)
}

/** Which of the wanted entries the process was started with, if any; none when its environment may not be read. */
export function environmentOf<T>(pid: number, wanted: ReadonlyMap<string, T>): T | undefined {
  if (!hasProc) return undefined
  let environ: string
  try {
    environ = readFileSync(`/proc/${pid}/environ`, 'latin1')
  } catch {
    return undefined
  }
  const [first] = wanted.keys()
  const name = first?.slice(0, first.indexOf('=') + 1) ?? ''
  const at = environ.startsWith(name) ? 0 : environ.indexOf(`\0${name}`) + 1
  if (at === 0 && !environ.startsWith(name)) return undefined
  const end = environ.indexOf('\0', at)
  return wanted.get(environ.slice(at, end < 0 ? undefined : end))
}

function listByPs(): ProcessEntry[] {
  const text = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,pgid=,stat=,lstart='], { encoding: 'utf8' })
  return text
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line))
    .filter((match) => match !== null && !match[4]!.startsWith('Z'))
    .map((match) => ({
      pid: Number(match![1]),
      parent: Number(match![2]),
      group: Number(match![3]),
      session: Number(match![3]),
      startTime: match![5]!.trim().replaceAll(' ', '_'),
      stopped: match![4]!.startsWith('T'),
    }))
}
