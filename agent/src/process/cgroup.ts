// Owns control groups, where this host lets us make them (cgroup v2): no process of a step leaves its group by changing session,
// parent or environment, and the kernel ends all of one at once.
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { startTimeOf } from './process-table.ts'

const PREFIX = 'ansflow-'

export interface Cgroups {
  readonly usable: boolean
  /** A new group's folder; undefined where there are none. */
  make(): string | undefined
}

/** Whether groups can be made and entered below the agent's own one is tried once. */
export function createCgroups(home = ownCgroup()): Cgroups {
  const mine = `${process.pid}-${randomBytes(3).toString('hex')}`
  let count = 0
  const usable = home !== undefined && canUse(home)
  // Of jobs that ended together with an agent before this one; what is in use cannot be removed. Those of an agent that lives
  // may be empty for the moment.
  if (usable) for (const path of groupsIn(home)) if (isOrphan(basename(path))) removeCgroup(path)
  return {
    usable,
    make() {
      if (!usable) return undefined
      const path = join(home, `${PREFIX}${mine}-${++count}`)
      try {
        mkdirSync(path)
        return path
      } catch {
        // The limit of groups is reached, or the agent was moved: the job is ended the other way.
        return undefined
      }
    },
  }
}

function isOrphan(name: string): boolean {
  const owner = name.startsWith(PREFIX) ? Number(name.slice(PREFIX.length).split('-', 1)[0]) : Number.NaN
  return owner > 0 && startTimeOf(owner) === ''
}

/** Where the agent itself is in the one hierarchy of version 2, which is mounted beside those of version 1 on some hosts. */
function ownCgroup(): string | undefined {
  try {
    const mount = /^\S+ \S+ \S+ \/ (\S+) [^\n]* - cgroup2 /m.exec(readFileSync('/proc/self/mountinfo', 'utf8'))?.[1]
    const path = /^0::(\/.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1]
    return mount === undefined || path === undefined || path.includes('/..') ? undefined : join(mount, path)
  } catch {
    return undefined
  }
}

function canUse(home: string): boolean {
  const path = join(home, `${PREFIX}try-${process.pid}`)
  try {
    mkdirSync(path)
  } catch {
    return false
  }
  try {
    const enter = `echo 0 >'${join(path, 'cgroup.procs').replaceAll("'", "'\\''")}'`
    return (
      existsSync(join(path, 'cgroup.kill')) && spawnSync('/bin/sh', ['-c', enter], { stdio: 'ignore' }).status === 0
    )
  } catch {
    return false
  } finally {
    removeCgroup(path)
  }
}

/** Processes in it and in the groups that the step has made in it. */
export function processesOf(cgroup: string): number[] {
  try {
    const own = readFileSync(join(cgroup, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number)
    return [...own, ...groupsIn(cgroup).flatMap(processesOf)]
  } catch {
    return []
  }
}

export function killCgroup(cgroup: string): void {
  try {
    writeFileSync(join(cgroup, 'cgroup.kill'), '1')
  } catch {
    // Gone already.
  }
}

/** False while there are processes in it. */
export function removeCgroup(cgroup: string): boolean {
  try {
    for (const inner of groupsIn(cgroup)) removeCgroup(inner)
    rmdirSync(cgroup)
    return true
  } catch {
    return !existsSync(cgroup)
  }
}

function groupsIn(cgroup: string): string[] {
  const entries = readdirSync(cgroup, { withFileTypes: true })
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(cgroup, entry.name))
}
