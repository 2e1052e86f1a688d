// Writes the tests and the coverage that attempts have reported.
import type { ReportChange } from '@ansflow/engine/report'
import type { GitFacts } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { insertion, statement } from '../../platform/statement.ts'
import type { RunChange } from '../runs/index.ts'
import type { ReportKysely, ReportTables, TestBlockRow, TestReportRow } from './report-tables.ts'

interface Told {
  change: RunChange
  told: ReportChange
}

const insertReports = insertion<ReportTables, 'test_report'>('test_report')
const insertBlocks = insertion<ReportTables, 'test_block'>('test_block')

interface Attempt {
  runId: string
  stepId: string
  attempt: number
}
const replaceReports = statement<ReportTables, Attempt>()((db, { runId, stepId, attempt }) =>
  db
    .updateTable('test_report')
    .set({ is_replaced: 1 })
    .where('run_id', '=', runId)
    .where('step_id', '=', stepId)
    .where('attempt', '<', attempt),
)
const replaceBlocks = statement<ReportTables, Attempt>()((db, { runId, stepId, attempt }) =>
  db
    .updateTable('test_block')
    .set({ is_replaced: 1 })
    .where('run_id', '=', runId)
    .where('step_id', '=', stepId)
    .where('attempt', '<', attempt),
)

export async function writeTests(tables: ReportKysely, all: readonly Told[]): Promise<void> {
  for (const { change, told } of all) {
    const { step, attempt } = told.job
    if (attempt === 1) continue
    const of = { runId: change.run.meta.runId, stepId: step.id, attempt }
    await replaceReports.execute(tables, of)
    await replaceBlocks.execute(tables, of)
  }
  await insertReports(tables, all.map(reportRow))
  await insertBlocks(tables, all.flatMap(blockRows))
}

/** What runs of one pipeline are compared by. */
export function scopesOf(git: GitFacts | undefined): { scope: string; baseScope: string } {
  const branch = (name: string) => (name === '' ? '' : `b:${name}`)
  if (!git) return { scope: '', baseScope: '' }
  if (git.pullRequest > 0) return { scope: `p:${git.pullRequest}`, baseScope: branch(git.baseBranch) }
  return { scope: branch(git.branch), baseScope: branch(git.branch) }
}

function reportRow({ change, told: { job, report } }: Told): TestReportRow {
  const { runId, pipelineId, origin } = change.run.meta
  const { tests, coverage } = report.found!
  const { scope, baseScope } = scopesOf(origin.git)
  const { failed = 0, flaky = 0, passed = 0, skipped = 0, durationMs = 0, leftOut = 0 } = tests?.totals ?? {}
  const { lines = 0, linesHit = 0, branches = 0, branchesHit = 0 } = coverage ?? {}
  return {
    ...{ job_id: job.id, run_id: runId, pipeline_id: pipelineId, scope, base_scope: baseScope },
    ...{ step_id: job.step.id, attempt: job.attempt, is_replaced: 0 },
    ...{
      has_tests: Number(tests !== null),
      failed,
      flaky,
      passed,
      skipped,
      left_out: leftOut,
      duration_ms: durationMs,
    },
    has_coverage: Number(coverage !== null),
    ...{ lines, lines_hit: linesHit, branches, branches_hit: branchesHit },
  }
}

function blockRows({ change, told: { job, report } }: Told): TestBlockRow[] {
  return (report.found?.tests?.blocks ?? []).map(({ result, count, packed, unpackedSize }, place) => ({
    ...{ job_id: job.id, place, run_id: change.run.meta.runId, step_id: job.step.id, attempt: job.attempt },
    ...{ is_replaced: 0, result, count, unpacked_size: unpackedSize },
    packed: Buffer.from(packed),
  }))
}
