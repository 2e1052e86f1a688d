// Steps that run other pipelines: what is started, how its end comes back, who may, and that each asks once, whoever dies.
import { Role } from '@ansflow/proto/access'
import { unavailable } from '@ansflow/proto/errors'
import { ChainService } from '@ansflow/proto/gen/ansflow/v1/chains_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { ProjectService } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import { type Run, RunService, RunStatus, StepStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { isTerminal } from '@ansflow/proto/status'
import type { JsonObject } from '@bufbuild/protobuf'
import { afterEach, describe, expect, test } from 'vitest'
import { startController, type TestController, type TestUser } from '../../../test/start-controller.ts'
import { waitFor } from '../../../test/wait-for.ts'
import { type Bus, memoryBus } from '../../platform/bus.ts'
import { manualClock } from '../../platform/clock.ts'
import { createLog } from '../../platform/log.ts'
import { removeGrants, setGrant } from '../access/index.ts'
import { createRunDriver } from '../runs/index.ts'
import { chainParticipant } from './chain-participant.ts'
import { type ChainDeps, settleChains } from './settle-chains.ts'

let c: TestController
let projectId: string
afterEach(() => c[Symbol.asyncDispose]())

const done = '{ uses: wait, with: { until: "2020-01-01T00:00:00Z" } }'
const long = '{ uses: wait, with: { duration: 1h } }'

/** `held`: nothing is done about what runs ask for, but by what a test does itself. */
async function open(held = false): Promise<void> {
  const log = createLog('silent')
  const bus = memoryBus(log)
  const deaf: Bus = {
    ...bus,
    subscribe: (subject, receive) => (subject === 'chain.due' ? () => undefined : bus.subscribe(subject, receive)),
  }
  c = await startController({ overrides: held ? { bus: deaf, clock: manualClock(), log } : {} })
  projectId = await c.addProject()
}

async function publish(name: string, steps: string, { more = '', by = c.owner, into = projectId } = {}) {
  const yaml = `name: ${name}\n${more}steps:\n${steps}`
  const pipelines = c.as(by).client(PipelineService)
  const { pipeline, problems } = await pipelines.applyPipeline({ projectId: into, yaml, publish: true })
  expect(problems).toEqual([])
  return pipeline!.id
}

const runs = (who: TestUser = c.owner) => c.as(who).client(RunService)

async function start(pipelineId: string, inputs: JsonObject = {}): Promise<string> {
  return (await runs().startRun({ pipelineId, inputs })).run!.id
}

const runOf = async (runId: string) => (await runs().getRun({ runId })).run!
const runsOf = async (pipelineId: string) => (await runs().listRuns({ pipelineId })).runs

function ended(runId: string): Promise<Run> {
  return waitFor(async () => {
    const run = await runOf(runId)
    return isTerminal(run.status) ? run : undefined
  })
}

const begun = (pipelineId: string) => waitFor(async () => (await runsOf(pipelineId))[0])
const call = (pipeline: string, more = '') => `  call: { uses: pipeline, with: { pipeline: "${pipeline}"${more} } }\n`
const noneFor = ({ email }: TestUser, pipeline: string) =>
  `There is no pipeline ${pipeline} that ${email.slice(0, 8)}, for whom this run stands, may see.`
const rows = () => c.db.em().execute('select id, todo from chained_run')

function deps(over: Partial<ChainDeps['driver']> = {}): ChainDeps & { stop(): Promise<void> } {
  const { db, bus, clock } = c
  const log = createLog('silent')
  const participants = [chainParticipant(bus)]
  const driver = createRunDriver({ db, bus, clock, log, participants: () => participants })
  const { workers } = c.controller
  return { db, clock, log, workers, driver: { ...driver, ...over }, stop: () => driver.stop() }
}

