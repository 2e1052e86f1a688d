// Which earlier runs the tests and the coverage of a run are compared with.
import type { Run } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { isTerminal, RunStatus } from '@ansflow/proto/status'
import type { Db, EntityManager } from '../../platform/db.ts'
import { readRunHeads } from '../runs/index.ts'
import type { ReportTables, TestReportRow } from './report-tables.ts'

/** Of the latest; one further back is not looked for. */
const lookedAt = 10
type Measure = 'has_tests' | 'has_coverage'
type Of = Pick<TestReportRow, 'run_id' | 'pipeline_id' | 'scope' | 'base_scope'>

/** The last that has ended and reported tests: of the same branch or pull request, else of the branch that it is to be merged into. */
export async function runBefore(db: Db, em: EntityManager, of: Of): Promise<Run | undefined> {
  for (const scope of new Set([of.scope, of.base_scope])) {
    const found = (await earlier(db, em, of, scope, 'has_tests')).find(({ status }) => isTerminal(status))
    if (found) return found
  }
  return undefined
}

/** The last that has succeeded and reported coverage, of the branch that it is to be merged into. */
export async function coverageBase(db: Db, em: EntityManager, of: Of): Promise<Run | undefined> {
  const runs = await earlier(db, em, of, of.base_scope, 'has_coverage')
  return runs.find(({ status }) => status === RunStatus.SUCCEEDED)
}

/** The latest first. */
async function earlier(db: Db, em: EntityManager, of: Of, scope: string, measure: Measure): Promise<Run[]> {
  const rows = await db
    .kysely<ReportTables>(em)
    .selectFrom('test_report')
    .select('run_id')
    .distinct()
    .where('pipeline_id', '=', of.pipeline_id)
    .where('scope', '=', scope)
    .where(measure, '=', 1)
    .where('run_id', '<', of.run_id)
    .orderBy('run_id', 'desc')
    .limit(lookedAt)
    .execute()
  const heads = await readRunHeads(
    db,
    em,
    rows.map(({ run_id }) => run_id),
  )
  return heads.sort((a, b) => (a.id < b.id ? 1 : -1))
}
