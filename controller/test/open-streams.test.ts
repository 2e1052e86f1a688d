// A stream that is open ends with the right to it: whoever revokes a token, takes a role or deletes an agent waits for nothing.

import { Role } from '@ansflow/proto/access'
import { AgentLinkService } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { AgentService } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { AuthService } from '@ansflow/proto/gen/ansflow/v1/auth_pb'
import { LogService } from '@ansflow/proto/gen/ansflow/v1/logs_pb'
import { MemberService } from '@ansflow/proto/gen/ansflow/v1/members_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type LogTables, packRow } from '../src/features/logs/log-tables.ts'
import type { RunTables } from '../src/features/runs/run-tables.ts'
import { type ManualClock, manualClock } from '../src/platform/clock.ts'
import { startController, type TestController, type TestUser } from './start-controller.ts'
import { waitFor } from './wait-for.ts'

let c: TestController
let clock: ManualClock
let runId: string
beforeEach(async () => {
  clock = manualClock()
  c = await startController({ overrides: { clock } })
  const projectId = await c.addProject()
  const yaml = 'name: p\nsteps:\n  one: { run: "true" }\n'
  const { pipeline } = await c.as(c.owner).client(PipelineService).applyPipeline({ projectId, yaml, publish: true })
  const { run } = await c
    .as(c.owner)
    .client(RunService)
    .startRun({ pipelineId: pipeline?.id ?? '' })
  runId = run?.id ?? ''
})
afterEach(() => c[Symbol.asyncDispose]())

/** Streams of the person over both doors that never end by themselves: no agent takes the job. */
function openStreams(token: string): Promise<string>[] {
  const log = { runId, stepId: 'one' }
  const streams: AsyncIterable<unknown>[] = [
    c.as(token).client(RunService).watchRun({ runId }),
    c.as(token).client(LogService).followLog(log),
    c.grpcClient(RunService, token).watchRun({ runId }),
    c.grpcClient(LogService, token).followLog(log),
  ]
  return streams.map(async (stream) => {
    try {
      for await (const _ of stream) opened++
      return 'it ended'
    } catch (error) {
      const { code } = error as { code: number }
      return { 5: 'not_found', 7: 'permission_denied', 16: 'unauthenticated' }[code] ?? String(error)
    }
  })
}

let opened = 0
const all = (word: string) => [word, word, word, word]

describe('watching a run and following a log ends', () => {
  let person: TestUser
  let ends: Promise<string>[]
  beforeEach(async () => {
    opened = 0
    person = await c.addUser({ role: Role.VIEWER })
  })

  async function begin(token: string): Promise<void> {
    ends = openStreams(token)
    // Each watcher has its first event; whoever follows the log has nothing to tell.
    await waitFor(() => opened >= 2)
    await waitFor(() => c.controller.bus.settled().then(() => true))
  }

  test('with the role', async () => {
    await begin(person.token)
    await c.as(c.owner).client(MemberService).removeMember({ userId: person.userId })
    expect(await Promise.all(ends)).toEqual(all('not_found'))
  })

  test('with the token', async () => {
    const auth = c.as(person).client(AuthService)
    const { secret, token } = await auth.createApiToken({ name: 'x', scopes: ['run.read'] })
    await begin(secret)
    await auth.revokeApiToken({ tokenId: token?.id ?? '' })
    expect(await Promise.all(ends)).toEqual(all('unauthenticated'))
  })

  test('with the token that made the token', async () => {
    const auth = c.as(person).client(AuthService)
    const parent = await auth.createApiToken({ name: 'x', scopes: ['*'] })
    const { secret } = await c
      .as(parent.secret)
      .client(AuthService)
      .createApiToken({ name: 'y', scopes: ['run.read'] })
    await begin(secret)
    await auth.revokeApiToken({ tokenId: parent.token?.id ?? '' })
    expect(await Promise.all(ends)).toEqual(all('unauthenticated'))
  })

  test('with the time of the token, at that moment', async () => {
    const auth = c.as(person).client(AuthService)
    const expiresAt = timestampFromDate(new Date(clock.now().getTime() + 90_000))
    const { secret } = await auth.createApiToken({ name: 'x', scopes: ['run.read'], expiresAt })
    await begin(secret)
    // Between the slow looks of every minute.
    clock.advance(90_000)
    expect(await Promise.all(ends)).toEqual(all('unauthenticated'))
  })

  test('with the time of the token also while the database is away', async () => {
    const auth = c.as(person).client(AuthService)
    const expiresAt = timestampFromDate(new Date(clock.now().getTime() + 3000))
    const { secret } = await auth.createApiToken({ name: 'x', scopes: ['run.read'], expiresAt })
    await begin(secret)
    await c.db.em().execute('alter table api_token rename to away')
    clock.advance(3000)
    expect(await Promise.all(ends)).toEqual(all('unauthenticated'))
  })

  test('with the time of the role, at that moment', async () => {
    const expiresAt = timestampFromDate(new Date(clock.now().getTime() + 90_000))
    const { userId } = person
    await c.as(c.owner).client(MemberService).setMemberRole({ userId, role: Role.VIEWER, expiresAt })
    await begin(person.token)
    clock.advance(90_000)
    expect(await Promise.all(ends)).toEqual(all('not_found'))
  })

  test('with the time of the role also while the database is away', async () => {
    const expiresAt = timestampFromDate(new Date(clock.now().getTime() + 3000))
    const { userId } = person
    await c.as(c.owner).client(MemberService).setMemberRole({ userId, role: Role.VIEWER, expiresAt })
    await begin(person.token)
    await c.db.em().execute('alter table api_token rename to away')
    clock.advance(3000)
    for (const end of await Promise.all(ends)) expect(end).toMatch(/internal|unavailable/i)
  })

  test('not when only the name of the person changes', async () => {
    await begin(person.token)
    await c.as(person).client(AuthService).updateMe({ name: 'another' })
    await c.as(c.owner).client(RunService).cancelRun({ runId })
    const [watched, , watchedByGrpc] = ends
    expect([await watched, await watchedByGrpc]).toEqual(['it ended', 'it ended'])
    await c.as(c.owner).client(MemberService).removeMember({ userId: person.userId })
    await Promise.all(ends)
  })
})