describe('a step with `uses: pipeline`', () => {
  test('runs the latest version of the other pipeline and ends as that run does, with its outputs', async () => {
    await open()
    const inputs = 'inputs: { n: { type: number }, to: { type: string, default: there } }\n'
    const outputs = 'outputs: { url: "https://${{ inputs.to }}/${{ inputs.n + 1 }}", pause: 1ms }\n'
    const deploy = await publish('deploy', `  a: ${done}\n`, { more: inputs + outputs })
    const after = `  after: { needs: [call], uses: wait, with: { duration: "\${{ steps.call.outputs.pause }}" } }\n`
    const build = await publish('build', call('deploy', ', inputs: { n: "${{ inputs.n }}" }') + after, {
      more: 'inputs: { n: { type: number } }\noutputs: { url: "${{ steps.call.outputs.url }}" }\n',
    })
    const parent = await ended(await start(build, { n: 4 }))
    expect([parent.status, parent.reason]).toEqual([RunStatus.SUCCEEDED, ''])
    const [child] = await runsOf(deploy)
    expect(child).toMatchObject({ version: 1, inputs: { n: 4, to: 'there' }, number: 1 })
    const cause = { runId: parent.id, number: 1, pipelineName: 'build', stepId: 'call', chain: ['build #1'] }
    expect(child!.origin?.cause).toMatchObject({ case: 'run', value: cause })
    const [step] = parent.steps
    expect(step).toMatchObject({ status: StepStatus.SUCCEEDED, reason: 'deploy #1 has succeeded.', attempts: [] })
    expect(step!.child).toMatchObject({ runId: child!.id, number: 1, pipelineName: 'deploy' })
    expect(step!.outputs).toMatchObject({ url: 'https://there/5', status: 'succeeded' })
    expect(parent.outputs).toEqual({ url: 'https://there/5' })
    expect((await runOf(child!.id)).outputs).toEqual({ url: 'https://there/5', pause: '1ms' })
    await waitFor(async () => (await rows()).length === 0)
  })

  test('ends once the run has begun when it does not wait; that run goes on whatever becomes of the first', async () => {
    await open()
    const deploy = await publish('deploy', `  a: ${long}\n`)
    const build = await publish('build', `${call('deploy', ', wait: false')}  b: ${long}\n`)
    const parent = await start(build)
    const step = await waitFor(async () => (await runOf(parent)).steps.find(({ status }) => isTerminal(status)))
    expect(step).toMatchObject({ id: 'call', status: StepStatus.SUCCEEDED, reason: 'Has started deploy #1.' })
    await waitFor(async () => (await rows()).length === 0)
    await runs().cancelRun({ runId: parent })
    await ended(parent)
    const [child] = await runsOf(deploy)
    expect(child!.status).toBe(RunStatus.RUNNING)
  })

  test('is canceled with its run, which cancels the other one and says so', async () => {
    await open()
    const deploy = await publish('deploy', `  a: ${long}\n`)
    const build = await publish('build', call('deploy'))
    const parent = await start(build)
    const child = await begun(deploy)
    await runs().cancelRun({ runId: parent })
    const canceled = await ended(parent)
    expect(canceled.steps[0]).toMatchObject({ status: StepStatus.CANCELED, child: { runId: child.id } })
    expect(await ended(child.id)).toMatchObject({
      status: RunStatus.CANCELED,
      canceledByName: 'build #1',
      reason: 'Canceled by build #1.',
    })
    await waitFor(async () => (await rows()).length === 0)
  })

  test('ends as the other run ends badly', async () => {
    await open()
    const input = 'inputs: { at: { type: string } }\n'
    await publish('deploy', '  a: { uses: wait, with: { until: "${{ inputs.at }}" } }\n', { more: input })
    const build = await publish('build', call('deploy', ', inputs: { at: never }'))
    const failed = await ended(await start(build))
    expect([failed.status, failed.steps[0]!.reason]).toEqual([RunStatus.FAILED, 'deploy #1 has failed.'])
    const slow = await publish('slow', `  a: ${long}\n`)
    const parent = await start(await publish('wait', call('slow')))
    await runs().cancelRun({ runId: (await begun(slow)).id })
    const canceled = await ended(parent)
    expect([canceled.status, canceled.reason]).toEqual([RunStatus.CANCELED, 'slow #1 was canceled.'])
  })

  test('fails with a reason where there can be no run', async () => {
    await open()
    const name = 'inputs: { name: { type: string } }\n'
    const build = await publish('build', call('${{ inputs.name }}'), { more: name })
    const reasonOf = async (input: string) => (await ended(await start(build, { name: input }))).steps[0]!.reason
    expect(await reasonOf('gone')).toBe(noneFor(c.owner, 'gone'))
    expect(await reasonOf('no/where')).toBe(noneFor(c.owner, 'no/where'))
    await c.as(c.owner).client(PipelineService).createPipeline({ projectId, name: 'new' })
    expect(await reasonOf('new')).toBe('The pipeline new has no version yet. Publish it.')
    await publish('asks', `  a: ${done}\n`, { more: 'inputs: { must: { type: string, required: true } }\n' })
    expect(await reasonOf('asks')).toContain('The input must of asks:')
    const [itself] = (await ended(await start(build, { name: 'build' }))).steps
    // The next one has no name for another: it is not given on.
    expect(itself!.reason).toBe('build #6 has failed.')
  })

  test('that would lead to itself without end stops at a depth, with the chain named', async () => {
    await open()
    const build = await publish('round', call('${{ run.pipeline }}'))
    await ended(await start(build))
    const all = await runsOf(build)
    expect(all).toHaveLength(10)
    const last = await runOf(all[0]!.id)
    const chain = Array.from({ length: 10 }, (_, n) => `round #${n + 1}`).join(' → ')
    expect(last.steps[0]!.reason).toBe(`More than 10 runs would lead to one another: ${chain} → round.`)
  })
})

