// One deployment, told to its forge: where that keeps records, or has statuses for them.
import type { ForgeDeployment } from '../forges/index.ts'
import type { DeploymentFacts } from './deployments-told.ts'
import type { TellDeps, Telling } from './tell-forges.ts'
import { pageOf } from './tell-status.ts'

/** Undefined: nothing is told. */
export async function tellDeploymentOf(
  { db, publicUrl }: TellDeps,
  { row, repository, connection, signal }: Telling,
): Promise<{ commentId: string } | undefined> {
  if (!repository.tells || !connection.client.putDeployment) return undefined
  // What was never told needs not be taken back.
  if (row.state === 'inactive' && (row.commentId ?? '') === '') return undefined
  const deployment: ForgeDeployment = {
    ...(JSON.parse(row.report!) as DeploymentFacts),
    id: row.commentId ?? '',
    mark: row.deploymentId ?? '',
    state: row.state as ForgeDeployment['state'],
    description: row.description,
    logUrl: publicUrl() + (await pageOf(db, row)),
    isAgain: row.attempts > 0,
  }
  const { fullName } = repository
  const id = await connection.record(
    (client, until) => client.putDeployment!(fullName, row.commit, deployment, until),
    signal,
  )
  return { commentId: id.slice(0, 128) }
}
