import { Migration } from '@mikro-orm/migrations'

export class TestReports extends Migration {
  override up(): void {
    this.addSql(
      'create table `test_block` (`job_id` varchar(36) not null, `place` int unsigned not null, `run_id` varchar(36) not null, `step_id` varchar(72) not null, `attempt` int not null, `is_replaced` tinyint(1) not null, `result` int not null, `count` int not null, `unpacked_size` int not null, `packed` mediumblob not null, primary key (`job_id`, `place`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql(
      'alter table `test_block` add index `test_block_run_id_is_replaced_result_job_id_place_index` (`run_id`, `is_replaced`, `result`, `job_id`, `place`)',
    )
    this.addSql(
      'create table `test_report` (`job_id` varchar(36) not null, `run_id` varchar(36) not null, `pipeline_id` varchar(36) not null, `scope` varchar(264) not null, `base_scope` varchar(264) not null, `step_id` varchar(72) not null, `attempt` int not null, `is_replaced` tinyint(1) not null, `has_tests` tinyint(1) not null, `failed` int unsigned not null, `flaky` int unsigned not null, `passed` int unsigned not null, `skipped` int unsigned not null, `left_out` int unsigned not null, `duration_ms` double not null, `has_coverage` tinyint(1) not null, `lines` int unsigned not null, `lines_hit` int unsigned not null, `branches` int unsigned not null, `branches_hit` int unsigned not null, primary key (`job_id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql(
      'alter table `test_report` add index `test_report_run_id_is_replaced_job_id_index` (`run_id`, `is_replaced`, `job_id`)',
    )
    this.addSql(
      'alter table `test_report` add index `test_report_pipeline_id_scope_has_tests_run_id_index` (`pipeline_id`, `scope`, `has_tests`, `run_id`)',
    )
    this.addSql(
      'alter table `test_report` add index `test_report_pipeline_id_scope_has_coverage_run_id_index` (`pipeline_id`, `scope`, `has_coverage`, `run_id`)',
    )
  }
}