describe('who may', () => {
  test('publish what runs another pipeline: only who may start that one, and not in a circle', async () => {
    await open()
    const other = await c.addProject()
    const { project } = await c.as(c.owner).client(ProjectService).getProject({ projectId: other })
    await publish('deploy', `  a: ${done}\n`, { into: other })
    const maintainer = await c.addUser({ role: Role.MAINTAINER, projectId })
    const elsewhere = call(`${project!.slug}/deploy`)
    await expect(publish('build', elsewhere, { by: maintainer })).rejects.toThrow('There is no pipeline')
    await publish('build', elsewhere)
    await expect(publish('build', call('nowhere'))).rejects.toThrow('There is no pipeline "nowhere"')
    await publish('a', call('build'))
    await publish('b', call('a'))
    await expect(publish('a', call('b'))).rejects.toThrow('without end: a → b → a.')
    await expect(publish('a', call('a'))).rejects.toThrow('without end: a → a.')
  })

  test('start it is asked again when it starts, of whoever published the version', async () => {
    await open()
    const other = await c.addProject()
    const { project } = await c.as(c.owner).client(ProjectService).getProject({ projectId: other })
    const deploy = await publish('deploy', `  a: ${done}\n`, { into: other })
    const by = await c.addUser({ role: Role.MAINTAINER, projectId })
    const scope = { organizationId: by.organizationId, projectId: other }
    const grant = { subject: { kind: 'user' as const, id: by.userId }, organizationId: by.organizationId }
    await c.db.transaction((em) =>
      setGrant(em, { ...grant, on: { kind: 'project', id: other }, roleId: 'developer' }, c.clock.now()),
    )
    const build = await publish('build', call(`${project!.slug}/deploy`), { by })
    expect((await ended(await start(build))).status).toBe(RunStatus.SUCCEEDED)
    await c.db.transaction((em) => removeGrants(em, by.userId, scope))
    const refused = await ended(await start(build))
    expect(refused.steps[0]!.reason).toBe(noneFor(by, `${project!.slug}/deploy`))
    expect(await runsOf(deploy)).toHaveLength(1)
  })
})

