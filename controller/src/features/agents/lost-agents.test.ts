// Silence: what it shows, when it costs jobs, and when it is the controller's own.

import type { RunEvent } from '@ansflow/engine/state'
import { AgentStatus } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { JobStatus } from '@ansflow/proto/status'
import { expect, test } from 'vitest'
import { memoryBus } from '../../platform/bus.ts'
import { manualClock } from '../../platform/clock.ts'
import { memoryFile, openDb } from '../../platform/db.ts'
import { uuidv7 } from '../../platform/ids.ts'
import { createLog } from '../../platform/log.ts'
import { AgentEntity } from './agent.entity.ts'
import { agentStatus } from './agent-status.ts'
import { createLostSweep } from './lost-agents.ts'

const log = createLog('silent')
const lostAfterMs = 30_000

async function world() {
  const db = await openDb({ kind: 'sqlite', file: memoryFile }, [AgentEntity])
  await db.orm.schema.create()
  const sql = db.orm.em.getConnection()
  await sql.execute('create table job (id text, run_id text, epoch int, status int, agent_id text, agent_name text)')
  const clock = manualClock()
  const bus = memoryBus(log)
  const told: string[] = []
  bus.subscribe('agent.changed', ({ agentId }) => told.push(agentId))
  const agentId = uuidv7()
  await db.em().insert(AgentEntity, {
    id: agentId,
    organizationId: uuidv7(),
    name: 'a',
    secretHash: 'h',
    labels: '',
    capabilities: '',
    slots: 1,
    version: '',
    host: '{}',
    load: null,
    draining: false,
    sessionId: null,
    leftAt: null,
    lastSeenAt: clock.now(),
    registeredAt: clock.now(),
  })
  await sql.execute("insert into job values (?, ?, ?, ?, ?, 'a')", ['job', 'run', 2, JobStatus.RUNNING, agentId])
  const submitted: RunEvent[] = []
  const submit = async (_runId: string, event: RunEvent) => {
    submitted.push(event)
    await sql.execute('update job set status = ?', [JobStatus.LOST])
    return 'applied' as const
  }
  const newSweep = () => createLostSweep({ db, bus, clock, log, jobs: { submit }, lostAfterMs })
  return { db, bus, clock, told, submitted, newSweep, sql, agentId }
}

/** Sweeps every five seconds for so long. */
async function watch(clock: { advance(ms: number): void }, sweep: () => Promise<void>, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 5000) {
    clock.advance(5000)
    await sweep()
  }
}

test('a silent agent is told of, then loses its jobs, once', async () => {
  const { db, bus, clock, told, submitted, newSweep, agentId } = await world()
  const sweep = newSweep()
  await sweep()
  await watch(clock, sweep, 25_000)
  await bus.settled()
  expect([submitted, told]).toEqual([[], [agentId]])
  await watch(clock, sweep, 10_000)
  expect(submitted).toEqual([{ type: 'jobLost', jobId: 'job', epoch: 2 }])
  await watch(clock, sweep, 30_000)
  expect(submitted.length).toBe(1)
  await db.close()
})

test('time in which nobody swept does not count against agents', async () => {
  const { db, clock, submitted, newSweep } = await world()
  clock.advance(3_600_000)
  // A controller that has just started.
  const sweep = newSweep()
  await sweep()
  await watch(clock, sweep, 25_000)
  expect(submitted).toEqual([])
  // A controller that was stopped for an hour and goes on.
  clock.advance(3_600_000)
  await sweep()
  expect(submitted).toEqual([])
  await watch(clock, sweep, 30_000)
  expect(submitted.length).toBe(1)
  await db.close()
})

test('a database that was away does not count against agents', async () => {
  const { db, clock, submitted, newSweep, sql } = await world()
  const sweep = newSweep()
  await sweep()
  await watch(clock, sweep, 20_000)
  await sql.execute('alter table agent rename to away')
  clock.advance(5000)
  await expect(sweep()).rejects.toThrow()
  await sql.execute('alter table away rename to agent')
  await watch(clock, sweep, 25_000)
  expect(submitted).toEqual([])
  await watch(clock, sweep, 10_000)
  expect(submitted.length).toBe(1)
  await db.close()
})

test('status follows from silence', () => {
  const now = new Date(1_000_000)
  const ago = (ms: number) => ({ lastSeenAt: new Date(now.getTime() - ms), leftAt: null })
  const status = (agent: Parameters<typeof agentStatus>[0]) => agentStatus(agent, now, lostAfterMs)
  expect(status(ago(14_999))).toBe(AgentStatus.ONLINE)
  expect(status(ago(15_000))).toBe(AgentStatus.UNREACHABLE)
  expect(status(ago(30_000))).toBe(AgentStatus.OFFLINE)
  expect(status({ lastSeenAt: null, leftAt: null })).toBe(AgentStatus.OFFLINE)
  expect(status({ ...ago(0), leftAt: now })).toBe(AgentStatus.OFFLINE)
})
