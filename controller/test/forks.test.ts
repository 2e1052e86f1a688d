// Strangers open pull requests that run at once, trusted with nothing: whatever their files ask for, they get at no secret, no
// credentials and no agent that does not take them, and nothing that their runs start does.
import { AgentService } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { DeliveryService, RepositoryDeliveryResult } from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import { LogService } from '@ansflow/proto/gen/ansflow/v1/logs_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { ProjectService } from '@ansflow/proto/gen/ansflow/v1/projects_pb'
import {
  ForkFiles,
  ForkPolicy,
  PullRequestState,
  RepositoryService,
} from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import { type Run, RunService, RunStatus, StepStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { SecretService } from '@ansflow/proto/gen/ansflow/v1/secrets_pb'
import { isTerminal } from '@ansflow/proto/status'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { pull } from '../src/features/forges/test/fake-records.ts'
import { ForgeWorld, said } from './forge-world.ts'
import { type StartedAgent, startAgent } from './start-agent.ts'
import { waitFor } from './wait-for.ts'

const { STARTED, NOTHING } = RepositoryDeliveryResult
const secret = 'v3ry-s3cret-t0ken'
const on = 'on: { pullRequest: {}, comment: [run] }\n'

// Real git, runs and agents, beside whatever else the machine does.
vi.setConfig({ testTimeout: 90_000 })

let world: ForgeWorld
let open: StartedAgent
let guarded: StartedAgent
/** Of the fork. */
let head = ''

const runs = () => world.owner.client(RunService)
const settings = (forkFiles: ForkFiles) =>
  world.owner
    .client(RepositoryService)
    .updateRepository({ repositoryId: world.repositoryId, forks: ForkPolicy.WITHOUT_SECRETS, forkFiles })

beforeAll(async () => {
  const files = { 'ansflow.yaml': `name: build\n${on}steps: { ours: { run: "true" } }\n` }
  world = await ForgeWorld.start({ files })
  const { controller, projectId } = world
  await world.owner.client(SecretService).putSecret({ projectId, name: 'TOKEN', value: secret })
  await world.keep('name: deploy\nsteps: { ship: { run: "echo $TOKEN", secrets: [TOKEN], runsOn: [production] } }\n')
  await world.keep(
    'name: after\non: { run: [{ pipeline: build }] }\nsteps: { tell: { run: "echo $TOKEN", secrets: [TOKEN] } }\n',
  )
  await settings(ForkFiles.OWN)
  guarded = await startAgent(controller, 'guarded', ['production'])
  open = await startAgent(controller, 'open')
  const trust = { agentId: open.id, takesUntrusted: true }
  const { agent } = await world.owner.client(AgentService).setAgentTrust(trust)
  expect(agent).toMatchObject({ name: 'open', takesUntrusted: true })
}, 90_000)
afterAll(async () => {
  await open?.[Symbol.asyncDispose]()
  await guarded?.[Symbol.asyncDispose]()
  await world?.[Symbol.asyncDispose]()
})

/** In the fork: the clone stands on main again afterwards. */
function commitToFork(files: Record<string, string>): string {
  const { origin } = world
  origin.git('checkout', '--quiet', '-B', 'theirs', head || 'main')
  for (const [path, text] of Object.entries(files)) head = world.write(path, text)
  origin.git('push', '--quiet', 'origin', 'HEAD:refs/pull/7/head')
  origin.git('checkout', '--quiet', 'main')
  return head
}

async function request(commit: string, action = 'synchronize') {
  const pull_request = {
    number: 7,
    title: 'Faster checkout',
    html_url: `${world.forge.url}/acme/shop/pull/7`,
    draft: false,
    merged: false,
    labels: [],
    user: { login: 'mallory' },
    head: { ref: 'fast', sha: commit, repo: { full_name: 'mallory/shop' } },
    base: { ref: 'main', sha: world.head(), repo: { full_name: 'acme/shop' } },
  }
  return world.decided(await world.send('pull_request', { action, number: 7, pull_request }))
}

/** A pull request whose file has these steps, and the run that came of it. */
async function attack(steps: string, beside = ''): Promise<Run> {
  const delivery = await request(commitToFork({ 'ansflow.yaml': `name: build\n${on}${beside}steps: ${steps}\n` }))
  expect(delivery).toMatchObject({ result: STARTED, untrusted: true })
  const { runId } = delivery.decisions.find(({ pipelineName }) => pipelineName === 'build')!
  const { run } = await runs().getRun({ runId })
  expect(run!.origin).toMatchObject({ untrusted: true, fileOf: '' })
  return run!
}

function ended(runId: string): Promise<Run> {
  return waitFor(async () => {
    const { run } = await runs().getRun({ runId })
    return isTerminal(run!.status) ? run : undefined
  }, 30_000)
}

/** It has never begun: no agent has seen it. */
function expectWithheld(run: Run, stepId: string): void {
  const step = run.steps.find(({ id }) => id === stepId)!
  expect(step).toMatchObject({ status: StepStatus.FAILED, attempts: [], reasonInfo: { code: 'secret_untrusted' } })
  expect(step.reasonInfo!.params).toMatchObject({ names: 'TOKEN' })
}

/** Newest first: of this pipeline, begun by that run. */
function startedBy(runId: string, pipelineName: string): Promise<Run> {
  return waitFor(async () => {
    const all = await world.runs()
    return all.find(({ origin, pipelineName: name }) => {
      return name === pipelineName && origin?.cause.case === 'run' && origin.cause.value.runId === runId
    })
  }, 30_000)
}

test('a secret is not in the environment, whoever names it, and what lets git in is not there', async () => {
  const steps =
    '{ look: { run: "env; cat /proc/self/environ; git config --list --show-origin || true" }, ask: { run: "echo $TOKEN", secrets: [TOKEN] }, fetch: { uses: fetch_code }, named: { uses: fetch_code, with: { url: "https://git.example.org/x.git", passwordSecret: TOKEN } }, call: { uses: http_request, secrets: [TOKEN], with: { url: "http://127.0.0.1:9/$TOKEN" } } }'
  const run = await ended((await attack(steps)).id)
  expect(run.status).toBe(RunStatus.FAILED)
  for (const id of ['ask', 'named', 'call']) expectWithheld(run, id)
  const look = run.steps.find(({ id }) => id === 'look')!
  expect(look).toMatchObject({ status: StepStatus.SUCCEEDED, attempts: [{ agentName: 'open' }] })
  // Of a private repository not even what it has written itself.
  expect(run.steps.find(({ id }) => id === 'fetch')).toMatchObject({ status: StepStatus.FAILED })
  for (const stepId of ['look', 'fetch']) {
    const { data } = await world.owner.client(LogService).readLog({ runId: run.id, stepId, limit: 100_000 })
    const log = Buffer.from(data).toString()
    expect(log).not.toContain(secret)
    expect(log).not.toContain('ghp_right')
  }
})

test('a step that asks whether the run is trusted leaves secrets alone', async () => {
  const run = await ended((await attack('{ ask: { run: "true", secrets: [TOKEN], when: run.trusted } }')).id)
  expect(run).toMatchObject({ status: RunStatus.SUCCEEDED, steps: [{ status: StepStatus.SKIPPED }] })
})

test('a template, a file that is included and a matrix bring no secret either', async () => {
  const template = 'templates: { t: { steps: { in: { run: "echo $TOKEN", secrets: [TOKEN] } } } }\n'
  const run = await ended((await attack('{ a: { uses: template, with: { template: t } } }', template)).id)
  expectWithheld(run, 'a/in')
  commitToFork({ 'ci/t.yaml': template })
  const included = await ended(
    (await attack('{ a: { uses: template, with: { template: t } } }', 'include: [ci/t.yaml]\n')).id,
  )
  expectWithheld(included, 'a/in')
  const copies = await ended(
    (await attack('{ a: { run: "echo $TOKEN", secrets: [TOKEN], matrix: { n: [1, 2] } } }')).id,
  )
  for (const id of ['a.0', 'a.1']) expectWithheld(copies, id)
})

test('a run that a step of it starts is as little trusted', async () => {
  const run = await ended((await attack('{ go: { uses: pipeline, with: { pipeline: deploy } } }')).id)
  const child = await startedBy(run.id, 'deploy')
  expect(child.origin).toMatchObject({ untrusted: true })
  expectWithheld(await ended(child.id), 'ship')
})

test('an agent that takes none of it gets none of it, whatever labels are asked for', async () => {
  const steps =
    '{ a: { run: hostname, runsOn: ["${{ matrix.on }}"], workspace: isolated, matrix: { on: [production] } } }'
  const run = await attack(steps)
  const waits = await waitFor(async () => {
    const { run: now } = await runs().getRun({ runId: run.id })
    const copy = now!.steps.find(({ id }) => id === 'a.0')
    return copy?.reasonInfo?.code === 'agents_trusted' ? copy : undefined
  }, 20_000)
  expect(waits).toMatchObject({ status: StepStatus.QUEUED, attempts: [{ agentName: '' }] })

  // What is trusted has the agent at once, although it came later.
  const { pipeline } = await world.keep('name: mine\nsteps: { a: { run: "true", runsOn: [production] } }\n')
  const { run: mine } = await runs().startRun({ pipelineId: pipeline!.id })
  expect(await ended(mine!.id)).toMatchObject({ steps: [{ attempts: [{ agentName: 'guarded' }] }] })

  await world.owner.client(AgentService).setAgentTrust({ agentId: guarded.id, takesUntrusted: true })
  expect(await ended(run.id)).toMatchObject({ status: RunStatus.SUCCEEDED })
  await world.owner.client(AgentService).setAgentTrust({ agentId: guarded.id, takesUntrusted: false })
})

test('it takes the place of no run but those of strangers, and goes before none', async () => {
  const group = 'concurrency: { group: g, cancelInProgress: true }\n'
  const { pipeline } = await world.keep(`name: ours\n${group}steps: { a: { uses: wait, with: { duration: 1h } } }\n`)
  const { run: ours } = await runs().startRun({ pipelineId: pipeline!.id })
  const beside = `${group}priority: 90\n`
  const first = await attack('{ a: { uses: wait, with: { duration: 1h } } }', beside)
  expect(first.priority).toBe(0)
  const second = await attack('{ a: { run: "true" } }', beside)
  expect(await ended(first.id)).toMatchObject({ status: RunStatus.CANCELED, reasonInfo: { code: 'superseded' } })
  expect(await ended(second.id)).toMatchObject({ status: RunStatus.SUCCEEDED })
  const { run: still } = await runs().getRun({ runId: ours!.id })
  expect(still!.status).toBe(RunStatus.RUNNING)
  await runs().cancelRun({ runId: ours!.id })
})

test('its jobs take no room from those that are trusted, and have as much of their own', async () => {
  const { projectId } = world
  const projects = world.owner.client(ProjectService)
  await projects.updateProject({ projectId, jobLimit: 1 })
  const sleeps = await attack('{ a: { run: "sleep 600" } }')
  await waitFor(async () => (await runs().getRun({ runId: sleeps.id })).run?.status === RunStatus.RUNNING, 20_000)
  const { pipeline } = await world.keep('name: fix\nsteps: { a: { run: "true", runsOn: [production] } }\n')
  const { run: ours } = await runs().startRun({ pipelineId: pipeline!.id })
  expect(await ended(ours!.id)).toMatchObject({ steps: [{ attempts: [{ agentName: 'guarded' }] }] })
  const next = await attack('{ b: { run: "true" } }')
  const waits = await waitFor(async () => {
    const { run } = await runs().getRun({ runId: next.id })
    const step = run!.steps.find(({ id }) => id === 'b')
    return step?.reasonInfo?.code === 'project_limit' ? step : undefined
  }, 20_000)
  expect(waits.reasonInfo?.params).toEqual({ limit: '1', untrusted: 'true' })
  await runs().cancelRun({ runId: sleeps.id })
  expect(await ended(next.id)).toMatchObject({ status: RunStatus.SUCCEEDED })
  await projects.updateProject({ projectId, jobLimit: 0 })
})

test('to run it again, or to start it by hand, gains no trust', async () => {
  const run = await ended((await attack('{ ask: { run: "echo $TOKEN", secrets: [TOKEN] } }')).id)
  const { run: again } = await runs().rerunRun({ runId: run.id })
  expect(again!.origin).toMatchObject({ untrusted: true, cause: { case: 'token' } })
  expectWithheld(await ended(again!.id), 'ask')
  const { pipelines } = await world.owner.client(PipelineService).listPipelines({ projectId: world.projectId })
  const deploy = pipelines.find(({ name }) => name === 'deploy')!
  const ref = 'refs/pull/7/head'
  const git = { repositoryId: world.repositoryId, commit: head, pullRequest: 7 }
  // Nor does what it says of itself: the commit is a stranger's, whether the request is named or not, and so is the ref.
  for (const said of [git, { ...git, pullRequest: 0, branch: 'main' }, { ...git, pullRequest: 0, commit: '', ref }]) {
    const { run: byHand } = await runs().startRun({ pipelineId: deploy.id, git: said })
    expect(byHand!.origin).toMatchObject({ untrusted: true, verified: false })
    expectWithheld(await ended(byHand!.id), 'ship')
  }
})

test('a file that there is not yet makes no pipeline, and a stranger’s word starts nothing', async () => {
  const evil = `name: evil\n${on}steps: { a: { run: "true" } }\n`
  const delivery = await request(commitToFork({ '.ansflow/evil.yaml': evil }))
  expect(said(delivery)).toMatchObject({ '.ansflow/evil.yaml': 'delivery_new_file', build: 'started' })
  const { pipelines } = await world.owner.client(PipelineService).listPipelines({ projectId: world.projectId })
  expect(pipelines.map(({ name }) => name)).not.toContain('evil')

  const issue = { number: 7, pull_request: {} }
  const saysIt = (login: string) =>
    world.send('issue_comment', { action: 'created', issue, comment: { body: '/ansflow run', user: { login } } })
  const before = { ...pull }
  Object.assign(pull, { head })
  const stranger = await world.decided(await saysIt('mallory'))
  const ours = await world.decided(await saysIt('ann'))
  Object.assign(pull, before)
  expect(stranger).toMatchObject({ result: NOTHING, problemInfo: { code: 'delivery_comment' } })
  expect(ours).toMatchObject({ result: STARTED, untrusted: true })
})

test('unless set otherwise the file of the branch counts, as it stands now, and the run says so', async () => {
  await settings(ForkFiles.OWN_ONCE_APPROVED)
  const theirs = 'templates: { t: { steps: { theirs: { run: env } } } }\n'
  commitToFork({ 'ansflow.yaml': `name: build\n${on}steps: { theirs: { run: "env" } }\n`, 'ci/t.yaml': theirs })
  // What the fork has left behind is mended meanwhile.
  world.write('ci/t.yaml', 'templates: { t: { steps: { ours: { run: "true" } } } }\n')
  world.commit(
    'ansflow.yaml',
    `name: build\n${on}include: [ci/t.yaml]\nsteps: { mended: { uses: template, with: { template: t } } }\n`,
  )
  const delivery = await request(head)
  expect(said(delivery)).toMatchObject({ build: 'started' })
  const { run } = await runs().getRun({ runId: delivery.decisions.find((each) => each.path !== '')!.runId })
  expect(run!.steps.map(({ id }) => id)).toEqual(['mended/ours'])
  expect(run!.origin).toMatchObject({ untrusted: true, fileOf: 'main', git: { commit: head } })
  // And what starts by its end is as little trusted.
  const after = await startedBy(run!.id, 'after')
  expect(after.origin).toMatchObject({ untrusted: true })
  expectWithheld(await ended(after.id), 'tell')
})

test('somebody who may approves the commit: it runs once more, with secrets, by its own file', async () => {
  const steps = '{ ask: { run: "test \\"$TOKEN\\" = v3ry-s3cret-t0ken", secrets: [TOKEN] } }'
  commitToFork({ 'ansflow.yaml': `name: build\n${on}steps: ${steps}\n` })
  const opened = await request(head, 'reopened')
  const updated = await request(head)
  expect([opened.result, updated.result]).toEqual([STARTED, STARTED])
  const { repositoryId } = world
  const listed = async () => {
    const asked = { repositoryId, state: PullRequestState.UNSPECIFIED }
    const { pullRequests } = await world.owner.client(RepositoryService).listPullRequests(asked)
    return pullRequests[0]
  }
  expect(await listed()).toMatchObject({ waitsForTrust: true })
  const trust = { repositoryId, pullRequest: 7, commit: head }
  const { deliveryId } = await world.owner.client(DeliveryService).trustCommit(trust)
  const again = await world.decided({ status: 202, body: { delivery: deliveryId } })
  expect(again).toMatchObject({ result: STARTED, repeats: updated.id, untrusted: false })
  const { runId } = again.decisions.find(({ pipelineName }) => pipelineName === 'build')!
  const run = await ended(runId)
  expect(run).toMatchObject({ status: RunStatus.SUCCEEDED, origin: { untrusted: false, fileOf: '' } })
  expect((await world.deliveries()).filter(({ repeats }) => repeats === opened.id)).toHaveLength(1)
  expect(await listed()).toMatchObject({ waitsForTrust: false })

  // A further commit is as little trusted as the first was.
  const next = await request(commitToFork({ 'code.c': 'int c;\n' }))
  expect(next).toMatchObject({ result: STARTED, untrusted: true })

  await settings(ForkFiles.BASE)
  await world.owner.client(DeliveryService).trustCommit({ ...trust, commit: head })
  const ofBase = await waitFor(async () => {
    const all = await world.runs()
    return all.find(({ pipelineName, origin }) => {
      return pipelineName === 'build' && origin?.git?.commit === head && !origin.untrusted
    })
  }, 20_000)
  expect(ofBase.origin).toMatchObject({ fileOf: 'main' })
})
