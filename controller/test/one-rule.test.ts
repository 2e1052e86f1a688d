// A name is taken at every door or at none: what the file may ask for is what can be stored, given and registered.

import { AgentService } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { SecretService } from '@ansflow/proto/gen/ansflow/v1/secrets_pb'
import { parsePipeline } from '@ansflow/proto/pipeline-yaml'
import { Code, ConnectError } from '@connectrpc/connect'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { registerFakeAgent } from '../src/features/agents/test/fake-agent.ts'
import { startController, type TestController } from './start-controller.ts'

let c: TestController
let projectId: string
let agentId: string
beforeAll(async () => {
  c = await startController()
  projectId = await c.addProject()
  const { token } = await agents().createRegistrationToken({})
  const agent = await registerFakeAgent(c.grpcAddress, token)
  agent.close()
  agentId = agent.id
})
afterAll(() => c[Symbol.asyncDispose]())

const agents = () => c.as(c.owner).client(AgentService)

const words = [
  'NPM_TOKEN',
  'npm_token',
  'x',
  '_',
  '1st',
  'a-b',
  'a.b',
  'zone=eu',
  'disk/ssd:fast',
  '=',
  '-a',
  'a b',
  ' a',
  'a ',
  'a\tb',
  'a\u0085b',
  'é',
  '名',
  'a'.repeat(64),
  'a'.repeat(65),
  'a'.repeat(128),
  'a'.repeat(129),
  '',
]

/** Whether the door takes it; anything but a plain refusal of the argument is a fault. */
async function takes(call: Promise<unknown>): Promise<boolean> {
  try {
    await call
    return true
  } catch (error) {
    // 3 is both Connect's and gRPC's number for it.
    const code = error instanceof ConnectError ? error.code : (error as { code?: number }).code
    if (code !== Code.InvalidArgument) throw error
    return false
  }
}

/** The file with this word at a place takes it. */
function fileTakes(step: object, name = 'p'): boolean {
  const { problems } = parsePipeline(JSON.stringify({ name, steps: { s: { run: 'true', ...step } } }))
  return problems.length === 0
}

test.each(words)('secret %j', async (name) => {
  const stored = await takes(c.as(c.owner).client(SecretService).putSecret({ projectId, name, value: 'v' }))
  expect(stored).toBe(fileTakes({ secrets: [name] }))
})

test.each(words)('label %j', async (label) => {
  const { token } = await agents().createRegistrationToken({})
  const registered = registerFakeAgent(c.grpcAddress, token, 'labeled', [label]).then((agent) => agent.close())
  const doors = [
    await takes(registered),
    await takes(agents().setAgentLabels({ agentId, labels: [label] })),
    await takes(agents().createRegistrationToken({ labels: [label] })),
  ]
  expect(new Set([...doors, fileTakes({ runsOn: [label] })]).size).toBe(1)
})

test.each(words)('pipeline %j', async (name) => {
  const pipelines = c.as(c.owner).client(PipelineService)
  // The API takes blanks at the ends away before it looks.
  const made = await takes(pipelines.createPipeline({ projectId: await c.addProject(), name, sample: 'hello' }))
  expect(made).toBe(fileTakes({}, name.trim()))
})
