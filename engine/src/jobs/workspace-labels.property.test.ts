import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { isTerminalJob, JobStatus } from '@ansflow/proto/status'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as world from '../../test/world.ts'
import type { JobState } from '../state.ts'
import { type AgentView, type Candidate, fits, isolatedWorkspace, pickJob } from './pick-job.ts'

const labels = fc.subarray(['gpu', 'mac', 'prod'])
const stepArbitrary = fc.record({
  needs: fc.array(fc.nat(7), { maxLength: 2 }),
  runsOn: labels,
  workspace: fc.constantFrom('', '', 'w', isolatedWorkspace),
  when: fc.constantFrom('', '', 'always()', 'false'),
  disabled: fc.constantFrom(false, false, false, true),
  retry: fc.constantFrom(undefined, { max: 1 }),
})
const graphArbitrary = fc.array(stepArbitrary, { minLength: 1, maxLength: 8 }).map((steps) =>
  world.graphOf(
    steps.map(({ needs, ...step }, index) => ({
      id: `s${index}`,
      needs: [...new Set(needs.filter((back) => back < index))].map((back) => ({ stepId: `s${back}` })),
      ...step,
    })),
  ),
)

function agentOf(own: string[], index: number): AgentView {
  const may = { capabilities: ['shell'], takesUntrusted: false, slots: 9, busy: 0, online: true, draining: false }
  return { id: `a${index}`, name: `a${index}`, organizationId: 'o', labels: own, claims: [], ...may }
}

class Fleet {
  readonly agents: AgentView[]

  constructor(agents: AgentView[]) {
    this.agents = agents
  }

  candidate({ state }: world.World, job: JobState): Candidate {
    const { id, labels, capability, workspace, availableAt, createdAt } = job
    const pinnedAgentId = state.pins.get(workspace) ?? ''
    const run = { runId: 'run', projectId: 'project', organizationId: 'o', priority: 0, untrusted: false }
    return { jobId: id, labels, capability, workspace, availableAt, queuedAt: createdAt, pinnedAgentId, ...run }
  }

  /** False: no agent may have the job. */
  offer(run: world.World, job: JobState, first: number): boolean {
    const candidate = this.candidate(run, job)
    const turned = [...this.agents.slice(first), ...this.agents.slice(0, first)]
    const agent = turned.find((one) => pickJob(one, [candidate], new Map(), job.availableAt))
    if (!agent) return false
    world.apply(run, { type: 'jobOffered', jobId: job.id, agentId: agent.id, agentName: agent.name })
    return true
  }

  /** Any agent that holds a workspace fits whatever waits for it. */
  check(run: world.World): void {
    for (const job of run.state.jobs.values()) {
      expect(job.labels).toEqual(expect.arrayContaining(job.step.definition.runsOn))
      const holder = this.agents.find(({ id }) => id === run.state.pins.get(job.workspace))
      if (job.status === JobStatus.QUEUED && holder && job.workspace !== isolatedWorkspace) {
        expect(fits(holder, this.candidate(run, job))).toBe(true)
      }
    }
  }
}

const outcomes = [Outcome.SUCCEEDED, Outcome.SUCCEEDED, Outcome.FAILED]

test('no agent gets a workspace of which it cannot run every step', () => {
  const choices = fc.infiniteStream(fc.nat(60))
  fc.assert(
    fc.property(graphArbitrary, fc.array(labels, { maxLength: 3 }), choices, (graph, others, choice) => {
      const fleet = new Fleet([...others, ['gpu', 'mac', 'prod']].map(agentOf))
      const run = world.newWorld(graph)
      world.apply(run, { type: 'started' })
      for (let turns = 0; !world.isOver(run); turns++) {
        if (turns > 500) throw new Error('the run waits for ever')
        fleet.check(run)
        const pick: number = choice.next().value
        const live = [...run.state.jobs.values()].filter(({ status }) => !isTerminalJob(status))
        const job = live[pick % live.length]
        if (pick === 1) run.state = world.restart(run.state)
        else if (!job || pick === 0) world.passTime(run)
        else if (job.status === JobStatus.QUEUED) {
          expect(fleet.offer(run, job, pick % fleet.agents.length), `${job.id} fits no agent`).toBe(true)
        } else if (pick === 2 && job.status !== JobStatus.RUNNING) {
          world.apply(run, { type: 'jobRejected', jobId: job.id, epoch: job.epoch, reason: 'full' })
        } else world.proceed(run, job, outcomes[pick % outcomes.length])
      }
    }),
    { numRuns: 1500 },
  )
})

test('steps that share a workspace ask for the same, those that are switched off for nothing', () => {
  const steps = [
    { id: 'a', runsOn: ['mac'] },
    { id: 'b', runsOn: ['gpu'], needs: [{ stepId: 'a' }] },
    { id: 'c', needs: [{ stepId: 'b' }] },
    { id: 'd', runsOn: ['prod'], disabled: true },
    { id: 'e', runsOn: ['big'], workspace: isolatedWorkspace },
  ]
  const run = world.newWorld(world.graphOf(steps))
  world.apply(run, { type: 'started' })
  world.runToEnd(run)
  const asked = [...run.state.jobs.values()].map(({ step, labels }) => [step.definition.id, labels])
  expect(Object.fromEntries(asked)).toEqual({ a: ['mac', 'gpu'], b: ['gpu', 'mac'], c: ['mac', 'gpu'], e: ['big'] })
})

test('a job asks for its own labels and no more of others than any agent can have', () => {
  const steps = Array.from({ length: 50 }, (_, i) => ({ id: `s${i}`, runsOn: [`x${i}`, `y${i}`] }))
  const run = world.newWorld(world.graphOf(steps))
  world.apply(run, { type: 'started' })
  for (const { labels, step } of run.state.jobs.values()) {
    expect(labels.length).toBeLessThanOrEqual(63)
    expect(labels.length).toBeGreaterThan(60)
    expect(labels.slice(0, 2)).toEqual(step.definition.runsOn)
  }
})
