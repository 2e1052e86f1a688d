// Owns ending a job's processes: all of them, also those that left its session, changed parents or ignore TERM.
import { setTimeout as delay } from 'node:timers/promises'
import { killCgroup, processesOf, removeCgroup } from './cgroup.ts'
import { environmentOf, listProcesses, type ProcessEntry } from './process-table.ts'

/** How long processes that do not even die of KILL are waited for (a dead network file system holds them). */
const UNKILLABLE_MS = 15_000

export interface Tree {
  /** Environment entry that every process of the job was started with. */
  marker: string
  /** The wrapper. It notes the exit code, so it, its parent and its guard are spared: they end with the agent, or when the step has. */
  leader: number | undefined
  /** The session that the step was started in. */
  session: number | undefined
  /** Writes the output to the disk, and ends with the last process that can print; spared too. */
  readonly reader: number | undefined
  /** Start time of the leader in the host's ticks; nothing older belongs to the job. 0: unknown. */
  since: number
  /** Holds all of it, and the helper that started it, where the host allows. */
  cgroup: string | undefined
  /** How it has ended is noted. */
  readonly isNoted: boolean
}

/**
 * A process belongs to a job when it is its wrapper, in its session or control group, carries its marker, or descends from one that does. Members found
 * once stay members (`known`, by id and start time): a child whose parent died has no other trace. One look for all trees.
 */
export function members(trees: readonly Tree[], known: Map<number, string>): Map<Tree, ProcessEntry[]> {
  const all = listProcesses().filter((entry) => entry.pid !== process.pid)
  const since = Math.min(...trees.map((tree) => tree.since))
  const byPid = new Map(trees.map((tree) => [tree.leader, tree]))
  const bySession = new Map(trees.map((tree) => [tree.session, tree]))
  const byMarker = new Map(trees.map((tree) => [tree.marker, tree]))
  const byGroup = new Map<number, Tree>()
  for (const tree of trees) for (const pid of tree.cgroup ? processesOf(tree.cgroup) : []) byGroup.set(pid, tree)
  const found = new Map<number, Tree>()
  for (const entry of all) {
    if (Number(entry.startTime) < since) continue
    let tree = byPid.get(entry.pid) ?? bySession.get(entry.session)
    // The helper is a child of the agent.
    if (!tree && entry.parent !== process.pid) tree = byGroup.get(entry.pid)
    if (!tree && known.get(entry.pid) === entry.startTime) tree = trees[0]
    // Kernel threads (children of 2) have no environment; the agent's own helper and the like are no one's.
    if (!tree && entry.parent !== 2) tree = environmentOf(entry.pid, byMarker)
    if (tree) found.set(entry.pid, tree)
  }
  for (let grew = found.size > 0; grew; ) {
    grew = false
    for (const entry of all) {
      const tree = found.get(entry.parent)
      if (!tree || found.has(entry.pid)) continue
      found.set(entry.pid, tree)
      grew = true
    }
  }
  const lists = new Map<Tree, ProcessEntry[]>()
  for (const entry of all) {
    const tree = found.get(entry.pid)
    if (!tree) continue
    lists.set(tree, [...(lists.get(tree) ?? []), entry])
    known.set(entry.pid, entry.startTime)
  }
  return lists
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
    const alive = members([tree], known).get(tree) ?? []
    const others = strangers(tree, alive)
    if (others.length === 0 && (alive.length === 0 || tree.isNoted)) {
      if (tree.cgroup) removeCgroup(tree.cgroup)
      return 0
    }
    const elapsed = performance.now() - started
    if (elapsed < graceMs && !hurry.aborted) {
      for (const entry of others) {
        if (!told.has(entry.pid)) send(entry.pid, 'SIGTERM')
        // A stopped process cannot act on TERM.
        if (entry.stopped) send(entry.pid, 'SIGCONT')
        told.add(entry.pid)
      }
      await delay(Math.min(50, 10 + elapsed / 10), undefined, { signal: hurry }).catch(() => {})
      continue
    }
    killRounds++
    for (const entry of others) send(entry.pid, 'SIGKILL')
    // What starts others faster than they can be listed; with it go the wrapper and its helper.
    if (killRounds > 25 && tree.cgroup) killCgroup(tree.cgroup)
    // With the step dead they end by themselves; those that do not are ended too.
    if (killRounds > 50) for (const entry of alive) send(entry.pid, 'SIGKILL')
    if (performance.now() - started > graceMs + UNKILLABLE_MS) return alive.length
    await delay(others.length > 50 ? 1 : 20)
  }
}

/** Without those that start the step and write down what becomes of it. */
function strangers({ leader, reader }: Tree, alive: readonly ProcessEntry[]): ProcessEntry[] {
  const helper = alive.find(({ pid }) => pid === leader)?.parent
  return alive.filter(({ pid, parent }) => ![leader, reader, helper].includes(pid) && parent !== leader)
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended in the meantime, or it is not ours to end; the next look at the table shows which.
  }
}

/** Ends what a finished job has left running. Answers how many processes could not be ended. */
export type Sweep = (tree: Tree) => Promise<number>

/**
 * Ends what finished jobs left running. Looking for it reads the whole process table, so jobs that end close to each other
 * share one look.
 */
export function createSweeper(everyMs = 250): { add: Sweep; settled(): Promise<void> } {
  const waiting: { tree: Tree; over: (left: number) => void }[] = []
  let running: Promise<void> | undefined
  const never = new AbortController().signal
  async function run(): Promise<void> {
    while (waiting.length > 0) {
      await delay(everyMs)
      const swept = waiting.splice(0)
      const trees = swept.map(({ tree }) => tree)
      const found = members(trees, new Map())
      const ended = swept.map(async ({ tree, over }) => {
        const isLeft = strangers(tree, found.get(tree) ?? []).length > 0
        over(isLeft ? await killTree(tree, 1000, never) : 0)
      })
      await Promise.all(ended)
      // Of an agent before this one; those of helpers that still live cannot be removed.
      for (const { cgroup } of trees) if (cgroup) removeCgroup(cgroup)
    }
    running = undefined
  }
  return {
    add: (tree) =>
      new Promise((resolve) => {
        waiting.push({ tree, over: resolve })
        running ??= run()
      }),
    settled: () => running ?? Promise.resolve(),
  }
}
