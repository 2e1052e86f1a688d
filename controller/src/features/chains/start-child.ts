// Begins the run that a step has asked for, or says why there is none. The asking run stands for whoever published its version, or
// for who started the draft: they have to be allowed to start the other pipeline, now. A file of a repository stands for its project.
import { can, type Permission } from '@ansflow/proto/access'
import { mostChained, type RunAsk } from '@ansflow/proto/child-run'
import { type Run, RunOriginSchema } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { type Reason, reason, saidReason } from '@ansflow/proto/reasons'
import { isProblemCode } from '@ansflow/proto/texts/said-text'
import { starterOf } from '@ansflow/proto/triggers/run-origin'
import { create } from '@bufbuild/protobuf'
import type { EntityManager } from '../../platform/db.ts'
import { grantsOf } from '../access/index.ts'
import { findPipelineNamed, publisherOf } from '../pipelines/index.ts'
import { refusalOf, startPublished, trustOf } from '../runs/index.ts'
import { Withdrawn } from './chain-participant.ts'
import type { ChainedRunRow } from './chain-tables.ts'
import type { ChainDeps } from './settle-chains.ts'

export async function startChild(
  deps: ChainDeps,
  row: ChainedRunRow,
  parent: Run,
): Promise<Run | Reason | 'withdrawn'> {
  const { pipeline: written, inputs, wait } = JSON.parse(row.ask) as RunAsk
  const em = deps.db.em()
  const chain = [...chainOf(parent), row.run_name]
  if (chain.length >= mostChained) {
    return reason('child_deep', { chain: [...chain, written].join(' → '), most: String(mostChained) })
  }
  const by = await standsFor(em, parent)
  const said = { pipeline: written, ...(by && { by: by.name }) }
  const target = await findPipelineNamed(em, parent.projectId, written)
  if (!target) return reason('child_missing', said)
  const grants = by?.userId ? await grantsOf(deps.db, em, by.userId, deps.clock.now()) : []
  const scope = { organizationId: row.organization_id, projectId: target.projectId }
  // Of a file of a repository, which no person answers for: it reaches what its own project has.
  const isOwn = by?.userId === '' && target.projectId === parent.projectId
  const may = (permission: Permission) => isOwn || can({ grants, scopes: ['*'] }, permission, scope)
  // Names can come of expressions: whether there is one that they may not see is not told.
  if (!may('run.start')) return reason(may('pipeline.read') ? 'child_forbidden' : 'child_missing', said)
  const { runId, number, pipelineName } = { ...parent, runId: parent.id }
  const awaitedBy = wait ? [...awaitedOf(parent), runId] : []
  const cause = { case: 'run' as const, value: { runId, number, pipelineName, stepId: row.step_id, chain, awaitedBy } }
  const facts = parent.origin?.git
  // Of another project's repository, the child knows no more than what it is called.
  const git = facts && target.projectId !== parent.projectId ? { ...facts, repositoryId: '', fileHashes: {} } : facts
  try {
    return await startPublished(deps, {
      pipelineId: target.id,
      inputs,
      textInputs: true,
      // Trust is not gained on the way.
      origin: create(RunOriginSchema, { cause, ...trustOf(parent.origin), ...(git && { git }) }),
      runId: row.id,
      by: by?.userId ?? '',
    })
  } catch (error) {
    return refused(error, written)
  }
}

/** The runs that led to this one. */
export function chainOf({ origin }: Run): readonly string[] {
  return origin?.cause.case === 'run' ? origin.cause.value.chain : []
}

function awaitedOf({ origin }: Run): readonly string[] {
  return origin?.cause.case === 'run' ? origin.cause.value.awaitedBy : []
}

function refused(error: unknown, pipeline: string): Reason | 'withdrawn' {
  if (error instanceof Withdrawn) return 'withdrawn'
  const { reason: code, violations, message } = refusalOf(error)
  if (code === 'never_published') return reason('child_unpublished', { pipeline })
  const [first] = violations
  if (first?.code !== undefined && isProblemCode(first.code)) {
    const input = first.field.replace(/^inputs\./, '')
    return saidReason('child_inputs', { code: first.code, params: first.params ?? {} }, { pipeline, input })
  }
  return reason('child_refused', { pipeline, message })
}

async function standsFor(em: EntityManager, run: Run): Promise<{ userId: string; name: string } | undefined> {
  return run.version > 0 ? publisherOf(em, run.pipelineId, run.version) : starterOf(run.origin)
}
