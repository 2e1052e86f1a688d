// Running a part of a run again by the API: what runs, what is reused, where, and what is refused with what would do instead.
import { Role } from '@ansflow/proto/access'
import { type Offer, Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { ApprovalDecision, ApprovalService } from '@ansflow/proto/gen/ansflow/v1/approvals_pb'
import { ErrorInfoSchema } from '@ansflow/proto/gen/ansflow/v1/errors_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { RerunMode, RunService, RunStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { isTerminal, statusWord } from '@ansflow/proto/status'
import type { JsonObject } from '@bufbuild/protobuf'
import { Code, ConnectError } from '@connectrpc/connect'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { TestUser } from '../../../test/start-controller.ts'
import { waitFor } from '../../../test/wait-for.ts'
import { AgentWorld } from '../agents/test/agent-world.ts'
import type { FakeAgent, FakeControl } from '../agents/test/fake-agent.ts'
import type { RunTables } from './run-tables.ts'

const capabilities = ['shell', 'checkout', 'earlier_workspace']
const startsOffers = true
const host = { hostname: 'h', os: 'linux', arch: 'x64', workspaceHours: 24 }

let world: AgentWorld
let agent: FakeAgent
let control: FakeControl
let projectId: string
beforeAll(async () => {
  world = await AgentWorld.start()
  agent = await world.register()
  control = agent.control()
  await control.hello({ capabilities, startsOffers, host, slots: 9 })
})
afterAll(() => world[Symbol.asyncDispose]())
beforeEach(async () => {
  projectId = await world.controller.addProject()
})

const runsOf = (who: TestUser) => world.controller.as(who).client(RunService)

async function start(yaml: string, inputs = {}, by: TestUser = world.controller.owner): Promise<string> {
  const pipelines = world.controller.as(world.controller.owner).client(PipelineService)
  const { pipeline, problems } = await pipelines.applyPipeline({ projectId, yaml, publish: true })
  expect(problems).toEqual([])
  return (await runsOf(by).startRun({ pipelineId: pipeline!.id, inputs })).run!.id
}

/** Does every job of the run: those of `failing` fail. Answers what ran, and in which run's workspace, until the run has ended. */
async function play(runId: string, failing: readonly string[] = [], until = isTerminal): Promise<string[]> {
  const ran: string[] = []
  for (;;) {
    const { run } = await world.runs.getRun({ runId })
    if (until(run!.status)) return ran.sort()
    const offer = control.heard.findIndex(({ case: kind, value }) => kind === 'offer' && value.spec?.runId === runId)
    if (offer < 0) {
      await waitFor(async () => {
        const now = await world.runs.getRun({ runId })
        return until(now.run!.status) || control.heard.some(({ case: kind }) => kind === 'offer')
      })
      continue
    }
    const { job, spec } = control.heard.splice(offer, 1)[0]!.value as Offer
    const { stepId, workspaceRunId } = spec!
    ran.push(
      workspaceRunId ? `${stepId} in ${(await world.runs.getRun({ runId: workspaceRunId })).run!.number}` : stepId,
    )
    const failed = failing.includes(stepId)
    const outputs: Record<string, string> = failed ? {} : { v: `${stepId} of ${run!.number}` }
    const outcome = failed ? Outcome.FAILED : Outcome.SUCCEEDED
    control.say({ case: 'finished', value: { job: job!, outcome, exitCode: failed ? 1 : 0, outputs } })
    await control.hear('finishedAck')
  }
}

interface Ask {
  mode?: RerunMode
  stepIds?: string[]
  inputs?: JsonObject
}

async function rerun(runId: string, ask: Ask, by: TestUser = world.controller.owner): Promise<string> {
  return (await runsOf(by).rerunRun({ runId, ...ask })).run!.id
}

async function refused(
  runId: string,
  ask: Ask,
  by: TestUser = world.controller.owner,
): Promise<{ says: string; include: string }> {
  const error = ConnectError.from(await rerun(runId, ask, by).catch((thrown: unknown) => thrown))
  const [info] = error.findDetails(ErrorInfoSchema)
  expect(info?.reason).toBe('rerun_refused')
  return { says: error.rawMessage, include: info?.params.include ?? '' }
}

/** Each step with its end, and the number of the run that it is reused from. */
async function steps(runId: string): Promise<string[]> {
  const { run } = await world.runs.getRun({ runId })
  return run!.steps.map(
    ({ id, status, reused }) => `${id}:${statusWord(status)}${reused ? ` of ${reused.runNumber}` : ''}`,
  )
}

const chain = `name: chain
inputs: { level: { type: string, default: low }, other: { type: string, default: x } }
steps:
  checkout: { run: ./get, outputs: [v] }
  build: { needs: [checkout], run: 'make \${{ inputs.level }}', outputs: [v] }
  lint: { needs: [checkout], run: ./lint }
  test: { needs: [build], run: 'test \${{ steps.build.outputs.v }}' }
  ship: { needs: [test, lint], run: './ship \${{ inputs.other }}' }
  note: { needs: [{ step: ship, on: always }], run: ./note, when: always() }
`

describe('what runs', () => {
  test('from a step: that and all behind it, with the outputs and in the workspace of what is reused', async () => {
    const first = await start(chain)
    await play(first)
    const again = await rerun(first, { mode: RerunMode.FROM, stepIds: ['test'] })
    expect(await play(again)).toEqual(['note in 1', 'ship in 1', 'test in 1'])
    expect(await steps(again)).toEqual([
      'checkout:succeeded of 1',
      'build:succeeded of 1',
      'lint:succeeded of 1',
      'test:succeeded',
      'ship:succeeded',
      'note:succeeded',
    ])
    const { run } = await world.runs.getRun({ runId: again })
    expect(run).toMatchObject({ status: RunStatus.SUCCEEDED, rerunOf: first })
    const build = run!.steps.find(({ id }) => id === 'build')!
    expect(build).toMatchObject({
      outputs: { v: 'build of 1' },
      attempts: [],
      reused: { runId: first, runNumber: 1, attempts: 1 },
    })
    // Once more, of the second: what it has reused is still the first's.
    const third = await rerun(again, { mode: RerunMode.FROM, stepIds: ['ship'] })
    expect(await play(third)).toEqual(['note in 1', 'ship in 1'])
    expect((await steps(third)).slice(0, 4)).toEqual([
      'checkout:succeeded of 1',
      'build:succeeded of 1',
      'lint:succeeded of 1',
      'test:succeeded of 2',
    ])
  })

  test('failed only: what failed and what depends on it, also what was skipped for it', async () => {
    const first = await start(chain)
    await play(first, ['test'])
    expect(await steps(first)).toContain('ship:skipped')
    const again = await rerun(first, { mode: RerunMode.FAILED })
    expect(await play(again)).toEqual(['note in 1', 'ship in 1', 'test in 1'])
    expect((await world.runs.getRun({ runId: again })).run!.status).toBe(RunStatus.SUCCEEDED)
    expect(await refused(again, { mode: RerunMode.FAILED })).toEqual({
      says: 'No step of the run has failed, was canceled or lost. Run all again, or from a step.',
      include: '',
    })
  })

  test('one step alone: the run has it and what it waits for', async () => {
    const first = await start(chain)
    await play(first)
    const again = await rerun(first, { mode: RerunMode.ALONE, stepIds: ['build'] })
    expect(await play(again)).toEqual(['build in 1'])
    expect(await steps(again)).toEqual(['checkout:succeeded of 1', 'build:succeeded'])
  })

  test('all: nothing is reused, in a workspace of its own', async () => {
    const first = await start(chain)
    await play(first)
    const again = await rerun(first, { mode: RerunMode.ALL })
    expect(await play(again)).toEqual(['build', 'checkout', 'lint', 'note', 'ship', 'test'])
    await expect(rerun(first, { stepIds: ['build'] })).rejects.toMatchObject({ code: Code.InvalidArgument })
  })

  test('copies: those that failed, or all of them', async () => {
    const yaml = `name: copies
steps:
  plan: { run: ./plan, outputs: [v] }
  test: { needs: [plan], run: 't \${{ matrix.n }}', outputs: [v], matrix: { n: [1, 2, 3], failFast: false } }
  end: { needs: [test], run: 'e \${{ steps.test.outputs.v[0] }}', workspace: isolated }
`
    const first = await start(yaml)
    await play(first, ['test.1'])
    const again = await rerun(first, { mode: RerunMode.FAILED })
    expect(await play(again)).toEqual(['end', 'test.1 in 1'])
    expect(await steps(again)).toEqual([
      'plan:succeeded of 1',
      'test:succeeded',
      'test.0:succeeded of 1',
      'test.1:succeeded',
      'test.2:succeeded of 1',
      'end:succeeded',
    ])
    expect(await play(await rerun(again, { mode: RerunMode.FROM, stepIds: ['test'] }))).toEqual([
      'end',
      'test.0 in 1',
      'test.1 in 1',
      'test.2 in 1',
    ])
    expect(await play(await rerun(again, { mode: RerunMode.ALONE, stepIds: ['test.2'] }))).toEqual(['test.2 in 1'])
  })
})

describe('what is refused', () => {
  test('a step that is not there, or of which there is nothing yet', async () => {
    const first = await start(chain)
    expect((await refused(first, { mode: RerunMode.FROM, stepIds: ['nope'] })).says).toBe('The run has no step nope.')
    expect((await refused(first, { mode: RerunMode.FROM })).says).toMatch(/^Name the step/)
    expect(await refused(first, { mode: RerunMode.FROM, stepIds: ['build'] })).toEqual({
      says: 'Step checkout has not ended in that run, so there is nothing of it to reuse. Wait for its end, or run from it.',
      include: 'checkout',
    })
    await play(first)
  })

  test('what was left out for a need that is reused', async () => {
    const first = await start(chain)
    await play(first, ['test'])
    const left = {
      says: 'Step ship was left out for how test ended, and would be again, because that is reused. Run from test.',
      include: 'test',
    }
    expect(await refused(first, { mode: RerunMode.ALONE, stepIds: ['ship'] })).toEqual(left)
    expect(await refused(first, { mode: RerunMode.FROM, stepIds: ['ship'] })).toEqual(left)
    expect(await play(await rerun(first, { mode: RerunMode.FROM, stepIds: ['ship', 'test'] }))).toEqual([
      'note in 1',
      'ship in 1',
      'test in 1',
    ])
  })

  test('other inputs that a reused step has read', async () => {
    const first = await start(chain)
    await play(first)
    const ask = { mode: RerunMode.FROM, stepIds: ['ship'], inputs: { level: 'high' } }
    expect(await refused(first, ask)).toEqual({
      says: 'Step build has read level, which is to change, so what it has made cannot be reused. Run from it.',
      include: 'build',
    })
    const again = await rerun(first, { ...ask, stepIds: ['ship', 'build'] })
    expect(await play(again)).toEqual(['build in 1', 'note in 1', 'ship in 1', 'test in 1'])
    expect((await world.runs.getRun({ runId: again })).run!.inputs).toEqual({ level: 'high', other: 'x' })
    // The same value is no other one, and what only the step itself reads may change.
    const other = await rerun(first, { ...ask, inputs: { level: 'low', other: 'y' } })
    expect(await play(other)).toEqual(['note in 1', 'ship in 1'])
    await expect(rerun(first, { inputs: { nope: 1 } })).rejects.toMatchObject({ code: Code.InvalidArgument })
  })

  test('a workspace that another run uses, or whose agent is no more', async () => {
    const first = await start(chain)
    await play(first)
    const ask = { mode: RerunMode.FROM, stepIds: ['ship'] }
    const second = await rerun(first, ask)
    expect((await refused(first, ask)).says).toBe(
      'Run #2 works in the workspace shared of that run now. Wait for its end.',
    )
    await play(second)
    const gone = await world.register('gone', ['other'])
    const there = gone.control()
    await there.hello({ capabilities, host })
    const away = await start('name: away\nsteps:\n  a: { run: a, runsOn: [other] }\n  b: { needs: [a], run: b }\n')
    await there.succeed((await there.take()).job)
    await there.succeed((await there.take()).job)
    await waitFor(async () => isTerminal((await world.runs.getRun({ runId: away })).run!.status))
    await world.agents.deleteAgent({ agentId: gone.id })
    expect(await refused(away, { mode: RerunMode.FROM, stepIds: ['b'] })).toEqual({
      says: 'The workspace shared was on agent gone, which is no more. Run from a, which has filled it.',
      include: 'a',
    })
  })

  test('two that ask at once: one has the workspace', async () => {
    const first = await start(chain)
    await play(first)
    const ask = { mode: RerunMode.FROM, stepIds: ['ship'] }
    const asked = await Promise.allSettled(Array.from({ length: 4 }, () => rerun(first, ask)))
    const [one, ...others] = asked.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    expect(others).toEqual([])
    for (const each of asked) {
      if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: Code.FailedPrecondition })
    }
    expect(await play(one!)).toEqual(['note in 1', 'ship in 1'])
  })

  test('a workspace that the agent does not have any more: the step says so, once', async () => {
    const first = await start('name: w\nsteps:\n  a: { run: a }\n  b: { needs: [a], run: b, retry: { max: 2 } }\n')
    await play(first)
    const again = await rerun(first, { mode: RerunMode.FROM, stepIds: ['b'] })
    const { job } = await control.take()
    control.say({ case: 'finished', value: { job, outcome: Outcome.FAILED, reasonCode: 'workspace_gone' } })
    await control.hear('finishedAck')
    const { step, run } = await world.stepOf(again, 'b')
    expect(run.status).toBe(RunStatus.FAILED)
    expect(step.reason).toBe(
      'Agent fake does not have the workspace shared of the earlier run any more. Run again from a, which filled it.',
    )
  })

  test('an agent that cannot use earlier workspaces further', async () => {
    const old = await world.register('old', ['old'])
    const there = old.control()
    await there.hello()
    const first = await start('name: old\nsteps:\n  a: { run: a, runsOn: [old] }\n  b: { needs: [a], run: b }\n')
    await there.succeed((await there.take()).job)
    await there.succeed((await there.take()).job)
    await waitFor(async () => isTerminal((await world.runs.getRun({ runId: first })).run!.status))
    const { says } = await refused(first, { mode: RerunMode.FROM, stepIds: ['b'] })
    expect(says).toMatch(/^Agent old, which has the workspace shared, is too old/)
  })
})

