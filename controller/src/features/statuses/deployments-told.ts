// What forges are to be told of deployments, kept in the transaction that it follows from: of runs that are for a commit of a connected
// repository.
import { StepStatus } from '@ansflow/proto/status'
import type { EntityManager } from '../../platform/db.ts'
import type { DeploymentNews } from '../deployments/index.ts'
import type { ForgeDeployment } from '../forges/index.ts'
import type { PullRequests, Repositories } from '../repositories/index.ts'
import { CommitStatusEntity } from './commit-status.entity.ts'
import { cutText } from './markdown.ts'
import { isOfCommit } from './status-participant.ts'
import { blank, change, find, insert, tellComments } from './statuses.ts'

/** Kept as JSON. */
export interface DeploymentFacts extends Pick<ForgeDeployment, 'environment' | 'ref' | 'isTag' | 'isPreview' | 'url'> {}

/** Throws `LostRace`: somebody else has just told of the same; begun anew, it knows of that. */
export function tellDeploymentWith(deps: { repositories: Repositories; pullRequests: PullRequests }): DeploymentNews {
  return async (em, deployment, { run, belongs, step, environment, replaced }, now) => {
    if (replaced !== '') await tellReplaced(em, replaced, deployment.url, now)
    const { untrusted, git } = run.meta.origin
    // What strangers decide deploys nothing.
    if (untrusted || git?.fork || !isOfCommit({ run, belongs })) return
    const { repositoryId, commit, branch, tag, pullRequest } = run.meta.origin.git!
    const { projectId, runId, number } = run.meta
    const key = { repositoryId, projectId, commit, name: `deployment ${deployment.id}` }
    const facts: DeploymentFacts = {
      ...{ environment, ref: tag || branch, isTag: tag !== '', isPreview: pullRequest > 0, url: deployment.url },
    }
    const state = stateOf(deployment.status)
    const description = cutText(`#${number} ${words[state]} ${environment}`, 140)
    const said = { runId, stepId: step.id.slice(0, 72), state, description, report: JSON.stringify(facts) }
    const known = await find(em, key)
    if (known) {
      if (known.state === state || known.state === 'inactive') return
      await change(em, { id: known.id, revision: known.revision }, { ...said, nextAt: now, attempts: 0 })
    } else {
      await insert(em, { ...blank(now), ...key, ...said, deploymentId: deployment.id, nextAt: now })
    }
    await tellComments(deps, em, { repositoryId, projectId, commit, state, now })
  }
}

/** Something else is in its place by now; previews of pull requests are beside each other, unless they have one address. */
async function tellReplaced(em: EntityManager, deploymentId: string, url: string, now: Date): Promise<void> {
  const where = { deploymentId, state: 'succeeded' }
  const [known] = await em.find(CommitStatusEntity, where, { limit: 1, disableIdentityMap: true })
  if (!known) return
  const facts = JSON.parse(known.report!) as DeploymentFacts
  if (facts.isPreview && facts.url !== url) return
  await change(em, { id: known.id }, { state: 'inactive', nextAt: now, attempts: 0 })
}

const words: Record<ForgeDeployment['state'], string> = {
  running: 'deploys to',
  succeeded: 'has deployed to',
  failed: 'could not deploy to',
  canceled: 'was canceled before it had deployed to',
  inactive: 'had deployed to',
}

function stateOf(status: StepStatus): Exclude<ForgeDeployment['state'], 'inactive'> {
  if (status === StepStatus.RUNNING) return 'running'
  if (status === StepStatus.SUCCEEDED) return 'succeeded'
  return status === StepStatus.FAILED || status === StepStatus.LOST ? 'failed' : 'canceled'
}
