// Owns what the agent tells about its host: facts once, load with every heartbeat.
import { execFile } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync, statfsSync, statSync, writeFileSync } from 'node:fs'
import { arch, availableParallelism, cpus, freemem, hostname, platform, release, totalmem } from 'node:os'
import { delimiter, join } from 'node:path'
import type { HostFactsSchema, HostLoadSchema } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import type { MessageInitShape } from '@bufbuild/protobuf'

/** Tools that pipelines commonly ask for, with the arguments that print their version. */
const TOOLS: Record<string, string[]> = {
  git: ['--version'],
  bash: ['--version'],
  node: ['--version'],
  npm: ['--version'],
  python3: ['--version'],
  go: ['version'],
  java: ['-version'],
  mvn: ['--version'],
  make: ['--version'],
  docker: ['--version'],
  podman: ['--version'],
  kubectl: ['version', '--client'],
  helm: ['version', '--short'],
  ansible: ['--version'],
  pwsh: ['--version'],
}

export type HostFacts = MessageInitShape<typeof HostFactsSchema>

export function hostFacts(tools: Record<string, string> = {}): HostFacts {
  return {
    hostname: hostname(),
    os: platform(),
    arch: arch(),
    cpus: availableParallelism(),
    memoryBytes: BigInt(totalmem()),
    osRelease: release(),
    tools,
  }
}

/** Looks only at tools that are on the PATH; one that does not answer in time is left out. */
async function findTools(path: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  const present = Object.entries(TOOLS).filter(([name]) => programOn(path, name) !== undefined)
  // One after the other: the agent's start should not take all CPUs of a busy host.
  for (const [name, args] of present) {
    const version = await versionOf(programOn(path, name)!, args, path)
    if (version) found[name] = version
  }
  return found
}

/** What was found so recently is not looked up again: an agent that is started over and over would do little else. */
const FRESH_MS = 60_000

/**
 * What was found the last time, at once; it is looked up again for the next time. Only the very first start waits, and not
 * for long.
 */
export async function toolsOfHost(path: string, cacheFile: string, waitMs: number): Promise<Record<string, string>> {
  const known = readTools(cacheFile)
  const age = Date.now() - (known?.at ?? 0)
  if (known && age >= 0 && age < FRESH_MS) return known.tools
  const found = findTools(path).then((tools) => {
    writeFileSync(cacheFile, JSON.stringify(tools), { mode: 0o600 })
    return tools
  })
  found.catch(() => {
    // A full disk: the next start looks again.
  })
  if (known) return known.tools
  const late = new Promise<Record<string, string>>((resolve) => setTimeout(resolve, waitMs, {}))
  return Promise.race([found, late])
}

function readTools(cacheFile: string): { tools: Record<string, string>; at: number } | undefined {
  try {
    return { tools: JSON.parse(readFileSync(cacheFile, 'utf8')), at: statSync(cacheFile).mtimeMs }
  } catch {
    return undefined
  }
}

/** The program's file, looked up as a shell would. */
export function programOn(path: string, name: string): string | undefined {
  for (const folder of path.split(delimiter).filter(Boolean)) {
    const file = join(folder, name)
    if (!existsSync(file)) continue
    try {
      accessSync(file, constants.X_OK)
      return file
    } catch {
      // Not to be run; the next folder may have one that is.
    }
  }
  return undefined
}

function versionOf(file: string, args: string[], path: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(file, args, { timeout: 5000, env: { PATH: path } }, (_error, stdout, stderr) => {
      resolve(/\d+(\.\d+)+[\w.+-]*/.exec(`${stdout}\n${stderr}`)?.[0] ?? '')
    })
  })
}

/** Each call answers the CPU share since the call before. */
export function createLoadMeter(dataPath: string): () => MessageInitShape<typeof HostLoadSchema> {
  let before = cpuTimes()
  return () => {
    const now = cpuTimes()
    const total = now.total - before.total
    const cpu = total > 0 ? 1 - (now.idle - before.idle) / total : 0
    before = now
    const disk = statfsSync(dataPath)
    return {
      cpu: Math.min(1, Math.max(0, cpu)),
      memoryUsedBytes: BigInt(totalmem() - freemem()),
      diskFreeBytes: BigInt(disk.bavail) * BigInt(disk.bsize),
      diskTotalBytes: BigInt(disk.blocks) * BigInt(disk.bsize),
    }
  }
}

function cpuTimes(): { idle: number; total: number } {
  let idle = 0
  let total = 0
  for (const { times } of cpus()) {
    idle += times.idle
    total += times.idle + times.user + times.nice + times.sys + times.irq
  }
  return { idle, total }
}
