import { Migration } from '@mikro-orm/migrations'

export class BranchHealth extends Migration {
  override up(): void {
    this.addSql(
      'create table `branch_health` (`repository_id` text not null, `pipeline_id` text not null, `project_id` text not null, `branch` text not null, `revision` integer not null, `last_place` text not null, `last_run_id` text not null, `broken_place` text null, `broken_run_id` text null, `green_place` text null, `green_run_id` text null, primary key (`repository_id`, `pipeline_id`))',
    )
    this.addSql(
      'create index `branch_health_project_id_broken_run_id_index` on `branch_health` (`project_id`, `broken_run_id`)',
    )
    this.addSql('create index `branch_health_pipeline_id_index` on `branch_health` (`pipeline_id`)')
    this.addSql("alter table `run` add column `author_mail` text not null default ''")
    this.addSql('create index `run_started_by_id_index` on `run` (`started_by`, `id`)')
    this.addSql('create index `run_author_mail_id_index` on `run` (`author_mail`, `id`)')
  }
}