describe('a download that its reader is slow with breaks off', () => {
  let person: TestUser
  beforeEach(async () => {
    person = await c.addUser({ role: Role.VIEWER })
  })

  /** Larger than what lies in the buffers on the way. */
  async function begin(token: string): Promise<ReadableStreamDefaultReader<Uint8Array>> {
    const tables = c.db.kysely<LogTables & RunTables>()
    const { id: jobId } = await tables.selectFrom('job').select('id').executeTakeFirstOrThrow()
    const data = Buffer.alloc(60_000)
    const rows = 1000
    const row = (i: number) => ({
      offset: i * data.length,
      data,
      times: { lines: [], ms: [] },
      refilled: false,
      firstLine: 0,
    })
    const packed = await Promise.all(Array.from({ length: rows }, (_, i) => packRow(jobId, row(i))))
    await tables.insertInto('log_chunk').values(packed).execute()
    await tables
      .updateTable('job')
      .set({ agent_id: c.owner.userId, log_size: rows * data.length, log_complete: 1 })
      .execute()
    const headers = { authorization: `Bearer ${token}` }
    const response = await fetch(`${c.url}/download/runs/${runId}/steps/one/log`, { headers })
    expect(response.headers.get('content-length')).toBe(String(rows * data.length))
    const reader = response.body?.getReader()
    if (!reader) throw new Error('no body')
    await reader.read()
    return reader
  }

  async function readToTheEnd(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    while (!(await reader.read()).done);
  }

  test('with the token', async () => {
    const auth = c.as(person).client(AuthService)
    const { secret, token } = await auth.createApiToken({ name: 'x', scopes: ['run.read'] })
    const reader = await begin(secret)
    await auth.revokeApiToken({ tokenId: token?.id ?? '' })
    await expect(readToTheEnd(reader)).rejects.toThrow()
  })

  test('with the role', async () => {
    const reader = await begin(person.token)
    await c.as(c.owner).client(MemberService).removeMember({ userId: person.userId })
    await expect(readToTheEnd(reader)).rejects.toThrow()
  })

  test('not otherwise', async () => {
    await readToTheEnd(await begin(person.token))
  })
})

test('both streams of an agent end when it is deleted', async () => {
  const agents = c.as(c.owner).client(AgentService)
  const { token } = await agents.createRegistrationToken({})
  const facts = { name: 'a', slots: 1, version: '0.1.0' }
  const { agentId, agentSecret } = await c
    .as(undefined)
    .client(AgentLinkService)
    .register({ token, ...facts })
  await agents.drainAgent({ agentId, drain: true })
  const link = c.grpcClient(AgentLinkService, agentSecret)
  const control = link.control()
  control.send({ kind: { case: 'hello', value: { slots: 1, version: '0.1.0' } } })
  const logs = link.logs()
  logs.send({ job: { jobId: runId, epoch: 1 } })
  const [said, answered] = [control.messages[Symbol.asyncIterator](), logs.messages[Symbol.asyncIterator]()]
  expect((await said.next()).value?.kind.case).toBe('welcome')
  expect((await answered.next()).value).toMatchObject({ takesPacked: true })
  expect((await answered.next()).value).toMatchObject({ stale: true })
  await agents.deleteAgent({ agentId })
  await expect(said.next()).rejects.toMatchObject({ code: 16 })
  await expect(answered.next()).rejects.toMatchObject({ code: 16 })
  await expect(c.as(agentSecret).client(AuthService).getMe({})).rejects.toMatchObject({ code: 16 })
})
