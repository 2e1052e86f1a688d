// A controller in a process of its own that measures how long its event loop is held, with one more process that calls it as
// other people do and measures how long they wait. Run by itself, this file is the first of them.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Role } from '@ansflow/proto/access'
import type { LogTables } from '../src/features/logs/log-tables.ts'
import type { DraftTables } from '../src/features/pipelines/draft.entity.ts'
import type { RunTables } from '../src/features/runs/run-tables.ts'
import type { TestController, TestUser } from './start-controller.ts'

export interface Target {
  url: string
  grpcAddress: string
  /** May do everything in the attacked project. */
  attacker: TestUser
  viewer: TestUser
  owner: TestUser
  projectId: string
  pipelineId: string
  /** Its step `one` has a log of 10 MB. */
  runId: string
  /** Pipelines whose drafts are stored as 50,000 changes; each is opened once. */
  longLogs: string[]
  /** A registration token that nobody has used. */
  registrationToken: string
  agentSecret: string
  /** Of one that has no jobs. */
  idleAgentSecret: string
  /** That the agent holds. */
  jobId: string
  largest: Largest
}

/** What is large to be told of: in the attacked project. */
interface Largest {
  /** Of 10,000 steps. */
  pipelineId: string
  /** Its run, which was canceled. */
  runId: string
  /** Of the run's last event. */
  seq: number
  /** A pipeline with so many runs that have large inputs. */
  inputsPipelineId: string
  inputsRuns: number
}

export interface Measured extends AsyncDisposable {
  target: Target
  /** While the input of this name is sent, again and again. */
  during(input: string): Promise<Figures>
}

export interface Figures {
  /** The longest that the loop ran without looking at anything else: its own thread's work, not what others took. */
  heldMs: number
  /** Of other people's calls. */
  p99Ms: number
  /** The same for calls of a process that has nothing to do: what the machine itself makes everybody wait. */
  idleP99Ms: number
  calls: number
  memoryMb: number
}

interface Other {
  other: TestUser
  otherProjectId: string
}

const self = fileURLToPath(import.meta.url)

export async function startMeasured(): Promise<Measured> {
  const controller = fork(self, { env: { ...process.env, ANSFLOW_TEST_LOG: 'error' } })
  const failed = once(controller, 'exit').then(() => Promise.reject(new Error('The controller could not be set up.')))
  const [target] = (await Promise.race([once(controller, 'message'), failed])) as [Target & Other]
  failed.catch(() => undefined)
  const other = fork(fileURLToPath(new URL('other-people.ts', import.meta.url)))
  await ask(other, { url: target.url, token: target.other.token, projectId: target.otherProjectId })
  const sender = fork(fileURLToPath(new URL('send-inputs.ts', import.meta.url)))
  await ask(sender, target)
  return {
    target,
    async during(input) {
      await ask(controller, 'begin')
      await ask(other, 'begin')
      const refused = await ask(sender, input)
      if (typeof refused === 'string') throw new Error(refused)
      await settled(target)
      const { p99Ms, idleP99Ms, calls } = (await ask(other, 'end')) as Figures
      const { heldMs, memoryMb } = (await ask(controller, 'end')) as Figures
      return { heldMs, p99Ms, idleP99Ms, calls, memoryMb }
    },
    async [Symbol.asyncDispose]() {
      for (const child of [sender, other, controller]) {
        child.send('stop')
        if (child.exitCode === null) await once(child, 'exit')
      }
    },
  }
}

/** What was begun may go on behind the answers: the next call is answered after it. */
async function settled({ url }: Target): Promise<void> {
  for (let n = 0; n < 5; n += 1) await fetch(`${url}/healthz`)
}

async function ask(child: ChildProcess, message: unknown): Promise<unknown> {
  const answer = once(child, 'message')
  child.send(message as object)
  return (await answer)[0]
}

