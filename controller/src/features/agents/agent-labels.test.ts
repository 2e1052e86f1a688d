// Labels that protect: who has them is what people say, never what an agent says of itself.

import { Role } from '@ansflow/proto/access'
import { AgentService } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { MemberService } from '@ansflow/proto/gen/ansflow/v1/members_pb'
import { SecretService } from '@ansflow/proto/gen/ansflow/v1/secrets_pb'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { AgentWorld } from './test/agent-world.ts'
import type { FakeAgent } from './test/fake-agent.ts'

let world: AgentWorld
let liar: FakeAgent

beforeEach(async () => {
  world = await AgentWorld.start()
  liar = await world.register('liar')
})
afterEach(() => world[Symbol.asyncDispose]())

const everything = ['production', 'deploy', 'linux', 'x64', 'gpu']
const runsOn = ['production', 'deploy']

async function projectWithSecret(): Promise<string> {
  const projectId = await world.controller.addProject()
  const projects = world.controller.as(world.controller.owner).client(SecretService)
  await projects.putSecret({ projectId, name: 'TOKEN', value: 'for production only' })
  return projectId
}

test('an agent that claims every label gets neither the job nor its secret, the one that was given them does', async () => {
  const projectId = await projectWithSecret()
  const honest = await world.register('honest', runsOn)
  const lying = liar.control()
  await lying.hello({ labels: everything })
  const runId = await world.startRun([{ id: 'ship', runsOn, secrets: ['TOKEN'] }], projectId)
  const { reason, reasonInfo } = await world.untilReason(runId, 'ship', 'labels_missing')
  expect(reasonInfo?.params).toMatchObject({ labels: 'deploy, production', claimed: 'liar', shares: 'shared' })
  expect(reason).toBe(
    'No agent with the labels deploy, production is online. Agent liar only says so of itself. Steps of workspace shared, which lives on one agent, ask for them. Asked for by ship: deploy, production.',
  )
  const control = honest.control()
  await control.hello({ labels: ['linux'] })
  const { job, secrets } = await control.take()
  expect(secrets).toMatchObject([{ name: 'TOKEN', value: 'for production only' }])
  await control.succeed(job)
  // It works all right for what does not ask for them, by the labels that protect nothing.
  await world.startRun([{ id: 'build', runsOn: ['gpu'] }])
  expect((await lying.take()).stepId).toBe('build')
  expect(lying.heard.filter(({ case: kind }) => kind === 'offer' || kind === 'start')).toEqual([])
})

test('a label stays protected when nobody has it any more, until somebody releases it', async () => {
  const honest = await world.register('honest', ['production'])
  const lying = liar.control()
  await lying.hello({ labels: everything })
  await world.agents.deleteAgent({ agentId: honest.id })
  const runId = await world.startRun([{ id: 'ship', runsOn: ['production'] }])
  await world.untilReason(runId, 'ship', 'labels_missing')
  expect((await world.agents.listAgents({ organizationId: world.organizationId })).protectedLabels).toEqual([
    'production',
  ])
  await world.agents.releaseLabel({ organizationId: world.organizationId, label: 'production' })
  expect((await lying.take()).stepId).toBe('ship')
})

test('labels are given and taken on the agent, from the next job on', async () => {
  const lying = liar.control()
  await lying.hello({ labels: ['production', 'x64'], slots: 5 })
  // Nobody protects it yet: what the agent says counts.
  await world.startRun([{ id: 'before', runsOn: ['production'] }])
  expect((await lying.take()).stepId).toBe('before')
  const honest = await world.register('honest')
  const control = honest.control()
  await control.hello({ labels: ['x64'] })
  const { agent } = await world.agents.setAgentLabels({ agentId: honest.id, labels: ['production'] })
  expect(agent).toMatchObject({
    labels: ['production', 'x64'],
    assignedLabels: ['production'],
    reportedLabels: ['x64'],
  })
  const { agents } = await world.agents.listAgents({ organizationId: world.organizationId })
  expect(agents.find(({ id }) => id === liar.id)).toMatchObject({
    labels: ['x64'],
    reportedLabels: ['production', 'x64'],
  })
  await world.startRun([{ id: 'after', runsOn: ['production'] }])
  expect((await control.take()).stepId).toBe('after')
  await world.agents.setAgentLabels({ agentId: honest.id, labels: [] })
  const runId = await world.startRun([{ id: 'nobody', runsOn: ['production'] }])
  await world.untilReason(runId, 'nobody', 'labels_missing')
  await expect(world.agents.setAgentLabels({ agentId: honest.id, labels: ['linux'] })).rejects.toThrow(
    /Agents say linux of themselves/,
  )
  await expect(world.agents.setAgentLabels({ agentId: honest.id, labels: ['a b'] })).rejects.toThrow(
    /"a b" is no agent label/,
  )
  await world.agents.setAgentLabels({ agentId: honest.id, labels: ['production'] })
  expect((await control.take()).stepId).toBe('nobody')
  await expect(
    world.agents.releaseLabel({ organizationId: world.organizationId, label: 'production' }),
  ).rejects.toThrow(/been given/)
})

test('a token ends with the right of who made it', async () => {
  const maintainer = await world.controller.addUser({ role: Role.MAINTAINER })
  const theirs = world.controller.as(maintainer).client(AgentService)
  const { token } = await theirs.createRegistrationToken({ organizationId: world.organizationId })
  const { token: other } = await theirs.createRegistrationToken({ organizationId: world.organizationId })
  const members = world.controller.as(world.controller.owner).client(MemberService)
  await members.setMemberRole({ organizationId: world.organizationId, userId: maintainer.userId, role: Role.VIEWER })
  await expect(world.registerWith(token)).rejects.toMatchObject({ code: 7 })
  await members.setMemberRole({
    organizationId: world.organizationId,
    userId: maintainer.userId,
    role: Role.MAINTAINER,
  })
  await world.registerWith(token)
  await members.removeMember({ organizationId: world.organizationId, userId: maintainer.userId })
  await expect(world.registerWith(other)).rejects.toMatchObject({ code: 7 })
})
