import { Migration } from '@mikro-orm/migrations'

export class Badges extends Migration {
  override up(): void {
    this.addSql(
      'create table `badge` (`pipeline_id` text not null primary key, `project_id` text not null, `mark` text not null, `renewed_at` datetime not null, `renewed_by_name` text not null)',
    )
    this.addSql('create index `badge_project_id_index` on `badge` (`project_id`)')
    this.addSql("alter table `run_source` add column `pipeline_id` text not null default ''")
    this.addSql(
      "update `run_source` set `pipeline_id` = coalesce((select `pipeline_id` from `run` where `run`.`id` = `run_source`.`run_id`), '')",
    )
    this.addSql(
      'create index `run_source_pipeline_id_pull_request_branch_run_id_index` on `run_source` (`pipeline_id`, `pull_request`, `branch`, `run_id`)',
    )
  }
}
