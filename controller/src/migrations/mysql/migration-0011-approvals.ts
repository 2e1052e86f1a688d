import { Migration } from '@mikro-orm/migrations'

export class Approvals extends Migration {
  override up(): void {
    this.addSql(
      'create table `approval` (`id` varchar(36) not null, `organization_id` varchar(36) not null, `project_id` varchar(36) not null, `project_slug` varchar(64) not null, `pipeline_id` varchar(36) not null, `pipeline_name` varchar(255) not null, `run_id` varchar(36) not null, `run_number` int not null, `step_id` varchar(72) not null, `step_name` varchar(255) not null, `requested_by` varchar(36) not null, `requested_by_name` varchar(255) not null, `ask` mediumtext not null, `git` text not null, `status` int not null, `expired` tinyint(1) not null, `reason` text null, `version` int not null, `created_at` datetime(3) not null, `expires_at` datetime(3) null, `closed_at` datetime(3) null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql(
      'alter table `approval` add index `approval_organization_id_status_id_index` (`organization_id`, `status`, `id`)',
    )
    this.addSql('alter table `approval` add index `approval_project_id_id_index` (`project_id`, `id`)')
    this.addSql('alter table `approval` add index `approval_run_id_index` (`run_id`)')
    this.addSql('alter table `approval` add index `approval_requested_by_id_index` (`requested_by`, `id`)')
    this.addSql(
      'create table `approval_decision` (`approval_id` varchar(36) not null, `user_id` varchar(36) not null, `project_id` varchar(36) not null, `place` int not null, `user_name` varchar(255) not null, `approve` tinyint(1) not null, `comment` text not null, `answers` mediumtext not null, `decided_at` datetime(3) not null, primary key (`approval_id`, `user_id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql(
      'alter table `approval_decision` add index `approval_decision_user_id_approval_id_index` (`user_id`, `approval_id`)',
    )
    this.addSql('alter table `approval_decision` add index `approval_decision_project_id_index` (`project_id`)')
  }
}
