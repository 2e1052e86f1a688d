import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { RepositoryService } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import { RunOriginSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { RunStatus } from '@ansflow/proto/status'
import { create, toJsonString } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startController, type TestController } from '../../../test/start-controller.ts'
import { uuidv7 } from '../../platform/ids.ts'
import type { StatementTap } from '../../platform/statement-tap.ts'
import { LostRace, type RunChange } from '../runs/index.ts'
import { branchHealth } from './branch-health.ts'
import { BranchHealthEntity, RepositoryEntity, RunSourceEntity } from './repository.entity.ts'

let controller: TestController
let projectId = ''
let repositoryId = ''
let statements: string[] = []
let count = 0
let held: ((sql: string) => Promise<void>) | undefined
const statementTap: StatementTap = async (sql, run) => {
  statements.push(sql)
  await held?.(sql)
  return run()
}
const told: string[] = []

beforeAll(async () => {
  controller = await startController({ overrides: { statementTap } })
  projectId = await controller.addProject()
  repositoryId = uuidv7()
  const text = {
    ...{ connectionId: '', fullName: 'acme/shop', cloneUrl: '', webUrl: '', connectedByName: '', hookMark: '' },
    ...{ hookId: '', hookProblem: '', tellProblem: '', headCommit: '', readProblem: '', defaultBranch: 'main' },
  }
  const { organizationId } = controller.owner
  const now = new Date()
  const row = { ...text, id: repositoryId, organizationId, projectId, connectedAt: now, hookMadeAt: now, tells: false }
  await controller.db.em().insert(RepositoryEntity, { ...row, forks: 1, pollSeconds: 0 } as never)
})
afterAll(() => controller?.[Symbol.asyncDispose]())

interface Ran {
  pipelineId: string
  id: string
  status: RunStatus
  rerunOf?: string
  branch?: string
  version?: number
  pullRequest?: number
}

const originOf = ({ branch = 'main', pullRequest = 0 }: Ran) =>
  create(RunOriginSchema, { git: { repositoryId, branch, pullRequest } })

/** As the store has it. */
async function keep(ran: Ran): Promise<void> {
  const { pipelineId, id, status, rerunOf = '', branch = 'main', version = 1, pullRequest = 0 } = ran
  const time = controller.db.toColumn(new Date())
  const text = { project_slug: '', pipeline_name: 'p', graph_hash: '', inputs: '{}', step_counts: '[]' }
  const origin = toJsonString(RunOriginSchema, originOf(ran))
  const numbers = { number: ++count, version, revision: 1, seq: 1, cancel_level: 0 }
  await controller.db
    .kysely<{ run: Record<string, unknown> }>()
    .insertInto('run')
    .values({
      ...{ ...text, ...numbers, origin, id, pipeline_id: pipelineId, status, rerun_of: rerunOf, project_id: projectId },
      ...{ organization_id: controller.owner.organizationId, started_by: '', canceled_by: '', canceled_by_name: '' },
      created_at: time,
    })
    .execute()
  const source = { runId: id, projectId, repositoryId, branch, commit: '', pullRequest }
  await controller.db.em().insert(RunSourceEntity, source)
}

function ended(ran: Ran): RunChange {
  const { pipelineId, id, status, rerunOf = '', version = 1 } = ran
  const run = { meta: { runId: id, pipelineId, projectId, origin: originOf(ran), version }, status }
  return { run, belongs: { rerunOf }, ended: true } as unknown as RunChange
}

async function end(...all: Ran[]): Promise<boolean> {
  const { participant } = branchHealth(controller.db, (of) => told.push(of.repositoryId))
  const changes = all.map(ended).filter((change) => participant.wants(change))
  if (changes.length === 0) return false
  await controller.db.commit((to) => participant.write(to, changes, new Date()))
  participant.committed?.()
  return true
}

const state = async (pipelineId: string) => controller.db.em().findOne(BranchHealthEntity, { repositoryId, pipelineId })

test('in whatever order runs end and are run again, it is broken since the first that was not green after the last that was', async () => {
  const ended = fc.record({ place: fc.nat(5), isGreen: fc.boolean() })
  await fc.assert(
    fc.asyncProperty(fc.array(ended, { minLength: 1, maxLength: 12 }), async (all) => {
      const pipelineId = uuidv7()
      const places = Array.from({ length: 6 }, () => uuidv7())
      const result = new Map<string, boolean>()
      for (const { place, isGreen } of all) {
        const at = places[place]!
        // What was green stays so.
        const now = isGreen || result.get(at) === true
        const rerunOf = result.has(at) ? at : ''
        const id = rerunOf === '' ? at : uuidv7()
        result.set(at, now)
        const ran = { pipelineId, id, rerunOf, status: now ? RunStatus.SUCCEEDED : RunStatus.FAILED }
        await keep(ran)
        await end(ran)
      }
      const seen = [...result.keys()].sort()
      const green = seen.findLast((at) => result.get(at)) ?? null
      const broken = seen.find((at) => green === null || at > green) ?? null
      const { lastPlace, greenPlace, brokenPlace } = (await state(pipelineId))!
      expect({ lastPlace, greenPlace, brokenPlace }).toEqual({
        lastPlace: seen.at(-1),
        greenPlace: green,
        brokenPlace: broken,
      })
    }),
    { numRuns: 60 },
  )
}, 60_000)

