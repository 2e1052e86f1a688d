import type { RunState } from '@ansflow/engine/state'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { RepositoryService } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import { RunOriginSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { RunStatus } from '@ansflow/proto/status'
import { create } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startController, type TestController } from '../../../test/start-controller.ts'
import { uuidv7 } from '../../platform/ids.ts'
import type { StatementTap } from '../../platform/statement-tap.ts'
import type { RunChange } from '../runs/index.ts'
import { branchHealth } from './branch-health.ts'
import { BranchHealthEntity, RepositoryEntity, RunSourceEntity } from './repository.entity.ts'

let controller: TestController
let projectId = ''
let repositoryId = ''
let statements: string[] = []
let count = 0
const statementTap: StatementTap = (sql, run) => {
  statements.push(sql)
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
}

/** As the store has it. */
async function keep({ pipelineId, id, status, rerunOf = '', branch = 'main' }: Ran): Promise<void> {
  const time = controller.db.toColumn(new Date())
  const text = { project_slug: '', pipeline_name: 'p', graph_hash: '', inputs: '{}', step_counts: '[]', origin: '{}' }
  const numbers = { number: ++count, version: 1, revision: 1, seq: 1, cancel_level: 0 }
  await controller.db
    .kysely<{ run: Record<string, unknown> }>()
    .insertInto('run')
    .values({
      ...{ ...text, ...numbers, id, pipeline_id: pipelineId, status, rerun_of: rerunOf, project_id: projectId },
      ...{ organization_id: controller.owner.organizationId, started_by: '', canceled_by: '', canceled_by_name: '' },
      created_at: time,
    })
    .execute()
  const source = { runId: id, projectId, repositoryId, branch, commit: '', pullRequest: 0 }
  await controller.db.em().insert(RunSourceEntity, source)
}

async function end({ pipelineId, id, status, rerunOf = '', branch = 'main', version = 1 }: Ran): Promise<boolean> {
  const origin = create(RunOriginSchema, { git: { repositoryId, branch } })
  const run = { meta: { runId: id, pipelineId, projectId, origin, version }, status } as unknown as RunState
  const change = { run, belongs: { rerunOf }, ended: true } as unknown as RunChange
  const { participant } = branchHealth(controller.db, (of) => told.push(of.repositoryId))
  if (!participant.wants(change)) return false
  await controller.db.commit((to) => participant.write(to, [change], new Date()))
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
  const ofRuns = statements.filter((sql) => /\b(run|run_source)[`"]/.test(sql) && /from [`"]run/.test(sql))
  expect(ofRuns.length).toBeGreaterThan(0)
  for (const sql of ofRuns) expect(sql).toMatch(/where [`"](?:id[`"] in|run_id[`"] =)/)
  await controller.db.em().nativeUpdate(RepositoryEntity, { id: repositoryId }, { defaultBranch: 'trunk' })
  expect((await owner.listBrokenPipelines({ projectId })).broken).toEqual([])
})
