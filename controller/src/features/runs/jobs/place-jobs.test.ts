// Jobs that find an agent within the commit that queues them: each is offered once, and each seat is used once or given back.
import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { RunStatus } from '@ansflow/proto/status'
import { expect, test } from 'vitest'
import { waitFor } from '../../../../test/wait-for.ts'
import { type Candidate, jobById, type OfferedJob, type Placement, type RunDriver, type Seat } from '../index.ts'
import { databaseNow } from '../run-tables.ts'
import { queuedJobs } from '../test/queued-jobs.ts'
import { agentA, agentB, openRuns, type RunsWorld } from '../test/runs-world.ts'

const need = (stepId: string) => ({ stepId })

/** An agent that keeps seats for whatever is asked, as long as it has some, and does what it is offered. */
class Host {
  readonly offered: OfferedJob[] = []
  /** How often each seat was used. */
  readonly uses: number[] = []
  readonly agentId: string
  readonly driver: RunDriver
  slots: number
  given = 0

  constructor(world: RunsWorld, agentId: string, slots: number) {
    this.driver = world.newDriver({ place: (_organizationId, jobs) => this.#place(jobs) })
    this.agentId = agentId
    this.slots = slots
  }

  async #place(jobs: Candidate[]): Promise<Map<string, Seat>> {
    const seats = new Map<string, Seat>()
    for (const { jobId, pinnedAgentId, workspace } of jobs) {
      const elsewhere = workspace !== 'isolated' && pinnedAgentId !== '' && pinnedAgentId !== this.agentId
      if (this.slots > 0 && !elsewhere) seats.set(jobId, this.seat())
    }
    return seats
  }

  seat(): Seat {
    this.slots--
    const index = this.uses.push(0) - 1
    return {
      agentId: this.agentId,
      agentName: this.agentId,
      offer: (job) => {
        this.uses[index]!++
        this.offered.push(job)
        void this.#work(job)
      },
      giveBack: () => {
        this.uses[index]!++
        this.given++
        this.slots++
      },
    }
  }

  async #work({ runId, jobId, epoch }: OfferedJob): Promise<void> {
    const { driver } = this
    expect(await driver.submit(runId, { type: 'jobAccepted', jobId, epoch })).toBe('applied')
    this.slots++
    await driver.submit(runId, { type: 'jobFinished', jobId, epoch, outcome: Outcome.SUCCEEDED, exitCode: 0 })
  }
}

test('a chain whose jobs find an agent at once has one commit fewer for each, and its workspace stays there', async () => {
  await using world = await openRuns()
  const host = new Host(world, agentA, 1)
  const steps = [{ id: 'a' }, { id: 'b', needs: [need('a')] }, { id: 'c', needs: [need('b')] }]
  const { id: runId } = await host.driver.start(world.startOf(steps))
  await waitFor(async () => (await world.load(runId))?.state.status === RunStatus.SUCCEEDED)
  expect(host.offered.map(({ spec, epoch }) => [spec.stepId, epoch])).toEqual([
    ['a', 1],
    ['b', 1],
    ['c', 1],
  ])
  // The run with its first offer; then an accept and an end of each.
  expect((await world.load(runId))?.revision).toBe(1 + 2 * 3)
  expect(await world.db.kysely().selectFrom('workspace_pin').selectAll().execute()).toEqual([])
})

test('a job that is placed is its agent’s from the commit on, by the database’s clock', async () => {
  await using world = await openRuns()
  const seats: OfferedJob[] = []
  const place: Placement = async (_organizationId, jobs) => {
    const seat = {
      agentId: agentA,
      agentName: 'Anna',
      offer: (job: OfferedJob) => void seats.push(job),
      giveBack: () => {},
    }
    return new Map(jobs.map(({ jobId }) => [jobId, seat]))
  }
  const driver = world.newDriver({ place })
  const { id: runId } = await driver.start(world.startOf([{ id: 'a' }]))
  await driver.sweep()
  expect(await world.statuses(runId)).toBe('a:queued')
  expect((await jobById(world.db, seats[0]!.jobId))?.agentId).toBe(agentA)
  const late = await world.db
    .kysely<{ job: { id: string; offered_at: unknown } }>()
    .selectFrom('job')
    .select('id')
    .where('offered_at', '<=', databaseNow(world.db.dialect, 10))
    .execute()
  const all = await world.db.kysely().selectFrom('job').selectAll().where('offered_at', 'is not', null).execute()
  expect([late, all.length, seats.length]).toEqual([[], 1, 1])
})

test('two controllers that place and claim at once offer each job once, and give back every other seat', async () => {
  await using world = await openRuns()
  const hosts = [new Host(world, agentA, 3), new Host(world, agentB, 2)] as const
  const width = 10
  const ids = Array.from({ length: width }, (_, i) => `s${i}`)
  const runs = await Promise.all(
    hosts.map(({ driver }) =>
      driver.start(
        world.startOf([
          { id: 'first', workspace: 'isolated' },
          ...ids.map((id) => ({ id, workspace: 'isolated', needs: [need('first')] })),
          ...ids.map((id) => ({ id: `${id}b`, workspace: 'isolated', needs: [need(id)] })),
          { id: 'last', workspace: 'isolated', needs: ids.map((id) => need(`${id}b`)) },
        ]),
      ),
    ),
  )
  const over = async () => {
    const statuses = await Promise.all(runs.map(async ({ id }) => (await world.load(id))?.state.status))
    return statuses.every((status) => status === RunStatus.SUCCEEDED)
  }
  while (!(await over())) {
    // Both dispatchers want all that waits.
    const waiting = await queuedJobs(world.db, 100)
    await Promise.all(
      hosts.flatMap((host) =>
        waiting.slice(0, host.slots).map(({ runId, jobId }) => host.driver.claim(runId, jobId, host.seat())),
      ),
    )
  }
  const offers = hosts.flatMap(({ offered }) => offered.map(({ jobId, epoch }) => `${jobId} ${epoch}`))
  expect(offers).toHaveLength(2 * (2 + 2 * width))
  expect(new Set(offers).size).toBe(offers.length)
  for (const { uses } of hosts) expect(uses.every((count) => count === 1)).toBe(true)
  expect(hosts[0].given + hosts[1].given).toBeGreaterThan(0)
})

test('seats for a commit that cannot be made are given back', async () => {
  await using world = await openRuns('silent')
  const host = new Host(world, agentA, 5)
  await world.db.kysely().schema.alterTable('run_event').renameTo('run_event_away').execute()
  const start = world.startOf([{ id: 'a' }])
  await expect(host.driver.start(start)).rejects.toThrow()
  expect([host.slots, host.offered.length, host.uses.every((count) => count === 1)]).toEqual([5, 0, true])
  await world.db.kysely().schema.alterTable('run_event_away').renameTo('run_event').execute()
  const { id: runId } = await host.driver.start(start)
  await waitFor(async () => (await world.load(runId))?.state.status === RunStatus.SUCCEEDED)
})