test('other branches, tests of drafts and canceled runs say nothing', async () => {
  const pipelineId = uuidv7()
  const ran = { pipelineId, id: uuidv7(), status: RunStatus.FAILED }
  expect(await end({ ...ran, version: 0 })).toBe(false)
  expect(await end({ ...ran, status: RunStatus.CANCELED })).toBe(false)
  await end({ ...ran, branch: 'other' })
  expect(await state(pipelineId)).toBeNull()
  told.length = 0
  await end(ran)
  expect(await state(pipelineId)).toMatchObject({ brokenRunId: ran.id, greenRunId: null })
  expect(told).toEqual([repositoryId])
})

test('it is broken since no run that says nothing of the branch', async () => {
  const pipelineId = uuidv7()
  const ids = Array.from({ length: 6 }, () => uuidv7())
  const failed = ids.map((id) => ({ pipelineId, id, status: RunStatus.FAILED }))
  const [first, , draft, own, since, last] = failed
  for (const ran of [first!, { ...draft!, version: 0 }, { ...own!, pullRequest: 3 }, since!, last!]) {
    await keep(ran)
    await end(ran)
  }
  expect(await state(pipelineId)).toMatchObject({ brokenRunId: first!.id, lastRunId: last!.id })
  await end({ pipelineId, id: ids[1]!, status: RunStatus.SUCCEEDED })
  expect(await state(pipelineId)).toMatchObject({ brokenRunId: since!.id, greenRunId: ids[1] })
})

test('runs of a pipeline may end in one commit, or at one moment', async () => {
  const pipelineId = uuidv7()
  const [good, bad, worse] = [uuidv7(), uuidv7(), uuidv7()]
  await end({ pipelineId, id: good, status: RunStatus.SUCCEEDED }, { pipelineId, id: bad, status: RunStatus.FAILED })
  expect(await state(pipelineId)).toMatchObject({ greenRunId: good, brokenRunId: bad, revision: 2 })
  // SQLite makes one transaction after the other.
  if (controller.db.dialect === 'sqlite') return
  for (const id of [pipelineId, uuidv7()]) {
    const read = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    held = async (sql) => {
      if (!/^(insert|update).*branch_health/.test(sql)) return
      held = undefined
      read.resolve()
      await goOn.promise
    }
    const late = end({ pipelineId: id, id: uuidv7(), status: RunStatus.FAILED })
    await read.promise
    await end({ pipelineId: id, id: worse, status: RunStatus.FAILED })
    goOn.resolve()
    // Whoever commits the run begins anew.
    await expect(late).rejects.toThrow(LostRace)
    expect(await state(id)).toMatchObject({ lastRunId: worse })
  }
})

test('a branch that is the default one no longer is over', async () => {
  const owner = controller.as(controller.owner).client(RepositoryService)
  const yaml = 'name: p\nsteps: { a: { run: "true" } }\n'
  const pipelines = controller.as(controller.owner).client(PipelineService)
  const { pipeline } = await pipelines.applyPipeline({ projectId, yaml, publish: true })
  const pipelineId = pipeline!.id
  const [good, bad, worse] = [uuidv7(), uuidv7(), uuidv7()]
  for (const [id, status] of [
    [good, RunStatus.SUCCEEDED],
    [bad, RunStatus.FAILED],
    [worse, RunStatus.LOST],
  ] as const) {
    await keep({ pipelineId, id, status })
    await end({ pipelineId, id, status })
  }
  // However many runs there were, none of them is looked through.
  const time = controller.db.toColumn(new Date())
  const many = Array.from({ length: 10_000 }, () => uuidv7())
  for (let from = 0; from < many.length; from += 500) {
    const rows = many.slice(from, from + 500).map((id, index) => ({
      ...{ id, project_slug: '', pipeline_name: 'p', graph_hash: '', inputs: '{}', step_counts: '[]', origin: '{}' },
      ...{ number: from + index + 10, version: 1, revision: 1, seq: 1, cancel_level: 0, pipeline_id: uuidv7() },
      ...{ status: RunStatus.FAILED, rerun_of: '', project_id: projectId, created_at: time, started_by: '' },
      ...{ organization_id: controller.owner.organizationId, canceled_by: '', canceled_by_name: '' },
    }))
    await controller.db.kysely<{ run: Record<string, unknown> }>().insertInto('run').values(rows).execute()
  }
  statements = []
  const { broken, watched } = await owner.listBrokenPipelines({ projectId, repositoryId })
  expect(broken).toMatchObject([
    { pipelineName: 'p', branch: 'main', since: { id: bad }, last: { id: worse }, green: { id: good } },
  ])
  expect(watched).toBeGreaterThan(1)
  // The loops that look for runs that are to be woken, or that nobody goes on with, may come by.
  const asked = statements.filter((sql) => !/[`"]wake_at[`"] (?:<= \?|is null)/.test(sql))
  const ofRuns = asked.filter((sql) => /\b(run|run_source)[`"]/.test(sql) && /from [`"]run/.test(sql))
  expect(ofRuns.length).toBeGreaterThan(0)
  for (const sql of ofRuns) expect(sql).toMatch(/where [`"](?:id[`"] in|run_id[`"] =)/)
  await controller.db.em().nativeUpdate(RepositoryEntity, { id: repositoryId }, { defaultBranch: 'trunk' })
  expect((await owner.listBrokenPipelines({ projectId })).broken).toEqual([])
})