async function serve(): Promise<void> {
  const { startController } = await import('./start-controller.ts')
  const { AgentService } = await import('@ansflow/proto/gen/ansflow/v1/agents_pb')
  const { PipelineService } = await import('@ansflow/proto/gen/ansflow/v1/pipelines_pb')
  const { RunService } = await import('@ansflow/proto/gen/ansflow/v1/runs_pb')
  const c = await startController({ file: true })
  const projectId = await c.addProject('Attacked')
  const otherProjectId = await c.addProject('Other')
  const attacker = await c.addUser({ role: Role.MAINTAINER, projectId })
  const viewer = await c.addUser({ role: Role.VIEWER, projectId })
  const { token } = await c.as(c.owner).client(AgentService).createRegistrationToken({})
  const yaml = 'name: attacked\nsteps:\n  one: { run: "true" }\n'
  const { pipeline } = await c.as(c.owner).client(PipelineService).applyPipeline({ projectId, yaml, publish: true })
  const pipelineId = pipeline?.id ?? ''
  const { run } = await c.as(c.owner).client(RunService).startRun({ pipelineId })
  const runId = run?.id ?? ''
  await writeLog(c.db, runId)
  const { agentSecret, idleAgentSecret, jobId } = await holdJob(c)
  const largest = await makeLargest(c, projectId)
  const probe = eventLoopProbe()
  process.on('message', (message) => {
    if (message === 'begin') process.send?.(probe.begin())
    else if (message === 'end') process.send?.(probe.end())
    else void c[Symbol.asyncDispose]().then(() => process.exit(0))
  })
  const target: Target = {
    url: c.url,
    grpcAddress: c.grpcAddress,
    attacker,
    viewer,
    owner: c.owner,
    projectId,
    pipelineId,
    runId,
    longLogs: await writeLongLogs(c.db, projectId),
    registrationToken: token,
    agentSecret,
    idleAgentSecret,
    jobId,
    largest,
  }
  process.send?.({ ...target, other: c.owner, otherProjectId })
}

/** An agent that has taken one job, and one that has not. */
async function holdJob(c: TestController): Promise<{ agentSecret: string; idleAgentSecret: string; jobId: string }> {
  const { AgentService } = await import('@ansflow/proto/gen/ansflow/v1/agents_pb')
  const { registerFakeAgent } = await import('../src/features/agents/test/fake-agent.ts')
  const register = async (name: string) => {
    const { token } = await c.as(c.owner).client(AgentService).createRegistrationToken({})
    return registerFakeAgent(c.grpcAddress, token, name)
  }
  const { secret, control, close } = await register('busy')
  const stream = control()
  await stream.hello()
  const { job } = await stream.take()
  stream.cut()
  close()
  const idle = await register('idle')
  idle.close()
  return { agentSecret: secret, idleAgentSecret: idle.secret, jobId: job.jobId }
}

async function makeLargest(c: TestController, projectId: string): Promise<Largest> {
  const { PipelineService } = await import('@ansflow/proto/gen/ansflow/v1/pipelines_pb')
  const { RunService } = await import('@ansflow/proto/gen/ansflow/v1/runs_pb')
  const pipelines = c.as(c.owner).client(PipelineService)
  const runs = c.as(c.owner).client(RunService)
  const publish = async (yaml: string) =>
    (await pipelines.applyPipeline({ projectId, yaml, publish: true })).pipeline?.id ?? ''
  const steps = Array.from({ length: 10_000 }, (_, n) => `  s${n}: { run: "true", runsOn: [nowhere] }\n`)
  const pipelineId = await publish(`name: largest\nsteps:\n${steps.join('')}`)
  const { run } = await runs.startRun({ pipelineId })
  const runId = run?.id ?? ''
  await runs.cancelRun({ runId })
  const { run: canceled } = await runs.getRun({ runId })
  const text = '{ type: string, default: "" }'
  const inputsPipelineId = await publish(
    `name: inputs\ninputs: { text: ${text} }\nsteps:\n  one: { run: "true", runsOn: [nowhere] }\n`,
  )
  const inputsRuns = 100
  const inputs = { text: '"é\n'.repeat(16_000) }
  for (let n = 0; n < inputsRuns; n += 1) await runs.startRun({ pipelineId: inputsPipelineId, inputs })
  return { pipelineId, runId, seq: canceled?.seq ?? 0, inputsPipelineId, inputsRuns }
}