describe('approvals', () => {
  const ship = `name: ship
inputs: { to: { type: string, default: a } }
steps:
  build: { run: ./build }
  sign-off: { uses: approval, needs: [build], with: { approvers: ["role:maintainer"] } }
  deploy: { needs: [sign-off], run: './deploy \${{ inputs.to }}' }
`
  const deploy = { mode: RerunMode.FROM, stepIds: ['deploy'] }

  async function decide(runId: string, who: TestUser, decision = ApprovalDecision.APPROVE): Promise<void> {
    const approvals = world.controller.as(who).client(ApprovalService)
    const approval = await waitFor(async () => (await approvals.listApprovals({ runId })).approvals[0])
    await approvals.decide({ approvalId: approval.id, decision })
  }
  const waits = (status: RunStatus) => status === RunStatus.RUNNING

  test('counts further for the same run, but not of whoever runs again, and not for other inputs', async () => {
    const ben = await world.controller.addUser({ role: Role.MAINTAINER })
    const first = await start(ship)
    const job = await control.take()
    await control.succeed(job.job)
    await decide(first, ben)
    await play(first, ['deploy'])
    expect(await refused(first, deploy, ben)).toEqual({
      says: 'You have approved sign-off in that run yourself, and who runs again may not decide. Run from it, so that others are asked.',
      include: 'sign-off',
    })
    expect(await refused(first, { ...deploy, inputs: { to: 'b' } })).toEqual({
      says: 'What was approved by sign-off were other inputs, so it is asked again. Run from it.',
      include: 'sign-off',
    })
    const again = await rerun(first, deploy)
    expect(await play(again)).toEqual(['deploy in 1'])
    expect(await steps(again)).toEqual(['build:succeeded of 1', 'sign-off:succeeded of 1', 'deploy:succeeded'])
    // Also of a run that has only reused it.
    expect((await refused(again, deploy, ben)).include).toBe('sign-off')
    const asked = await rerun(first, { ...deploy, stepIds: ['deploy', 'sign-off'], inputs: { to: 'b' } })
    await decide(asked, ben)
    expect(await play(asked)).toEqual(['deploy in 1'])
  })

  test('is asked again where it was rejected, or nobody had decided when the run was canceled', async () => {
    const ben = await world.controller.addUser({ role: Role.MAINTAINER })
    const rejected = await start(ship)
    await control.succeed((await control.take()).job)
    await decide(rejected, ben, ApprovalDecision.REJECT)
    await play(rejected)
    const canceled = await start(ship)
    await control.succeed((await control.take()).job)
    await waitFor(async () => waits((await world.runs.getRun({ runId: canceled })).run!.status))
    await world.until(canceled, 'sign-off', ({ reasonInfo }) => reasonInfo?.code === 'approval_waits')
    await world.runs.cancelRun({ runId: canceled })
    for (const runId of [rejected, canceled]) {
      expect(await refused(runId, deploy)).toEqual({
        says: 'Step sign-off was not approved in that run, so it is asked again. Run from it.',
        include: 'sign-off',
      })
      expect((await refused(runId, { ...deploy, mode: RerunMode.ALONE })).include).toBe('sign-off')
      const again = await rerun(runId, { mode: RerunMode.FAILED })
      await world.until(again, 'sign-off', ({ reasonInfo }) => reasonInfo?.code === 'approval_waits')
      expect((await steps(again)).at(-1)).toBe('deploy:blocked')
      await decide(again, ben)
      expect(await play(again)).toEqual([expect.stringMatching(/^deploy in \d$/)])
    }
  })
})

test('a workspace that was not kept so long', async () => {
  const first = await start(chain)
  await play(first)
  const { db } = world.controller
  const longAgo = db.toColumn(new Date(Date.now() - 25 * 3_600_000))
  await db.kysely<RunTables>().updateTable('job').set({ finished_at: longAgo }).where('run_id', '=', first).execute()
  expect(await refused(first, { mode: RerunMode.FROM, stepIds: ['ship'] })).toEqual({
    says: 'The workspace shared has not been used for longer than the 24 hours for which agent fake keeps it. Run from checkout, which has filled it.',
    include: 'checkout, build, lint, test',
  })
})
