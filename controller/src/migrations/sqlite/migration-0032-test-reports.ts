import { Migration } from '@mikro-orm/migrations'

export class TestReports extends Migration {
  override up(): void {
    this.addSql(
      'create table `test_block` (`job_id` text not null, `place` integer not null, `run_id` text not null, `step_id` text not null, `attempt` integer not null, `is_replaced` integer not null, `result` integer not null, `count` integer not null, `unpacked_size` integer not null, `packed` mediumblob not null, primary key (`job_id`, `place`))',
    )
    this.addSql(
      'create index `test_block_run_id_is_replaced_result_job_id_place_index` on `test_block` (`run_id`, `is_replaced`, `result`, `job_id`, `place`)',
    )
    this.addSql(
      'create table `test_report` (`job_id` text not null primary key, `run_id` text not null, `pipeline_id` text not null, `scope` text not null, `base_scope` text not null, `step_id` text not null, `attempt` integer not null, `is_replaced` integer not null, `has_tests` integer not null, `failed` integer not null, `flaky` integer not null, `passed` integer not null, `skipped` integer not null, `left_out` integer not null, `duration_ms` double not null, `has_coverage` integer not null, `lines` integer not null, `lines_hit` integer not null, `branches` integer not null, `branches_hit` integer not null)',
    )
    this.addSql(
      'create index `test_report_run_id_is_replaced_job_id_index` on `test_report` (`run_id`, `is_replaced`, `job_id`)',
    )
    this.addSql(
      'create index `test_report_pipeline_id_scope_has_tests_run_id_index` on `test_report` (`pipeline_id`, `scope`, `has_tests`, `run_id`)',
    )
    this.addSql(
      'create index `test_report_pipeline_id_scope_has_coverage_run_id_index` on `test_report` (`pipeline_id`, `scope`, `has_coverage`, `run_id`)',
    )
  }
}
