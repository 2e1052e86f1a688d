import { Migration } from '@mikro-orm/migrations'

export class Approvals extends Migration {
  override up(): void {
    this.addSql(
      'create table `approval` (`id` text not null primary key, `organization_id` text not null, `project_id` text not null, `project_slug` text not null, `pipeline_id` text not null, `pipeline_name` text not null, `run_id` text not null, `run_number` integer not null, `step_id` text not null, `step_name` text not null, `requested_by` text not null, `requested_by_name` text not null, `ask` mediumtext not null, `git` text not null, `status` integer not null, `expired` integer not null, `reason` text null, `version` integer not null, `created_at` datetime not null, `expires_at` datetime null, `closed_at` datetime null)',
    )
    this.addSql(
      'create index `approval_organization_id_status_id_index` on `approval` (`organization_id`, `status`, `id`)',
    )
    this.addSql('create index `approval_project_id_id_index` on `approval` (`project_id`, `id`)')
    this.addSql('create index `approval_run_id_index` on `approval` (`run_id`)')
    this.addSql('create index `approval_requested_by_id_index` on `approval` (`requested_by`, `id`)')
    this.addSql(
      'create table `approval_decision` (`approval_id` text not null, `user_id` text not null, `project_id` text not null, `place` integer not null, `user_name` text not null, `approve` integer not null, `comment` text not null, `answers` mediumtext not null, `decided_at` datetime not null, primary key (`approval_id`, `user_id`))',
    )
    this.addSql(
      'create index `approval_decision_user_id_approval_id_index` on `approval_decision` (`user_id`, `approval_id`)',
    )
    this.addSql('create index `approval_decision_project_id_index` on `approval_decision` (`project_id`)')
  }
}
