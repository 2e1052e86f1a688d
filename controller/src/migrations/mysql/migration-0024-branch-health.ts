import { Migration } from '@mikro-orm/migrations'

export class BranchHealth extends Migration {
  override up(): void {
    this.addSql(
      'create table `branch_health` (`repository_id` varchar(36) not null, `pipeline_id` varchar(36) not null, `project_id` varchar(36) not null, `branch` varchar(255) not null, `revision` int not null, `last_place` varchar(36) not null, `last_run_id` varchar(36) not null, `broken_place` varchar(36) null, `broken_run_id` varchar(36) null, `green_place` varchar(36) null, `green_run_id` varchar(36) null, primary key (`repository_id`, `pipeline_id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql(
      'alter table `branch_health` add index `branch_health_project_id_broken_run_id_index` (`project_id`, `broken_run_id`)',
    )
    this.addSql('alter table `branch_health` add index `branch_health_pipeline_id_index` (`pipeline_id`)')
    this.addSql("alter table `run` add `author_mail` varchar(255) not null default ''")
    this.addSql('alter table `run` add index `run_started_by_id_index` (`started_by`, `id`)')
    this.addSql('alter table `run` add index `run_author_mail_id_index` (`author_mail`, `id`)')
  }
}