describe('whoever dies', () => {
  async function asked() {
    await open(true)
    const deploy = await publish('deploy', `  a: ${done}\n`)
    const build = await publish('build', call('deploy'))
    return { deploy, parent: await start(build) }
  }

  test('many controllers that look at once start one run, and tell of it once', async () => {
    const { deploy, parent } = await asked()
    const many = [1, 2, 3, 4].map(() => deps())
    for (let round = 0; round < 3; round++) await Promise.all(many.map((each) => settleChains(each)))
    expect(await runsOf(deploy)).toHaveLength(1)
    expect((await runOf(parent)).status).toBe(RunStatus.SUCCEEDED)
    expect(await rows()).toEqual([])
    for (const each of many) await each.stop()
  })

  test.each(['before its run', 'after its run', 'before it has told', 'after it has told'])(
    'a controller that goes down %s loses and doubles nothing',
    async (when) => {
      const { deploy, parent } = await asked()
      const good = deps()
      const { driver } = good
      const down = () => unavailable('The controller went down.')
      const dying = deps({
        async start(run) {
          if (when === 'before its run') throw down()
          const begun = await driver.start(run)
          if (when === 'after its run') throw down()
          return begun
        },
        async submit(runId, event) {
          if (when === 'before it has told') throw down()
          const told = await driver.submit(runId, event)
          if (when === 'after it has told') throw down()
          return told
        },
      })
      await settleChains(dying)
      expect(await runsOf(deploy)).toHaveLength(when === 'before its run' ? 0 : 1)
      await settleChains(good)
      await settleChains(good)
      expect(await runsOf(deploy)).toHaveLength(1)
      expect((await runOf(parent)).steps[0]!.status).toBe(StepStatus.SUCCEEDED)
      expect(await rows()).toEqual([])
      for (const each of [dying, good]) await each.stop()
    },
  )

  test('a run that nobody waits for any more does not begin, also not by who was about to', async () => {
    const { deploy, parent } = await asked()
    const late = deps()
    const slow = deps({
      async start(run) {
        await runs().cancelRun({ runId: parent })
        await settleChains(late)
        return late.driver.start(run)
      },
    })
    await settleChains(slow)
    expect((await runOf(parent)).status).toBe(RunStatus.CANCELED)
    expect(await runsOf(deploy)).toEqual([])
    expect(await rows()).toEqual([])
    for (const each of [late, slow]) await each.stop()
  })

  test('a pipeline that is deleted leaves a reason, and no links', async () => {
    const { deploy, parent } = await asked()
    await c.as(c.owner).client(PipelineService).deletePipeline({ pipelineId: deploy })
    const one = deps()
    await settleChains(one)
    expect((await runOf(parent)).steps[0]!.reason).toBe(noneFor(c.owner, 'deploy'))
    expect(await c.db.em().execute('select id from pipeline_link')).toEqual([])
    await one.stop()
  })
})

