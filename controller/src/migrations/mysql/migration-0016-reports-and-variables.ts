import { Migration } from '@mikro-orm/migrations'

export class ReportsAndVariables extends Migration {
  override up(): void {
    this.addSql(
      'create table `annotation` (`job_id` varchar(36) not null, `place` int unsigned not null, `run_id` varchar(36) not null, `step_id` varchar(72) not null, `attempt` int not null, `level` int not null, `urgency` int not null, `message` mediumtext not null, `title` mediumtext not null, `file` mediumtext not null, `line` int not null, `end_line` int not null, `col` int not null, `end_col` int not null, `log_offset` bigint not null, primary key (`job_id`, `place`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql(
      'alter table `annotation` add index `annotation_run_id_urgency_job_id_place_index` (`run_id`, `urgency`, `job_id`, `place`)',
    )
    this.addSql(
      'create table `summary` (`job_id` varchar(36) not null, `run_id` varchar(36) not null, `step_id` varchar(72) not null, `attempt` int not null, `markdown` mediumtext not null, `cut` tinyint(1) not null, primary key (`job_id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `summary` add index `summary_run_id_job_id_index` (`run_id`, `job_id`)')
    this.addSql(
      'create table `variable` (`id` varchar(36) not null, `organization_id` varchar(36) not null, `project_id` varchar(36) not null, `name` varchar(128) not null, `value` text not null, `created_at` datetime(3) not null, `updated_at` datetime(3) not null, `updated_by` varchar(36) not null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql(
      'alter table `variable` add unique `variable_organization_id_project_id_name_unique` (`organization_id`, `project_id`, `name`)',
    )
    this.addSql('alter table `job` add `report` varchar(255) null')
    this.addSql('alter table `run` add `variables` mediumtext null')
    this.addSql('alter table `run_step` add `exports` mediumtext null')
  }
}
