// The claim: a queued job goes to one agent by conditional update, and its workspace with it.

import { isolatedWorkspace } from '@ansflow/engine/pick-job'
import { type JobSpec, JobSpecSchema } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { JobStatus } from '@ansflow/proto/status'
import { fromBinary } from '@bufbuild/protobuf'
import type { Kysely } from 'kysely'
import type { Db, EntityManager } from '../../platform/db.ts'
import { statement } from '../../platform/statement.ts'
import { databaseNow, type RunTables } from './run-tables.ts'

export interface ClaimedJob {
  jobId: string
  epoch: number
  runId: string
  stepId: string
  attempt: number
  projectId: string
  organizationId: string
  /** Whether secrets must be read before it starts. */
  secrets: boolean
  spec: JobSpec
}

/**
 * Gives a queued job to an agent, with the next epoch, and its workspace with it. Null: someone else got the job or holds the
 * workspace, or it was canceled. Tell the driver by `jobOffered` after the commit, then offer.
 */
export async function claimJob(
  db: Db,
  em: EntityManager,
  jobId: string,
  agentId: string,
  agentName = '',
): Promise<ClaimedJob | null> {
  const tables = db.kysely<RunTables>(em)
  const job = await queuedJob.first(tables, { jobId })
  if (!job) return null
  const pin = { run_id: job.run_id, workspace: job.workspace, agent_id: agentId }
  const pinned = job.workspace === isolatedWorkspace ? 'free' : await pinWorkspace(tables, db.dialect, pin)
  if (pinned === 'taken') return null
  const claimed = await claim[db.dialect].changed(tables, {
    jobId,
    agentId,
    agentName,
    was: job.epoch,
    epoch: job.epoch + 1,
  })
  if (claimed !== 1n) {
    if (pinned === 'new')
      await tables
        .deleteFrom('workspace_pin')
        .where('run_id', '=', pin.run_id)
        .where('workspace', '=', pin.workspace)
        .execute()
    return null
  }
  return {
    jobId,
    epoch: job.epoch + 1,
    runId: job.run_id,
    stepId: job.step_id,
    attempt: job.attempt,
    projectId: job.project_id,
    organizationId: job.organization_id,
    secrets: job.secrets !== '[]',
    spec: fromBinary(JobSpecSchema, job.spec),
  }
}

const queuedJob = statement<RunTables, { jobId: string }>()((db, { jobId }) =>
  db
    .selectFrom('job')
    .select(['run_id', 'workspace', 'step_id', 'attempt', 'project_id', 'organization_id', 'secrets', 'spec', 'epoch'])
    .where('id', '=', jobId)
    .where('status', '=', JobStatus.QUEUED),
)

const claim = { sqlite: claimOn('sqlite'), mysql: claimOn('mysql') }

function claimOn(dialect: Db['dialect']) {
  return statement<RunTables, { jobId: string; agentId: string; agentName: string; was: number; epoch: number }>()(
    (db, { jobId, agentId, agentName, was, epoch }) =>
      db
        .updateTable('job')
        .set({
          status: JobStatus.OFFERED,
          epoch,
          agent_id: agentId,
          agent_name: agentName,
          offered_at: databaseNow(dialect),
        })
        .where('id', '=', jobId)
        .where('status', '=', JobStatus.QUEUED)
        .where('epoch', '=', was),
  )
}

type Pin = RunTables['workspace_pin']

async function pinWorkspace(db: Kysely<RunTables>, dialect: Db['dialect'], row: Pin): Promise<'new' | 'own' | 'taken'> {
  if ((await pin[dialect].changed(db, row)) === 1n) return 'new'
  const holder = await pinHolder.first(db, row)
  return holder?.agent_id === row.agent_id ? 'own' : 'taken'
}

const pin = {
  sqlite: statement<RunTables, Pin>()((db, { run_id, workspace, agent_id }) =>
    db
      .insertInto('workspace_pin')
      .values({ run_id, workspace, agent_id })
      .onConflict((conflict) => conflict.doNothing()),
  ),
  mysql: statement<RunTables, Pin>()((db, { run_id, workspace, agent_id }) =>
    db.insertInto('workspace_pin').values({ run_id, workspace, agent_id }).ignore(),
  ),
}

const pinHolder = statement<RunTables, Pin>()((db, { run_id, workspace }) =>
  db.selectFrom('workspace_pin').select('agent_id').where('run_id', '=', run_id).where('workspace', '=', workspace),
)
