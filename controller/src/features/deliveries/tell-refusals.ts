// Whoever pushed looks at the forge: what does not lead to a run that its author may expect says so beside its commit.
import { saidText } from '@ansflow/proto/texts/said-text'
import type { Said } from '@ansflow/proto/texts/say'
import type { Db } from '../../platform/db.ts'
import type { Workers } from '../../platform/workers.ts'
import type { Repositories, RepositoryRow } from '../repositories/index.ts'
import type { StatusNews } from '../statuses/index.ts'
import type { Decision } from './decide.ts'
import { RepositoryDeliveryEntity } from './delivery.entity.ts'
import { subjectOf } from './happening.ts'
import { readDelivered } from './read-delivered.ts'

export interface TellNow {
  tellNow(news: Omit<StatusNews, 'now' | 'report' | 'runId'>): Promise<void>
}

/** A trigger that asks for something else is no refusal: nobody expects a run of it. */
export async function tellRefusal(
  { tellNow }: TellNow,
  { id: repositoryId, projectId }: RepositoryRow,
  commit: string,
  { path, pipelineName, why }: Pick<Decision, 'path' | 'pipelineName' | 'why'>,
): Promise<void> {
  const name = pipelineName || path
  if (name === '' || commit === '' || !why || why.code.startsWith('gate_')) return
  await tellNow({ repositoryId, projectId, commit, name, state: 'failed', description: saidText(why) })
}

/** Beside those of pipelines, so no pipeline's may be taken for it. */
const approvalName = 'approval'

/** Of a commit from elsewhere: it waits for somebody, who may not be looking at AnsFlow; or it does no more. */
export async function tellApproval(
  { tellNow }: TellNow,
  { id: repositoryId, projectId }: RepositoryRow,
  commit: string,
  isApproved: boolean,
): Promise<void> {
  if (commit === '') return
  const said = isApproved
    ? { state: 'succeeded' as const, description: 'Approved: it may run.' }
    : { state: 'pending' as const, description: 'Nothing runs until somebody who may approves this commit in AnsFlow.' }
  await tellNow({ repositoryId, projectId, commit, name: approvalName, ...said })
}

/** It was given up before it was known what it would start. */
export async function tellGivenUp(
  deps: TellNow & { db: Db; workers: Workers; repositories: Repositories },
  deliveryId: string,
  repository: RepositoryRow,
  why: Said,
): Promise<void> {
  const row = await deps.db.em().findOne(RepositoryDeliveryEntity, { id: deliveryId })
  const connection = await deps.repositories.connectionOf(deps.db.em(), repository)
  const events = row && (await readDelivered(deps.workers, row, connection.forge.kind, repository.id))
  for (const event of events ?? []) {
    const { commit, why: isNothing } = subjectOf(event, repository.fullName)
    if (!isNothing) await tellRefusal(deps, repository, commit, { path: '', pipelineName: 'AnsFlow', why })
  }
}
