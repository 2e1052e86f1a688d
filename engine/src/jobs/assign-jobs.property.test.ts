// Jobs that are placed while they are being queued go where a pass over the queue would have sent them.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { assignAlone, assignJobs } from './assign-jobs.ts'
import { type AgentView, type Candidate, fits, isAtLimit, isolatedWorkspace, isPinned, shareOf } from './pick-job.ts'

const now = new Date('2030-01-01T00:00:00Z')

const agentArbitrary = fc.record({
  labels: fc.subarray(['gpu', 'mac']),
  capabilities: fc.subarray(['shell', 'checkout'], { minLength: 1 }),
  takesUntrusted: fc.boolean(),
  slots: fc.integer({ min: 1, max: 3 }),
  busy: fc.nat(3),
  draining: fc.nat(3).map((n) => n === 0),
})
const jobArbitrary = fc.record({
  runId: fc.constantFrom('r1', 'r2'),
  projectId: fc.constantFrom<string>('p1', 'p2', 'p3'),
  priority: fc.nat(2),
  age: fc.nat(3),
  delayed: fc.nat(9),
  labels: fc.subarray(['gpu', 'mac']),
  untrusted: fc.nat(3).map((n) => n === 0),
  capability: fc.constantFrom('shell', 'checkout'),
  workspace: fc.constantFrom('shared', 'own', isolatedWorkspace),
  pinned: fc.option(fc.nat(3), { freq: 1 }),
})
const theirs = (projectId: string) => shareOf({ projectId, untrusted: true })
const runningArbitrary = fc.dictionary(fc.constantFrom('p1', 'p2', 'p3', theirs('p1'), theirs('p2')), fc.nat(5))

type Agent = typeof agentArbitrary extends fc.Arbitrary<infer T> ? T : never
type Job = typeof jobArbitrary extends fc.Arbitrary<infer T> ? T : never

function agentsOf(agents: Agent[]): AgentView[] {
  return agents.map((agent, i) => ({
    id: `a${i}`,
    name: `a${i}`,
    organizationId: 'o',
    claims: [],
    online: true,
    ...agent,
  }))
}

/** One agent holds a workspace of a run. */
function jobsOf(jobs: Job[]): Map<string, Candidate> {
  const pins = new Map<string, string>()
  const made = jobs.map(({ age, delayed, pinned, ...job }, i): Candidate => {
    const workspace = `${job.runId} ${job.workspace}`
    if (pinned !== null && !pins.has(workspace)) pins.set(workspace, `a${pinned}`)
    return {
      jobId: `j${i}`,
      organizationId: 'o',
      queuedAt: new Date(now.getTime() - age),
      availableAt: new Date(now.getTime() + (delayed === 0 ? 1 : 0)),
      pinnedAgentId: '',
      ...job,
    }
  })
  for (const job of made) job.pinnedAgentId = pins.get(`${job.runId} ${job.workspace}`) ?? ''
  return new Map(made.map((job) => [job.jobId, job]))
}

/** As often of one share as of several. */
const jobsArbitrary = fc
  .tuple(fc.array(jobArbitrary, { maxLength: 5 }), fc.boolean())
  .map(([jobs, one]) => (one ? jobs.map((job) => ({ ...job, projectId: 'p1', untrusted: jobs[0]!.untrusted })) : jobs))
const worlds = [fc.array(agentArbitrary, { maxLength: 4 }), jobsArbitrary] as const

test('jobs that are placed are those of a pass, on the same agents, whatever else runs; of several shares all go', () => {
  const placed = { one: 0, several: 0 }
  fc.assert(
    fc.property(...worlds, runningArbitrary, (agents, jobs, running) => {
      const alone = assignAlone(agentsOf(agents), jobsOf(jobs), now)
      if (alone.length === 0) return
      if (new Set(jobs.map(shareOf)).size > 1) {
        placed.several++
        expect(alone).toHaveLength(jobs.length)
        return
      }
      placed.one++
      const pass = assignJobs(agentsOf(agents), jobsOf(jobs), new Map(Object.entries(running)), now)
      const names = (assignments: typeof pass) => assignments.map(({ job, agentId }) => `${job.jobId} on ${agentId}`)
      expect(names(alone)).toEqual(names(pass))
    }),
    { numRuns: 5000 },
  )
  expect(placed.one).toBeGreaterThan(500)
  expect(placed.several).toBeGreaterThan(20)
})

const limitsArbitrary = fc.dictionary(fc.constantFrom('p1', 'p2'), fc.integer({ min: 1, max: 4 }))

test('no agent gets more or other than it may have, and none stays free while it could take what waits', () => {
  fc.assert(
    fc.property(...worlds, runningArbitrary, limitsArbitrary, (given, wanted, running, some) => {
      const agents = agentsOf(given)
      const before = new Map(agents.map(({ id, busy }) => [id, busy]))
      const left = jobsOf(wanted)
      const pins = new Map<string, string>()
      const limits = new Map(Object.entries(some))
      const counts = new Map(Object.entries(running))
      for (const { job, agentId } of assignJobs(agents, left, counts, now, limits)) {
        const agent = agents.find(({ id }) => id === agentId)!
        expect([agent.draining, fits(agent, job), job.availableAt <= now]).toEqual([false, true, true])
        expect(job.untrusted && !agent.takesUntrusted).toBe(false)
        if (job.workspace === isolatedWorkspace) continue
        const workspace = `${job.runId} ${job.workspace}`
        expect(pins.get(workspace) ?? (job.pinnedAgentId || agentId)).toBe(agentId)
        pins.set(workspace, agentId)
      }
      for (const [project, limit] of limits) {
        for (const share of [project, theirs(project)])
          expect(counts.get(share) ?? 0).toBeLessThanOrEqual(Math.max(limit, running[share] ?? 0))
      }
      for (const agent of agents) {
        expect(agent.busy).toBeLessThanOrEqual(Math.max(agent.slots, before.get(agent.id)!))
        if (agent.draining || agent.busy >= agent.slots) continue
        for (const job of left.values()) {
          const mayHave = fits(agent, job) && (!isPinned(job) || job.pinnedAgentId === agent.id)
          expect(mayHave && job.availableAt <= now && !isAtLimit(job, counts, limits)).toBe(false)
        }
      }
    }),
    { numRuns: 5000 },
  )
})

test('where strangers are not taken, trusted jobs go as if there were none, however many of theirs wait or run', () => {
  fc.assert(
    fc.property(...worlds, runningArbitrary, limitsArbitrary, (given, wanted, running, some) => {
      const guarded = given.map((agent) => ({ ...agent, takesUntrusted: false }))
      const limits = new Map(Object.entries(some))
      const go = (jobs: Iterable<Candidate>, counts: [string, number][]) => {
        const waiting = new Map([...jobs].map((job) => [job.jobId, job]))
        const gone = assignJobs(agentsOf(guarded), waiting, new Map(counts), now, limits)
        return gone.map(({ job, agentId }) => `${job.jobId} on ${agentId}`)
      }
      const counts = Object.entries(running)
      const alone = [...jobsOf(wanted).values()].filter(({ untrusted }) => !untrusted)
      const ours = counts.filter(([share]) => /^p\d$/.test(share))
      expect(go(jobsOf(wanted).values(), counts)).toEqual(go(alone, ours))
    }),
    { numRuns: 2000 },
  )
})
