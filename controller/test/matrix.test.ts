// Every rpc crossed with every kind of caller, through both doors, against the table in `rights-table.ts`.
import { Role } from '@ansflow/proto/access'
import { AgentLinkService } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { Resource } from '@ansflow/proto/gen/ansflow/v1/access_pb'
import { AgentService } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { ApprovalService } from '@ansflow/proto/gen/ansflow/v1/approvals_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import type { DescMethod, JsonObject } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { accessOf } from '../src/transport/call.ts'
import { callGrpc, callHttp, type Ending } from './call-any.ts'
import { connectedRepository } from './change-requests.ts'
import { everyService } from './every-service.ts'
import { rightsTable, type Verdict } from './rights-table.ts'
import { startController, type TestController } from './start-controller.ts'

const services = await everyService()
const methods = services.flatMap((service) => service.methods)

interface Principal {
  /** A column of the table. */
  name: string
  /** On the organization that everything in the test belongs to; undefined: not signed in. */
  role?: Role
  scopes?: string[]
  /** Of another organization. */
  outside?: boolean
}

const principals: Principal[] = [
  { name: 'anonymous' },
  { name: 'viewer', role: Role.VIEWER },
  { name: 'developer', role: Role.DEVELOPER },
  { name: 'maintainer', role: Role.MAINTAINER },
  { name: 'owner', role: Role.OWNER },
  { name: 'outsider', role: Role.OWNER, outside: true },
  { name: 'agentsToken', role: Role.OWNER, scopes: ['agent.*'] },
]

let c: TestController
const tokens = new Map<Principal, string | undefined>()
let ids: Record<number, string>

beforeAll(async () => {
  c = await startController()
  const elsewhere = await c.addOrganization()
  for (const principal of principals) {
    if (principal.role === undefined) continue
    const { token } = await c.addUser({
      role: principal.role,
      scopes: principal.scopes ?? ['*'],
      ...(principal.outside && { organizationId: elsewhere }),
    })
    tokens.set(principal, token)
  }
  ids = await things()
})
afterAll(() => c[Symbol.asyncDispose]())

test('every service of the contract is served', () => {
  const served = c.controller.services.map(({ service }) => service.typeName).sort()
  expect(served).toEqual(services.map((service) => service.typeName).sort())
})

test('every method has a line in the table', () => {
  expect([...rightsTable.keys()].sort()).toEqual(methods.map(nameOf).sort())
})

describe.each(methods.map((method) => [nameOf(method), method] as const))('%s', (name, method) => {
  test.each(principals.map((principal) => [principal.name, principal] as const))('%s', async (who, principal) => {
    const wanted = rightsTable.get(name)?.get(who)
    const token = tokens.get(principal)
    for (const call of [callHttp, callGrpc]) {
      if (call === callHttp && method.methodKind === 'bidi_streaming') continue
      // What is allowed may also change or delete: then on things of its own.
      const target = wanted === 'yes' && /^(Delete|Remove|Drain|Disconnect)/.test(method.name) ? await things() : ids
      const ending = await call(c, method, request(method, target), token)
      expect({ door: call.name, ...ending, verdict: verdict(method, ending) }).toMatchObject({ verdict: wanted })
      expect(ending.code).not.toBe('internal')
    }
  })
})

const withMore = methods.filter((method) => accessOf(method).also.length > 0)
test.each(withMore.map((method) => [nameOf(method), method] as const))(
  '%s asks for all that it shows, each by itself',
  async (_name, method) => {
    const all = [accessOf(method).permission, ...accessOf(method).also]
    const calledWith = async (scopes: string[]) => {
      const { token } = await c.addUser({ role: Role.OWNER, scopes })
      return (await callHttp(c, method, request(method, ids), token)).code
    }
    for (const lacking of all) expect(await calledWith(all.filter((scope) => scope !== lacking))).not.toBe('ok')
    expect(await calledWith(all)).not.toBe('permission_denied')
  },
)

function nameOf(method: DescMethod): string {
  return `${method.parent.name}/${method.name}`
}

function verdict(method: DescMethod, { code, reason }: Ending): Verdict {
  const { permission, resource } = accessOf(method)
  if (code === 'unauthenticated' && reason === '') return 'who?'
  if (code === 'permission_denied' && ['permission_missing', 'scope_missing'].includes(reason)) return 'no'
  const noun = Resource[resource]?.toLowerCase()
  if (code === 'not_found' && permission !== 'self' && reason === `${noun}_not_found`) return 'none'
  return 'yes'
}

function request(method: DescMethod, target: Record<number, string>): JsonObject {
  const { resource, field } = accessOf(method)
  return field === '' ? {} : { [field]: target[resource] ?? '' }
}

/** One of each resource, new ones at each call. */
async function things(): Promise<Record<number, string>> {
  const owner = c.as(c.owner)
  const projectId = await c.addProject()
  const found: Record<number, string> = {
    [Resource.ORGANIZATION]: c.owner.organizationId,
    [Resource.PROJECT]: projectId,
  }
  const yaml =
    'name: p\nsteps:\n  one: { run: "true" }\n  ask: { uses: approval, with: { approvers: ["role:maintainer"] } }\n'
  const { pipeline } = await owner.client(PipelineService).applyPipeline({ projectId, yaml, publish: true })
  found[Resource.PIPELINE] = pipeline?.id ?? ''
  const { run } = await owner.client(RunService).startRun({ pipelineId: pipeline?.id ?? '' })
  found[Resource.RUN] = run?.id ?? ''
  const { approvals } = await owner.client(ApprovalService).listApprovals({ runId: run?.id ?? '' })
  found[Resource.APPROVAL] = approvals[0]?.id ?? ''
  const { token } = await owner.client(AgentService).createRegistrationToken({})
  const agent = { token, name: `agent-${projectId}`, slots: 1, version: '0.1.0' }
  found[Resource.AGENT] = (await c.as(undefined).client(AgentLinkService).register(agent)).agentId
  const { connectionId, repositoryId } = await connectedRepository(c, projectId)
  found[Resource.CONNECTION] = connectionId
  found[Resource.REPOSITORY] = repositoryId
  return found
}
