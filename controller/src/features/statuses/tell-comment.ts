// The one comment on a pull request: how its newest commit does, as it is now.
import { CommentPolicy } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import type { Db } from '../../platform/db.ts'
import { runTests } from '../reports/index.ts'
import { mostFailures, testsText } from './comment-tests.ts'
import { commentText, type Preview } from './comment-text.ts'
import { CommitStatusEntity, type CommitStatusRow } from './commit-status.entity.ts'
import type { DeploymentFacts } from './deployments-told.ts'
import type { TellDeps, Telling } from './tell-forges.ts'
import { pageOf, reportOf } from './tell-status.ts'

const mostPipelines = 50
const mostDeployments = 100
const mostPreviews = 10

/** Undefined: nothing is told. */
export async function tellComment(
  { db, pullRequests, publicUrl }: TellDeps,
  { row, repository, connection, signal }: Telling,
): Promise<{ commentId: string } | undefined> {
  const { id: repositoryId, fullName, comments } = repository
  if (comments <= CommentPolicy.OFF || !connection.client.putComment) return undefined
  const commit = (await pullRequests.known(repository, row.pullRequest))?.head.commit ?? ''
  const of = { repositoryId, projectId: row.projectId, commit, stepId: '' }
  const order = { orderBy: { name: 'asc' as const }, limit: mostPipelines + 1 }
  const rows = commit === '' ? [] : await db.em().find(CommitStatusEntity, of, order)
  // Of its newest commit nothing is known yet: what was said of the one before stays until then.
  if (rows.length === 0) return undefined
  const pipelines = []
  for (const each of rows.slice(0, mostPipelines)) {
    const { name, state, description, runId } = each
    const [report, url] = [reportOf(each.report), publicUrl() + (await pageOf(db, each))]
    const tests = report?.hasTests ? testsText(name, url, await runTests(db, runId, mostFailures)) : ''
    pipelines.push({ name, state, description, url, isRun: runId !== '', report, tests })
  }
  const previews = await previewsOf(db, { repositoryId, projectId: row.projectId, commit })
  const mark = `[//]: # (ansflow-comment ${repositoryId})`
  const text = commentText({ commit, pipelines, previews, isCut: rows.length > mostPipelines, mark })
  const comment = { id: row.commentId ?? '', mark, text }
  const commentId = await connection.ask(
    (client, until) => client.putComment!(fullName, row.pullRequest, comment, until),
    signal,
  )
  return { commentId: commentId.slice(0, 128) }
}

/** Where what runs of the commit have deployed is, each place once, the newest first. */
async function previewsOf(
  db: Db,
  of: Pick<CommitStatusRow, 'repositoryId' | 'projectId' | 'commit'>,
): Promise<Preview[]> {
  const deployed = { ...of, deploymentId: { $ne: '' }, state: 'succeeded' }
  const page = { orderBy: { id: 'desc' as const }, limit: mostDeployments }
  const rows = await db.em().find(CommitStatusEntity, deployed, page)
  const found = new Map<string, Preview>()
  for (const { report } of rows) {
    const { environment, url } = JSON.parse(report!) as DeploymentFacts
    if (url !== '') found.set(`${environment}\n${url}`, { environment, url })
  }
  return [...found.values()].slice(0, mostPreviews)
}
