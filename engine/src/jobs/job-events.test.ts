import { JobStatus } from '@ansflow/proto/status'
import { expect, test } from 'vitest'
import { apply, graphOf, newWorld, picture, runToEnd } from '../../test/world.ts'

test('a log that is whole is told, also after the end and again, and changes nothing else', () => {
  const world = newWorld(graphOf([{ id: 'a' }]))
  apply(world, { type: 'started' })
  runToEnd(world)
  const before = picture(world.state)
  const [job] = world.state.jobs.values()
  for (let times = 0; times < 2; times++) {
    const { result, steps, jobs } = apply(world, { type: 'jobLogged', jobId: job!.id, size: 12 })
    expect([result, steps.map(({ definition }) => definition.id), jobs]).toEqual(['applied', ['a'], []])
  }
  expect(job).toMatchObject({ logSize: 12, logComplete: true })
  expect(picture(world.state)).toEqual(before)
})

test('a job that was offered to an agent that is silent says so, and again that it was offered', () => {
  const world = newWorld(graphOf([{ id: 'a' }]))
  apply(world, { type: 'started' })
  const [job] = world.state.jobs.values()
  apply(world, { type: 'jobOffered', jobId: job!.id, agentId: 'agent', agentName: 'agent' })
  const id = { jobId: job!.id, epoch: job!.epoch }
  const said = () => job!.step.reason?.code
  apply(world, { type: 'jobSilent', ...id, since: world.now, lostAt: world.now })
  expect(said()).toBe('unreachable')
  apply(world, { type: 'jobHeard', ...id })
  expect(said()).toBe('offered')
})

test('who is certain that a job does not run takes it back; whoever else misses its agent takes it for lost', () => {
  const offered = () => {
    const world = newWorld(graphOf([{ id: 'a' }]))
    apply(world, { type: 'started' })
    const [job] = world.state.jobs.values()
    apply(world, { type: 'jobOffered', jobId: job!.id, agentId: 'agent', agentName: 'agent' })
    return { world, job: job!, id: { jobId: job!.id, epoch: job!.epoch } }
  }
  const first = offered()
  apply(first.world, { type: 'jobRejected', ...first.id, reason: 'full' })
  expect(first.job.status).toBe(JobStatus.QUEUED)
  expect(apply(first.world, { type: 'jobAccepted', ...first.id }).result).toBe('stale')

  const second = offered()
  apply(second.world, { type: 'jobAccepted', ...second.id })
  expect(apply(second.world, { type: 'jobRejected', ...second.id, reason: 'late' }).result).not.toBe('stale')
  expect(second.job.status).toBe(JobStatus.ACCEPTED)

  const third = offered()
  apply(third.world, { type: 'jobLost', ...third.id })
  expect(third.job.status).toBe(JobStatus.LOST)

  const fourth = offered()
  apply(fourth.world, { type: 'jobStranded', jobId: fourth.job.id, agentId: 'agent', agentName: 'agent' })
  expect(fourth.job.status).toBe(JobStatus.LOST)

  const fifth = offered()
  apply(fifth.world, { type: 'jobStarted', ...fifth.id })
  expect(fifth.job.status).toBe(JobStatus.RUNNING)
})
