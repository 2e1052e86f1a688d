// The store fails at each statement and each COMMIT in turn, under every method that changes something and under the loops:
// what is answered is true, nothing is doubled, and everything goes on afterwards.

import { randomBytes } from 'node:crypto'
import { AgentLinkService, type JobRef, Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { RunService, RunStatus } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import type { DescService, JsonObject } from '@bufbuild/protobuf'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { registerFakeAgent } from '../src/features/agents/test/fake-agent.ts'
import { RepositoryDeliveryEntity } from '../src/features/deliveries/delivery.entity.ts'
import { RepositoryEntity } from '../src/features/repositories/repository.entity.ts'
import { createLog } from '../src/platform/log.ts'
import type { StatementTap } from '../src/platform/statement-tap.ts'
import { callHttp } from './call-any.ts'
import { changeRequests, changingMethods, methodsApart, things } from './change-requests.ts'
import { startController, type TestController, testDatabase } from './start-controller.ts'
import { waitFor } from './wait-for.ts'

type Fault = (run: () => Promise<unknown>, cut: () => void) => Promise<unknown>

const noAnswer: Fault = () => new Promise(() => undefined)
const failing = (fields: object) => Object.assign(new Error('injected'), fields)
const faults: Record<string, Fault> =
  testDatabase().kind === 'sqlite'
    ? {
        'the disk is full': () => Promise.reject(failing({ code: 'ERR_SQLITE_ERROR', errcode: 13 })),
        'the disk cannot be written': () => Promise.reject(failing({ code: 'ERR_SQLITE_ERROR', errcode: 778 })),
      }
    : {
        'cut before it': (_run, cut) => {
          cut()
          return Promise.reject(failing({ code: 'ECONNRESET' }))
        },
        'cut after it': async (run, cut) => {
          await run()
          cut()
          throw failing({ code: 'ECONNRESET' })
        },
        'no answer to it': noAnswer,
        'the server is read-only': () => Promise.reject(failing({ errno: 1290, sqlState: 'HY000' })),
      }

/** Which statement from now on fails, and how. */
let armed: { left: number; fault: Fault } | undefined
/** Statements since the last call of `count`. */
let seen = 0
const tap: StatementTap = async (_sql, run, cut) => {
  seen++
  if (armed && --armed.left === 0) {
    const { fault } = armed
    armed = undefined
    return (await fault(run, cut)) as Awaited<ReturnType<typeof run>>
  }
  return run()
}

function startFailing(): Promise<TestController> {
  const database = testDatabase()
  return startController({
    overrides: { statementTap: tap, log: createLog('silent') },
    config: { database: database.kind === 'mysql' ? { ...database, statementMs: 1000 } : database },
  })
}

let c: TestController
beforeAll(async () => {
  c = await startFailing()
})
afterAll(() => c[Symbol.asyncDispose]())
// What one method leaves to be worked off later would take the faults that are meant for the next.
afterEach(async () => {
  const em = c.db.em()
  await em.nativeUpdate(RepositoryEntity, { lookAt: { $ne: null } }, { lookAt: null })
  await em.nativeUpdate(RepositoryDeliveryEntity, { nextAt: { $ne: null } }, { nextAt: null })
})

/** They set something, the same twice by nature, and read what they answer after the commit: that may fail by itself. */
const readsAfter = new Set(['DrainAgent', 'SetAgentLabels', 'SetAgentTrust', 'ReleaseLabel', 'CancelRun', 'Decide'])

/**
 * Enough where each statement is waited for in vain, and for what undoes them all: what is answered to that under every method a full
 * disk of SQLite shows, and what is answered where it is not known, the cut after them.
 */
const few = new Set(['CreateProject', 'PutSecret', 'ApplyPipeline', 'StartRun'])
const underFew = new Set(['no answer to it', 'the server is read-only', 'cut before it'])

/** What says what there is; what only tells of it (events, limits, markers) grows by itself. */
const counted = [
  ...['project', 'secret', 'pipeline', 'pipeline_version', 'collab_snapshot', 'run', 'job', 'agent'],
  ...['connection', 'sealed_value', 'repository', 'repository_delivery'],
  ...[
    'approval',
    'approval_decision',
    'registration_token',
    'user',
    'access_grant',
    'invitation',
    'api_token',
    'idempotency_key',
    'audit_event',
  ],
]

/** Rows of every such table. */
async function rows(): Promise<Record<string, number>> {
  const { rows } = await sql<Record<string, number>>`select ${sql.join(
    counted.map((table) => sql`(select count(*) from ${sql.table(table)}) as ${sql.ref(table)}`),
  )}`.execute(c.db.kysely())
  return Object.fromEntries(Object.entries(rows[0]!).map(([table, count]) => [table, Number(count)]))
}

function difference(before: Record<string, number>, after: Record<string, number>): Record<string, number> {
  const names = Object.keys(after).filter((name) => after[name] !== before[name])
  return Object.fromEntries(names.map((name) => [name, after[name]! - before[name]!]))
}

test('every method that changes something is in the table', () => {
  expect(
    changingMethods.map(({ name }) => name).filter((name) => !changeRequests[name] && !methodsApart.has(name)),
  ).toEqual([])
})

describe.each(Object.entries(faults))('%s', (what, fault) => {
  const walked = changingMethods.filter(({ name }) => (underFew.has(what) ? few.has(name) : changeRequests[name]))
  // Each statement is waited for in turn, as below.
  test.each(walked.map((method) => [method.name, method] as const))(
    '%s',
    { timeout: 120_000 },
    async (name, method) => {
      const token = accessibleTo(method.parent) ? c.owner.token : undefined
      const call = async (request: JsonObject) => {
        const before = await rows()
        const from = seen
        const ending = await callHttp(c, method, request, token)
        return { ...ending, statements: seen - from, did: difference(before, await rows()) }
      }
      const whole = await call(await changeRequests[name]!(await things(c)))
      expect(whole.code).toBe('ok')
      expect(whole.did).toMatchObject({ audit_event: 1 })
      // One more than it takes when undisturbed: what follows behind the answer fails too.
      const every = Array.from({ length: whole.statements + 1 }, (_, index) => index + 1)
      // What a call left as it was, the next one can be about.
      let request: JsonObject | undefined
      for (const at of fault === noAnswer ? every.slice(-3) : every) {
        request ??= await changeRequests[name]!(await things(c))
        const before = await rows()
        armed = { left: at, fault }
        const ending = await callHttp(c, method, request, token)
        armed = undefined
        const did = difference(before, await rows())
        if (Object.keys(did).length > 0) request = undefined
        const shown = { at, code: ending.code, reason: ending.reason, did }
        if (ending.code === 'ok') expect(shown).toMatchObject({ did: whole.did })
        else {
          // What may have happened must not be repeated by a program that only sees "unavailable".
          const unknown = ending.reason === 'outcome_unknown'
          expect(shown).toMatchObject({ code: unknown ? 'aborted' : 'unavailable' })
          expect(shown.reason).toMatch(/^(store_|outcome_unknown$)/)
          if (unknown) expect([{}, whole.did]).toContainEqual(shown.did)
          else if (readsAfter.has(name)) expect([{}, whole.did]).toContainEqual(shown.did)
          else expect(shown.did).toEqual({})
        }
      }
      expect(await call(await changeRequests[name]!(await things(c)))).toMatchObject({ code: 'ok', did: whole.did })
    },
  )

  test('a run goes to its end, each step once', async () => {
    // One of its own: the agent takes whatever waits.
    await using c = await startFailing()
    const { pipelineId, registration } = await things(c)
    const owner = c.as(c.owner)
    const agent = await registerFakeAgent(c.grpcAddress, registration)
    try {
      const ran = async (at: number) => {
        const from = seen
        armed = { left: at, fault }
        const key = randomBytes(8).toString('hex')
        const start = () => owner.client(RunService).startRun({ pipelineId, idempotencyKey: key })
        const { run } = await start().catch(start)
        let starts = 0
        for (let attempt = 0; attempt < 10; attempt++) {
          // As the real agent does: what ends the stream is answered with a new one, and a hello that says what it has.
          const control = agent.control()
          const done = (async () => {
            await control.hello()
            const { job } = await control.take()
            starts++
            control.say({ case: 'started', value: { job } })
            control.say({ case: 'finished', value: { job, outcome: Outcome.SUCCEEDED, exitCode: 0 } })
            await control.hear('finishedAck')
          })()
          const ended = await done.then(
            () => true,
            () => false,
          )
          control.cut()
          if (ended) break
        }
        armed = undefined
        const runId = run?.id ?? ''
        await waitFor(
          async () => (await owner.client(RunService).getRun({ runId })).run?.status === RunStatus.SUCCEEDED,
        )
        return { runId, starts, statements: seen - from }
      }
      const whole = await ran(0)
      const step = fault === noAnswer ? 7 : 1
      for (let at = 1; at <= whole.statements; at += step) {
        const { runId, starts } = await ran(at)
        const { run } = await owner.client(RunService).getRun({ runId })
        expect({ at, starts, attempts: run?.steps[0]?.attempts.length }).toEqual({ at, starts: 1, attempts: 1 })
      }
    } finally {
      agent.close()
    }
  }, 120_000)

  test('a step ends and the next is offered: both or neither, and the next goes on either way', async () => {
    await using c = await startFailing()
    const { projectId, registration } = await things(c)
    const owner = c.as(c.owner)
    const yaml = 'name: chain\nsteps:\n  one: { run: "true" }\n  two: { run: "true", needs: [one] }\n'
    const { pipeline } = await owner.client(PipelineService).applyPipeline({ projectId, yaml, publish: true })
    const agent = await registerFakeAgent(c.grpcAddress, registration)
    const control = agent.control()
    try {
      await control.hello({ slots: 1 })
      const finish = async (job: JobRef) => {
        control.say({ case: 'finished', value: { job, outcome: Outcome.SUCCEEDED, exitCode: 0 } })
        await control.hear('finishedAck')
      }
      /** How many statements it took from the end of the first step to the start of the second. */
      const ran = async (at: number) => {
        const { run } = await owner.client(RunService).startRun({ pipelineId: pipeline!.id })
        const one = await control.take()
        const from = seen
        armed = { left: at, fault }
        await finish(one.job)
        const two = await control.take()
        const statements = seen - from
        armed = undefined
        expect([one.stepId, two.stepId]).toEqual(['one', 'two'])
        await finish(two.job)
        const { run: ended } = await owner.client(RunService).getRun({ runId: run!.id })
        const attempts = ended?.steps.map((step) => step.attempts.length)
        expect({ at, status: ended?.status, attempts }).toEqual({ at, status: RunStatus.SUCCEEDED, attempts: [1, 1] })
        return statements
      }
      await ran(0)
      const most = await ran(0)
      for (let at = 1; at <= most; at += fault === noAnswer ? 5 : 1) await ran(at)
    } finally {
      control.cut()
      agent.close()
    }
  }, 120_000)
})

/** Register is called by nobody yet. */
function accessibleTo(service: DescService): boolean {
  return service.typeName !== AgentLinkService.typeName
}
