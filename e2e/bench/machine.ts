// What figures depend on besides the product.
import { arch, cpus, totalmem } from 'node:os'
import { setTimeout } from 'node:timers/promises'
import { root, runCommand } from '../../deploy/dev/run-command.ts'

export interface Machine {
  processors: string
  memoryGb: number
  node: string
  commit: string
  /** Share of the processors that others used in the second before we began: with much of that, no figure is worth anything. */
  busyBefore: number
}

export async function describeMachine(): Promise<Machine> {
  const model = cpus()[0]?.model.trim() ?? arch()
  return {
    processors: `${cpus().length} × ${model}`,
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    node: process.version,
    commit: await commitOf(root),
    busyBefore: await busyShare(),
  }
}

export async function commitOf(checkout: string): Promise<string> {
  const git = (...words: string[]) => runCommand('git', words, { cwd: checkout }).catch(() => '')
  const changed = (await git('status', '--porcelain', '--untracked-files=no')) !== ''
  return `${(await git('rev-parse', '--short', 'HEAD')).trim() || 'unknown'}${changed ? ' with changes' : ''}`
}

export function machineLine({ processors, memoryGb, node, commit, busyBefore }: Machine, store: string): string {
  const busy = `${Math.round(busyBefore * 100)} % busy with other things`
  return `${processors}, ${memoryGb} GB, Node ${node}, commit ${commit}, ${store}; before: ${busy}`
}

async function busyShare(): Promise<number> {
  const before = times()
  await setTimeout(1000)
  const after = times()
  return 1 - (after.idle - before.idle) / (after.all - before.all)
}

function times(): { idle: number; all: number } {
  const sums = cpus().map(({ times }) => ({ idle: times.idle, all: Object.values(times).reduce((a, b) => a + b, 0) }))
  return sums.reduce((a, b) => ({ idle: a.idle + b.idle, all: a.all + b.all }))
}
