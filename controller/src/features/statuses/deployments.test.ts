// What steps deploy for a commit is recorded at its forge and linked in the comment on its pull request.
import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { AgentService } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { ConnectionService } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import { DeploymentService } from '@ansflow/proto/gen/ansflow/v1/deployments_pb'
import { EnvironmentService } from '@ansflow/proto/gen/ansflow/v1/environments_pb'
import { CommentPolicy, RepositoryService } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import { RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { RunStatus } from '@ansflow/proto/status'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ForgeWorld, said } from '../../../test/forge-world.ts'
import { waitFor } from '../../../test/wait-for.ts'
import { registerFakeAgent } from '../agents/test/fake-agent.ts'

const yaml = `name: ship
on: { pullRequest: {} }
steps:
  ship: { run: x, outputs: [at], environment: { name: preview, url: "\${{ steps.ship.outputs.at }}" } }
`

let w: ForgeWorld
beforeAll(async () => {
  w = await ForgeWorld.start({ files: { 'ansflow.yaml': yaml } })
}, 60_000)
afterAll(() => w[Symbol.asyncDispose]())

test('a deployment of a pull request has a record, which follows it, and its link is in the comment', async () => {
  const { projectId, repositoryId, origin } = w
  await w.owner.client(RepositoryService).updateRepository({ repositoryId, comments: CommentPolicy.ALWAYS })
  await w.owner.client(EnvironmentService).createEnvironment({ projectId, name: 'preview' })
  const { token } = await w.owner.client(AgentService).createRegistrationToken({})
  const agent = await registerFakeAgent(w.controller.grpcAddress, token)
  using _ = { [Symbol.dispose]: () => agent.close() }
  const control = agent.control()
  await control.hello()
  const base = { ref: 'main', sha: w.head(), repo: { full_name: 'acme/shop' } }
  origin.git('checkout', '--quiet', '-b', 'fast')
  const commit = w.commit('code.c', 'int a;\n')
  origin.git('push', '--quiet', 'origin', 'HEAD:refs/pull/7/head')
  origin.git('checkout', '--quiet', 'main')
  const pull_request = {
    ...{
      number: 7,
      title: 'Faster',
      html_url: `${w.forge.url}/acme/shop/pull/7`,
      draft: false,
      merged: false,
      labels: [],
      user: { login: 'ann' },
    },
    ...{ head: { ref: 'fast', sha: commit, repo: base.repo }, base },
  }
  const delivery = await w.decided(await w.send('pull_request', { action: 'opened', number: 7, pull_request }))
  expect([delivery.problem, said(delivery)]).toEqual(['', { ship: 'started' }])
  const runs = w.owner.client(RunService)
  const [{ id: firstRun, pipelineId } = { id: '', pipelineId: '' }] = await w.runs()
  const taken = async (runId: string) => {
    const { job } = await control.take()
    control.say({ case: 'started', value: { job } })
    return { runId, job }
  }
  const begun = async () => taken((await runs.startRun({ pipelineId, git: { commit, repositoryId } })).run!.id)
  const end = async ({ runId, job }: Awaited<ReturnType<typeof taken>>, outputs?: Record<string, string>) => {
    const outcome = outputs ? Outcome.SUCCEEDED : Outcome.FAILED
    control.say({ case: 'finished', value: { job, outcome, outputs: outputs ?? {}, exitCode: outputs ? 0 : 1 } })
    await control.hear('finishedAck')
    return waitFor(async () => {
      const { run } = await runs.getRun({ runId })
      return run!.finishedAt && run
    })
  }
  const connection = async () => {
    const { connections } = await w.owner.client(ConnectionService).listConnections({ projectId })
    return connections[0]!
  }
  const { deployments } = w.forge

  const first = await taken(firstRun)
  await waitFor(() => deployments[0]?.states.at(-1) === 'in_progress')
  expect(deployments[0]).toMatchObject({ commit, environment: 'preview', isTransient: true, url: '' })
  await end(first, { at: 'https://pr-7.test/' })
  await waitFor(() => deployments[0]!.states.at(-1) === 'success')
  expect(deployments[0]!.url).toBe('https://pr-7.test/')
  await waitFor(() =>
    w.forge.comments[0]?.body.includes('Preview: `preview` → [`https://pr-7.test/`](https://pr-7.test/)'),
  )
  expect(await w.owner.client(DeploymentService).listDeployments({ projectId, commit })).toMatchObject({
    deployments: [{ url: 'https://pr-7.test/', current: true }],
  })
  const other = await w.owner.client(DeploymentService).listDeployments({ projectId, commit: 'e'.repeat(40) })
  expect(other.deployments).toEqual([])

  // What takes its place makes it inactive; one that fails does not.
  await end(await begun())
  await waitFor(() => deployments[1]?.states.at(-1) === 'failure')
  expect(deployments[0]!.states).toEqual(['in_progress', 'success'])
  await end(await begun(), { at: 'https://pr-7.test/' })
  await waitFor(() => deployments[2]?.states.at(-1) === 'success' && deployments[0]!.states.at(-1) === 'inactive')

  // A draft that somebody tries says nothing of a commit, whoever tries it.
  const draft = await runs.startRun({ pipelineId, draft: true, git: { commit, repositoryId } })
  expect(draft.run!.origin!.verified).toBe(true)
  await end(await taken(draft.run!.id), { at: 'https://draft.test/' })
  await end(await begun(), { at: 'https://pr-7b.test/' })
  await waitFor(() =>
    deployments.some(({ url, states }) => url === 'https://pr-7b.test/' && states.at(-1) === 'success'),
  )
  expect(deployments.map(({ url }) => url)).not.toContain('https://draft.test/')

  // A permission that is missing is said of the connection, and nothing fails of it.
  w.forge.mayDeploy = false
  const run = await end(await begun(), { at: 'https://pr-7c.test/' })
  expect(run.status).toBe(RunStatus.SUCCEEDED)
  await waitFor(async () => (await connection()).deploymentsProblem !== '')
  expect((await connection()).deploymentsProblem).toMatch(/^Deployments are not recorded: .*repo_deployment.*403/)
  await waitFor(() => w.forge.comments[0]!.body.includes('https://pr-7c.test/'))
  expect([(await connection()).problem, (await w.repository()).tellProblem]).toEqual(['', ''])
  w.forge.mayDeploy = true
  // It is tried again.
  await waitFor(() => deployments.at(-1)!.url === 'https://pr-7c.test/', 20_000)
  await waitFor(async () => (await connection()).deploymentsProblem === '')
  expect(w.forge.comments).toHaveLength(1)
}, 60_000)