describe('`on: { run }`', () => {
  const triggers = (pipelineId: string) =>
    c
      .as(c.owner)
      .client(ChainService)
      .listRunTriggers({ pipelineId })
      .then((answer) => answer.triggers)

  test('starts a run when one of the other pipeline has ended so, with inputs of what it said', async () => {
    await open()
    const outputs = 'inputs: { at: { type: string } }\noutputs: { what: "v${{ run.number }}" }\n'
    const build = await publish('build', '  a: { uses: wait, with: { until: "${{ inputs.at }}" } }\n', {
      more: outputs,
    })
    const on =
      'on: { run: [{ pipeline: build, inputs: { version: "${{ outputs.what }}", n: "${{ run.number }}" } }] }\n'
    const inputs = 'inputs: { version: { type: string }, n: { type: number } }\n'
    const deploy = await publish('deploy', `  a: ${done}\n`, { more: on + inputs })
    const failed = 'on: { run: { pipeline: build, results: [failed, canceled] } }\n'
    const tell = await publish('tell', `  a: ${done}\n`, { more: failed })

    const first = await ended(await start(build, { at: '2020-01-01T00:00:00Z' }))
    const started = await begun(deploy)
    expect(started).toMatchObject({ inputs: { version: 'v1', n: 1 }, version: 1 })
    const cause = { runId: first.id, number: 1, pipelineName: 'build', stepId: '', chain: ['build #1'] }
    expect(started.origin?.cause).toMatchObject({ case: 'run', value: cause })
    await ended(await start(build, { at: 'never' }))
    expect((await begun(tell)).origin?.cause).toMatchObject({ value: { number: 2 } })
    await waitFor(async () => (await rows()).length === 0)
    expect([(await runsOf(deploy)).length, (await runsOf(tell)).length]).toEqual([1, 1])
    expect(await triggers(deploy)).toMatchObject([{ trigger: { pipeline: 'build' }, last: { runId: started.id } }])
  })

  test('follows branches, and no drafts', async () => {
    await open()
    const build = await publish('build', `  a: ${done}\n`)
    const on = 'on: { run: [{ pipeline: build, branches: [main, release/*] }] }\n'
    const deploy = await publish('deploy', `  a: ${done}\n`, { more: on })
    for (const branch of ['dev', 'release/1', 'mainly', 'main']) {
      await ended((await runs().startRun({ pipelineId: build, git: { branch } })).run!.id)
    }
    await ended((await runs().startRun({ pipelineId: build, draft: true, git: { branch: 'main' } })).run!.id)
    await waitFor(async () => (await rows()).length === 0)
    expect((await runsOf(deploy)).map(({ origin }) => origin?.git?.branch).sort()).toEqual(['main', 'release/1'])
  })

  test('that fits no inputs starts nothing, and says why', async () => {
    await open()
    const build = await publish('build', `  a: ${done}\n`)
    const more =
      'on: { run: [{ pipeline: build, inputs: { n: "${{ run.pipeline }}" } }] }\ninputs: { n: { type: number } }\n'
    const deploy = await publish('deploy', `  a: ${done}\n`, { more })
    await ended(await start(build))
    const [trigger] = await waitFor(async () => {
      const all = await triggers(deploy)
      return all[0]?.last ? all : undefined
    })
    expect(trigger!.last).toMatchObject({ runId: '', problem: expect.stringContaining('inputs.n') })
    expect(await runsOf(deploy)).toEqual([])
  })

  test('is refused in a circle, with steps that run pipelines counted in, and of pipelines that one may not see', async () => {
    await open()
    const build = await publish('build', `  a: ${done}\n`)
    await publish('deploy', `  a: ${done}\n`, { more: 'on: { run: build }\n' })
    await expect(publish('build', `  a: ${done}\n`, { more: 'on: { run: deploy }\n' })).rejects.toThrow(
      'without end: deploy → build → deploy.',
    )
    await expect(publish('build', call('deploy'))).resolves.toBe(build)
    await publish('last', call('build'))
    await expect(
      publish('build', `${call('deploy')}  b: { uses: pipeline, with: { pipeline: last } }\n`),
    ).rejects.toThrow('without end')
    const other = await c.addProject()
    const { project } = await c.as(c.owner).client(ProjectService).getProject({ projectId: other })
    await publish('far', `  a: ${done}\n`, { into: other })
    const by = await c.addUser({ role: Role.MAINTAINER, projectId })
    const far = { more: `on: { run: ${project!.slug}/far }\n`, by }
    await expect(publish('near', `  a: ${done}\n`, far)).rejects.toThrow('There is no pipeline')
  })

  test('starts one run, whoever looks and dies', async () => {
    await open(true)
    const build = await publish('build', `  a: ${done}\n`)
    const deploy = await publish('deploy', `  a: ${done}\n`, { more: 'on: { run: build }\n' })
    await start(build)
    const good = deps()
    const dying = deps({
      async start(run) {
        await good.driver.start(run)
        throw unavailable('The controller went down.')
      },
    })
    await settleChains(dying)
    const many = [1, 2, 3].map(() => deps())
    await Promise.all(many.map((each) => settleChains(each)))
    expect(await runsOf(deploy)).toHaveLength(1)
    expect(await rows()).toEqual([])
    for (const each of [good, dying, ...many]) await each.stop()
  })
})
