// One status of a commit, told to its forge; where that shows more than a line, with what the run has come to.
import type { Db } from '../../platform/db.ts'
import type { CommitStatus } from '../forges/index.ts'
import { findProject } from '../projects/index.ts'
import { runAnnotations } from '../reports/index.ts'
import { annotationOf, mostAnnotations } from './annotations.ts'
import { checkSummary } from './check-summary.ts'
import type { CommitStatusRow } from './commit-status.entity.ts'
import { logTails } from './log-tails.ts'
import type { RunReport } from './run-report.ts'
import type { TellDeps, Telling } from './tell-forges.ts'

/** Undefined: nothing is told. */
export async function tellStatusOf(
  deps: TellDeps,
  { row, repository, connection, signal }: Telling,
): Promise<Record<never, never> | undefined> {
  if (!repository.tells || !connection.client.putStatus) return undefined
  const status: CommitStatus = {
    name: `ansflow/${row.name}`,
    of: row.runId,
    state: row.state as CommitStatus['state'],
    description: row.description,
    url: deps.publicUrl() + (await pageOf(deps.db, row)),
    ...(connection.client.hasChecks && (await detailsOf(deps, row))),
  }
  await connection.ask((client, until) => client.putStatus!(repository.fullName, row.commit, status, until), signal)
  return {}
}

async function detailsOf(
  { db, publicUrl }: TellDeps,
  { runId, report: json }: CommitStatusRow,
): Promise<Pick<CommitStatus, 'summary' | 'annotations'>> {
  const report = reportOf(json)
  if (!report || report.seconds === null) return {}
  const found = report.annotations > 0 ? await runAnnotations(db, runId, mostAnnotations) : []
  const annotations = found.flatMap((each) => annotationOf(each) ?? [])
  const tails = await logTails(db, report)
  const summary = checkSummary(report, { tails, shown: annotations.length, run: `${publicUrl()}/runs/${runId}` })
  return { summary, annotations }
}

export function reportOf(json: string | null | undefined): RunReport | undefined {
  return json ? (JSON.parse(json) as RunReport) : undefined
}

/** Where none could begin, that of the commit. */
export async function pageOf(
  db: Db,
  { runId, stepId, repositoryId, projectId, commit }: CommitStatusRow,
): Promise<string> {
  if (runId !== '') return `/runs/${runId}${stepId === '' ? '' : `?step=${encodeURIComponent(stepId)}`}`
  const project = await findProject(db.em(), projectId)
  return `/p/${project?.slug ?? projectId}/repositories/${repositoryId}/commits/${commit}`
}
