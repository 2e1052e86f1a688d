// The events of a run, folded, are what GetRun answers: also what its logs add, before and after its end.
import { createHash } from 'node:crypto'
import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { type Run, RunSchema, type RunStep, RunStepSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { isTerminal } from '@ansflow/proto/status'
import { toJson } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { waitFor } from '../../../../test/wait-for.ts'
import { AgentWorld } from '../../agents/test/agent-world.ts'
import type { FakeLogs } from '../../agents/test/fake-agent.ts'

/** As anybody does who follows a run: the last head, the last of each step. */
async function folded(world: AgentWorld, runId: string): Promise<Run> {
  let head: Run | undefined
  const steps = new Map<string, RunStep>()
  for await (const event of world.runs.watchRun({ runId })) {
    head = event.run
    for (const step of event.steps) steps.set(step.id, step)
  }
  head!.steps = [...steps.values()]
  return head!
}

const logOf = (text: string) => ({ data: Buffer.from(text), sha256: createHash('sha256').update(text).digest() })

function sendWhole(logs: FakeLogs, job: { jobId: string; epoch: number }, text: string) {
  const { data, sha256 } = logOf(text)
  logs.send({ job, offset: 0n, data, lineLengths: [data.length], lineMs: [1] })
  logs.send({ job, offset: BigInt(data.length), finalSize: BigInt(data.length), finalSha256: sha256 })
  return logs.answer((answer) => answer.job?.jobId === job.jobId && answer.complete)
}

test('the events of a run fold to the run, with logs that are whole before its steps end, between them and after its end', async () => {
  await using world = await AgentWorld.start()
  const agent = await world.register()
  const control = agent.control()
  await control.hello()
  const logs = agent.logs()
  const runId = await world.startRun([
    { id: 'early' },
    { id: 'between', needs: [{ stepId: 'early' }] },
    { id: 'late', needs: [{ stepId: 'between' }] },
  ])
  const take = async (id: string) => {
    const { job, stepId } = await control.take()
    expect(stepId).toBe(id)
    control.say({ case: 'started', value: { job } })
    return job
  }
  const finish = async (job: { jobId: string; epoch: number }, logSize: number) => {
    control.say({
      case: 'finished',
      value: { job, outcome: Outcome.SUCCEEDED, exitCode: 0, logSize: BigInt(logSize) },
    })
    await control.hear('finishedAck')
  }
  const early = await take('early')
  await sendWhole(logs, early, 'one\n')
  await finish(early, 4)
  const between = await take('between')
  await finish(between, 8)
  const late = await take('late')
  await sendWhole(logs, between, 'one two\n')
  await finish(late, 14)
  await waitFor(async () => isTerminal((await world.runs.getRun({ runId })).run!.status))
  const ended = await folded(world, runId)
  expect(ended.steps.map((step) => step.attempts[0]?.logComplete)).toEqual([true, true, false])

  await sendWhole(logs, late, 'one two three\n')
  const { run } = await world.runs.getRun({ runId })
  const now = await folded(world, runId)
  expect(run?.steps.map(({ attempts: [first] }) => [first?.logSize, first?.logComplete])).toEqual([
    [4n, true],
    [8n, true],
    [14n, true],
  ])
  expect(now.steps.map((step) => toJson(RunStepSchema, step))).toEqual(
    run?.steps.map((step) => toJson(RunStepSchema, step)),
  )
  expect(toJson(RunSchema, { ...now, steps: [] })).toEqual(toJson(RunSchema, { ...run!, steps: [] }))
  // Whoever had followed it to its end finds the rest behind what it has.
  const rest = []
  for await (const event of world.runs.watchRun({ runId, afterSeq: ended.seq })) rest.push(event)
  expect(rest.flatMap(({ steps }) => steps.map(({ id }) => id))).toEqual(['late'])
})
