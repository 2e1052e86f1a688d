// Owns ending a job's processes: all of them, also those that left its session, changed parents or ignore TERM.
import { setTimeout as delay } from 'node:timers/promises'
import { hasEnvironment, listProcesses, type ProcessEntry } from './process-table.ts'

/** How long processes that do not even die of KILL are waited for (a dead network file system holds them). */
const UNKILLABLE_MS = 15_000

export interface Tree {
  /** Environment entry that every process of the job was started with. */
  marker: Buffer
  /** The wrapper: leader of the job's session. It notes the exit code, so it is spared while it has that to do. */
  leader: number | undefined
}

/**
 * A process belongs to the job when it is in its session, descends from a member, or carries the marker. Members found
 * once stay members (by id and start time): a child whose parent died has no other trace.
 */
export function members(tree: Tree, known: Map<number, string>): ProcessEntry[] {
  const all = listProcesses().filter((entry) => entry.pid !== process.pid)
  const found = new Set<number>()
  for (const entry of all) {
    const before = known.get(entry.pid) === entry.startTime
    if (before || entry.session === tree.leader || entry.pid === tree.leader) found.add(entry.pid)
    else if (entry.parent !== 2 && entry.pid !== 2 && hasEnvironment(entry.pid, tree.marker)) found.add(entry.pid)
  }
  for (let grew = true; grew; ) {
    grew = false
    for (const entry of all) {
      if (found.has(entry.pid) || !found.has(entry.parent)) continue
      found.add(entry.pid)
      grew = true
    }
  }
  const list = all.filter((entry) => found.has(entry.pid))
  for (const entry of list) known.set(entry.pid, entry.startTime)
  return list
}

/**
 * TERM to all, then KILL to what is left after `graceMs`, again and again until nothing is. Answers how many could not be
 * ended. `hurry` makes KILL come at once.
 */
export async function killTree(tree: Tree, graceMs: number, hurry: AbortSignal): Promise<number> {
  const known = new Map<number, string>()
  const told = new Set<number>()
  const started = performance.now()
  let killRounds = 0
  for (;;) {
    const alive = members(tree, known)
    if (alive.length === 0) return 0
    const elapsed = performance.now() - started
    if (elapsed < graceMs && !hurry.aborted) {
      for (const entry of alive) {
        if (!told.has(entry.pid)) send(entry.pid, 'SIGTERM')
        // A stopped process cannot act on TERM.
        if (entry.stopped) send(entry.pid, 'SIGCONT')
        told.add(entry.pid)
      }
      await delay(Math.min(50, 10 + elapsed / 10), undefined, { signal: hurry }).catch(() => {})
      continue
    }
    killRounds++
    const others = alive.filter((entry) => entry.pid !== tree.leader)
    for (const entry of others) send(entry.pid, 'SIGKILL')
    // With its child dead the wrapper notes the code and ends by itself; one that does not is ended too.
    if (killRounds > 50 && tree.leader !== undefined) send(tree.leader, 'SIGKILL')
    if (performance.now() - started > graceMs + UNKILLABLE_MS) return alive.length
    await delay(others.length > 50 ? 1 : 20)
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended in the meantime, or it is not ours to end; the next look at the table shows which.
  }
}

/**
 * Ends what finished jobs left running. Looking for markers reads every process of the host, so jobs that end close to
 * each other share one look.
 */
export function createSweeper(everyMs = 100): { add(tree: Tree): void; settled(): Promise<void> } {
  let waiting: Tree[] = []
  let running: Promise<void> | undefined
  const never = new AbortController().signal
  async function run(): Promise<void> {
    while (waiting.length > 0) {
      await delay(everyMs)
      const trees = waiting
      waiting = []
      for (const tree of trees) await killTree(tree, 1000, never)
    }
    running = undefined
  }
  return {
    add(tree) {
      waiting.push(tree)
      running ??= run()
    },
    settled: () => running ?? Promise.resolve(),
  }
}
