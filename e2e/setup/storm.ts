// A storm of deliveries on two controllers, of which one goes away in the middle and comes back: senders send again until they are
// answered, as forges do, and some also what was answered.
import { execFileSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConnectionService, ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import { DeliveryService, RepositoryDeliveryResult } from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import { RepositoryService } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import type { ExpectStatic } from 'vitest'
import { runCommand } from '../../deploy/dev/run-command.ts'
import { percentile } from '../bench/statistics.ts'
import type { Cluster } from './cluster.ts'
import { GitServer } from './git-server.ts'
import type { System } from './system.ts'
import { waitFor } from './wait-for.ts'

export interface Storm {
  deliveries: number
  perSecond: number
  repositories: number
  /** What happens to one of them in the middle: it dies, or stands still for longer than what it works on is its own, and goes on. */
  outage: 'kill' | 'pause'
}

export interface Weathered {
  /** Of each delivery that was sent: its commit, and the id that it was answered with. */
  answered: Map<string, string>
  /** Of answers, until they were read; sorted. */
  answerMs: number[]
  /** That got no answer, or none of success. */
  failures: number
  /** Of what was answered twice: ids that differ. */
  torn: string[]
  /** By commit: the deliveries that its runs are of. */
  runs: Map<string, string[]>
  /** Of deliveries that are kept, what became of them. */
  results: Set<string>
  /** From the first that was sent until the last was worked off. */
  allMs: number
}

interface Target {
  path: string
  secret: string
  repositoryId: string
  commits: string[]
}

const file = `name: NAME
on: { push: { branches: [main] } }
steps:
  one: { uses: wait, with: { until: "2020-01-01T00:00:00Z" } }
`
/** One in so many is sent once more, as if its answer had been lost. */
const repeatsOneIn = 20
/** What a controller works on is its own for 30 s. */
const pausedMs = 35_000
/** As a forge's own, much quicker. */
const pauseMs = 100

export async function weather({ first, second }: Cluster, storm: Storm): Promise<Weathered> {
  const folder = await mkdtemp(join(tmpdir(), 'ansflow-storm-'))
  const server = await new GitServer(folder).listen()
  try {
    const each = Math.ceil(storm.deliveries / storm.repositories)
    const names = Array.from({ length: storm.repositories }, (_, n) => `shop${n}`)
    const projectId = (await first.api.projects.createProject({ name: 'Storm' })).project?.id ?? ''
    const targets: Target[] = []
    const { connection } = await first
      .client(ConnectionService)
      .createConnection({ projectId, name: 'git', kind: ForgeKind.GIT, url: `http://127.0.0.1:${server.port}` })
    for (const name of names) {
      const commits = await history(folder, name, each + 1)
      targets.push(await connect(first, { projectId, connectionId: connection?.id ?? '', name, commits }))
    }
    const began = performance.now()
    const sent = await send([first, second], targets, storm)
    await workedOff(second, targets)
    const allMs = performance.now() - began
    return { ...sent, runs: await runsOf(second, projectId), results: await resultsOf(second, targets), allMs }
  } finally {
    await server[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  }
}

/** `<name>.git`, one commit on top of the other on main; answers them, the oldest first. */
async function history(folder: string, name: string, count: number): Promise<string[]> {
  const cwd = join(folder, `${name}.git`)
  await runCommand('git', ['init', '-q', '--bare', '-b', 'main', cwd])
  const text = file.replace('NAME', name)
  const commits = Array.from({ length: count }, (_, n) => {
    const message = `Change ${n}`
    const files =
      n === 0
        ? `M 100644 inline ansflow.yaml\ndata ${text.length}\n${text}\n`
        : `M 100644 inline code.c\ndata ${message.length}\n${message}\n`
    return `commit refs/heads/main\ncommitter T <t@example.test> ${1e9 + n} +0000\ndata ${message.length}\n${message}\n${files}\n`
  })
  execFileSync('git', ['fast-import', '--quiet'], { cwd, input: commits.join('') })
  return (await runCommand('git', ['rev-list', '--reverse', 'main'], { cwd })).trim().split('\n')
}

async function connect(
  system: System,
  {
    projectId,
    connectionId,
    name,
    commits,
  }: { projectId: string; connectionId: string; name: string; commits: string[] },
): Promise<Target> {
  const repositories = system.client(RepositoryService)
  const asked = { projectId, connectionId, fullName: `${name}.git` }
  const { repository, hookSecret } = await repositories.connectRepository(asked)
  const repositoryId = repository?.id ?? ''
  await waitFor(
    async () => (await repositories.getRepository({ repositoryId })).repository?.headCommit === commits.at(-1),
    { what: 'the pipelines in the repository are known', timeoutMs: 30_000 },
  )
  return { path: repository?.hook?.path ?? '', secret: hookSecret, repositoryId, commits }
}

async function send(systems: [System, System], targets: Target[], { deliveries, perSecond, outage: kind }: Storm) {
  const [first] = systems
  const answered = new Map<string, string>()
  const answerMs: number[] = []
  const torn: string[] = []
  let failures = 0

  async function post(to: System, target: Target, n: number): Promise<string | undefined> {
    const [before, after] = [target.commits[n - 1], target.commits[n]!]
    const body = JSON.stringify({ ref: 'refs/heads/main', before, after, sender: 'ann' })
    const signature = `sha256=${createHmac('sha256', target.secret).update(body).digest('hex')}`
    const began = performance.now()
    try {
      const response = await fetch(to.url + target.path, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-ansflow-event': 'push',
          'x-ansflow-delivery': after,
          'x-ansflow-signature': signature,
        },
        body,
        signal: AbortSignal.timeout(10_000),
      })
      const { delivery } = (await response.json()) as { delivery?: string }
      if (response.ok && delivery) {
        answerMs.push(performance.now() - began)
        return delivery
      }
    } catch {
      // It is down, or went down with the answer.
    }
    failures++
    return undefined
  }

  async function deliver(index: number): Promise<void> {
    const target = targets[index % targets.length]!
    const n = Math.floor(index / targets.length) + 1
    for (let turn = index; ; turn++) {
      const id = await post(systems[turn % 2]!, target, n)
      if (id === undefined) {
        await pause(pauseMs)
        continue
      }
      const known = answered.get(target.commits[n]!)
      if (known !== undefined && known !== id) torn.push(`${known} ${id}`)
      answered.set(target.commits[n]!, id)
      if (known !== undefined || index % repeatsOneIn !== 0) return
    }
  }

  const began = performance.now()
  const all: Promise<void>[] = []
  let outage: Promise<void> | undefined
  for (let index = 0; index < deliveries; index++) {
    await pause(began + (index * 1000) / perSecond - performance.now())
    all.push(deliver(index))
    if (index === Math.floor(deliveries / 2)) outage = kind === 'kill' ? killed(first) : paused(first)
  }
  await Promise.all(all)
  await outage
  return { answered, answerMs: answerMs.sort((a, b) => a - b), failures, torn }
}

