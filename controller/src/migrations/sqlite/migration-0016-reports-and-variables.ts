import { Migration } from '@mikro-orm/migrations'

export class ReportsAndVariables extends Migration {
  override up(): void {
    this.addSql(
      'create table `annotation` (`job_id` text not null, `place` integer not null, `run_id` text not null, `step_id` text not null, `attempt` integer not null, `level` integer not null, `urgency` integer not null, `message` mediumtext not null, `title` mediumtext not null, `file` mediumtext not null, `line` integer not null, `end_line` integer not null, `col` integer not null, `end_col` integer not null, `log_offset` bigint not null, primary key (`job_id`, `place`))',
    )
    this.addSql(
      'create index `annotation_run_id_urgency_job_id_place_index` on `annotation` (`run_id`, `urgency`, `job_id`, `place`)',
    )
    this.addSql(
      'create table `summary` (`job_id` text not null primary key, `run_id` text not null, `step_id` text not null, `attempt` integer not null, `markdown` mediumtext not null, `cut` integer not null)',
    )
    this.addSql('create index `summary_run_id_job_id_index` on `summary` (`run_id`, `job_id`)')
    this.addSql(
      'create table `variable` (`id` text not null primary key, `organization_id` text not null, `project_id` text not null, `name` text not null, `value` text not null, `created_at` datetime not null, `updated_at` datetime not null, `updated_by` text not null)',
    )
    this.addSql(
      'create unique index `variable_organization_id_project_id_name_unique` on `variable` (`organization_id`, `project_id`, `name`)',
    )
    this.addSql('alter table `job` add column `report` text null')
    this.addSql('alter table `run` add column `variables` mediumtext null')
    this.addSql('alter table `run_step` add column `exports` mediumtext null')
  }
}