async function writeLog(db: TestController['db'], runId: string): Promise<void> {
  const { packRow } = await import('../src/features/logs/log-tables.ts')
  const tables = db.kysely<LogTables & RunTables>()
  const { id } = await tables.selectFrom('job').select('id').where('run_id', '=', runId).executeTakeFirstOrThrow()
  const data = Buffer.from(`${'a'.repeat(999)}\n`.repeat(60))
  const rows = 170
  for (let n = 0; n < rows; n += 1) {
    const times = { lines: [60], ms: [1] }
    const row = { offset: n * data.length, data, firstLine: n * 60, times, refilled: false }
    await tables
      .insertInto('log_chunk')
      .values(await packRow(id, row))
      .execute()
  }
  await tables
    .updateTable('job')
    .set({ log_size: rows * data.length })
    .where('id', '=', id)
    .execute()
}

const changes = 50_000
/** For every repetition of every attempt. */
const longLogs = 8

async function writeLongLogs(db: TestController['db'], projectId: string): Promise<string[]> {
  const { insertPipeline } = await import('../src/features/pipelines/create-pipeline.ts')
  const { seedOf } = await import('../src/features/pipelines/seed.ts')
  const { parsePipeline } = await import('@ansflow/proto/pipeline-yaml')
  const Y = await import('yjs')
  const tables = db.kysely<DraftTables>()
  const ids: string[] = []
  for (let n = 0; n < longLogs; n += 1) {
    const yaml = `name: long ${n}\nsteps:\n  one: { run: "true" }\n`
    const seed = seedOf(parsePipeline(yaml).graph, yaml)
    ids.push((await db.transaction((em) => insertPipeline(em, projectId, seed, new Date()))).id)
  }
  const doc = new Y.Doc()
  const rows: DraftTables['collab_update'][] = []
  const [first = ''] = ids
  doc.on('updateV2', (data: Uint8Array) => rows.push({ pipeline_id: first, seq: rows.length + 2, data }))
  for (let n = 0; n < changes; n += 1) doc.getMap('notes').set(`n${n % 1000}`, n)
  await db.transaction(async (em) => {
    const within = db.kysely<DraftTables>(em)
    for (let from = 0; from < changes; from += 1000) {
      await within
        .insertInto('collab_update')
        .values(rows.slice(from, from + 1000))
        .execute()
    }
  })
  for (const id of ids.slice(1)) {
    await tables
      .insertInto('collab_update')
      .columns(['pipeline_id', 'seq', 'data'])
      .expression((from) =>
        from
          .selectFrom('collab_update')
          .select((value) => [value.val(id).as('pipeline_id'), 'seq', 'data'])
          .where('pipeline_id', '=', first),
      )
      .execute()
  }
  await tables
    .updateTable('collab_snapshot')
    .set({ head_seq: changes + 1 })
    .where('pipeline_id', 'in', ids)
    .execute()
  return ids
}

const everyMs = 2

/** Time in which the machine ran something else is not counted: it says nothing of this program. */
function eventLoopProbe() {
  let heldMs = 0
  let memory = 0
  let wall = performance.now()
  let cpu = process.threadCpuUsage()
  setInterval(() => {
    const now = performance.now()
    const used = process.threadCpuUsage()
    const usedMs = (used.user - cpu.user + used.system - cpu.system) / 1000
    heldMs = Math.max(heldMs, Math.min(now - wall, usedMs))
    memory = Math.max(memory, process.memoryUsage.rss())
    wall = now
    cpu = used
  }, everyMs)
  return {
    begin() {
      heldMs = 0
      memory = 0
      return {}
    },
    end: () => ({ heldMs: Math.round(heldMs * 10) / 10, memoryMb: Math.round(memory / 1024 / 1024) }),
  }
}

if (process.argv[1] === self) await serve()