async function killed(system: System): Promise<void> {
  await system.killController()
  await system.startController()
}

async function paused({ controller }: System): Promise<void> {
  controller?.kill('SIGSTOP')
  await pause(pausedMs)
  controller?.kill('SIGCONT')
}

async function pause(ms: number): Promise<void> {
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms))
}

async function workedOff(system: System, targets: Target[]): Promise<void> {
  const service = system.client(DeliveryService)
  for (const { repositoryId } of targets) {
    await waitFor(
      async () => {
        const { deliveries } = await service.listRepositoryDeliveries({
          repositoryId,
          results: [RepositoryDeliveryResult.TAKEN],
        })
        return deliveries.length === 0
      },
      { what: 'all deliveries are worked off', timeoutMs: 240_000 },
    )
  }
}

async function runsOf(system: System, projectId: string): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>()
  for (let pageToken = ''; ; ) {
    const page = await system.api.runs.listRuns({ projectId, pageSize: 100, pageToken })
    for (const { origin } of page.runs) {
      const commit = origin?.git?.commit ?? ''
      const id = origin?.cause.case === 'webhook' ? origin.cause.value.deliveryId : ''
      found.set(commit, [...(found.get(commit) ?? []), id])
    }
    if (page.nextPageToken === '') return found
    pageToken = page.nextPageToken
  }
}

async function resultsOf(system: System, targets: Target[]): Promise<Set<string>> {
  const results = new Set<string>()
  for (const { repositoryId } of targets) {
    const { deliveries } = await system.client(DeliveryService).listRepositoryDeliveries({ repositoryId })
    for (const { result } of deliveries) results.add(RepositoryDeliveryResult[result])
  }
  return results
}

/** Each has begun one run, the one that its answer named, and all is decided. Says how long answers took. */
export async function expectNothingLost(cluster: Cluster, storm: Storm, expect: ExpectStatic): Promise<void> {
  const { answered, answerMs, failures, torn, runs, results, allMs } = await weather(cluster, storm)
  const at = (share: number) => Math.round(percentile(answerMs, share))
  process.stdout.write(
    `${answered.size} deliveries, ${failures} unanswered tries: answers p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, ` +
      `p99 ${at(0.99)} ms; all worked off after ${(allMs / 1000).toFixed(1)} s\n`,
  )
  expect(answered.size).toBe(storm.deliveries)
  expect(failures).toBeGreaterThan(0)
  expect(torn).toEqual([])
  expect(results).toEqual(new Set(['STARTED']))
  const once = new Map([...answered].map(([commit, id]) => [commit, [id]]))
  expect(runs).toEqual(once)
}
