import { Migration } from '@mikro-orm/migrations'

export class Badges extends Migration {
  override up(): void {
    this.addSql(
      'create table `badge` (`pipeline_id` varchar(36) not null, `project_id` varchar(36) not null, `mark` varchar(64) not null, `renewed_at` datetime(3) not null, `renewed_by_name` varchar(255) not null, primary key (`pipeline_id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `badge` add index `badge_project_id_index` (`project_id`)')
    this.addSql("alter table `run_source` add `pipeline_id` varchar(36) not null default ''")
    this.addSql(
      "update `run_source` set `pipeline_id` = coalesce((select `pipeline_id` from `run` where `run`.`id` = `run_source`.`run_id`), '')",
    )
    this.addSql(
      'alter table `run_source` add index `run_source_pipeline_id_pull_request_branch_run_id_index` (`pipeline_id`, `pull_request`, `branch`, `run_id`)',
    )
  }
}
