import { Migration } from '@mikro-orm/migrations'

export class Repositories extends Migration {
  override up(): void {
    this.addSql(
      'create table `connection` (`id` text not null primary key, `organization_id` text not null, `project_id` text null, `scope_id` text not null, `name` text not null, `kind` integer not null, `url` text not null, `credential_kind` integer not null, `account` text not null, `scopes` text not null, `expires_at` datetime null, `checked_at` datetime null, `problem` text not null, `created_by_name` text not null, `created_at` datetime not null)',
    )
    this.addSql('create index `connection_organization_id_index` on `connection` (`organization_id`)')
    this.addSql('create unique index `connection_scope_id_name_unique` on `connection` (`scope_id`, `name`)')
    this.addSql(
      'create table `pull_request` (`id` text not null primary key, `repository_id` text not null, `project_id` text not null, `number` integer not null, `title` text not null, `url` text not null, `author` text not null, `state` integer not null, `draft` integer not null, `labels` text not null, `head_branch` text not null, `head_commit` text not null, `head_repository` text not null, `base_branch` text not null, `fork` integer not null, `updated_at` datetime not null, `waiting_delivery_id` text null, `trusted_commit` text not null, `trusted_by_name` text not null)',
    )
    this.addSql(
      'create index `pull_request_repository_id_updated_at_index` on `pull_request` (`repository_id`, `updated_at`)',
    )
    this.addSql('create index `pull_request_project_id_index` on `pull_request` (`project_id`)')
    this.addSql(
      'create unique index `pull_request_repository_id_number_unique` on `pull_request` (`repository_id`, `number`)',
    )
    this.addSql(
      'create table `repository` (`id` text not null primary key, `organization_id` text not null, `project_id` text not null, `connection_id` text not null, `full_name` text not null, `clone_url` text not null, `web_url` text not null, `default_branch` text not null, `connected_by_name` text not null, `connected_at` datetime not null, `hook_mark` text not null, `hook_made_at` datetime not null, `hook_id` text not null, `hook_problem` text not null, `forks` integer not null, `poll_seconds` integer not null, `look_at` datetime null, `tells` integer not null, `told_at` datetime null, `tell_problem` text not null, `read_at` datetime null, `head_commit` text not null, `read_problem` text not null, `last_delivery_at` datetime null)',
    )
    this.addSql('create index `repository_connection_id_index` on `repository` (`connection_id`)')
    this.addSql(
      'create unique index `repository_project_id_connection_id_full_name_unique` on `repository` (`project_id`, `connection_id`, `full_name`)',
    )
    this.addSql(
      'create table `repository_delivery` (`id` text not null primary key, `repository_id` text not null, `project_id` text not null, `received_at` datetime not null, `name` text null, `event` text not null, `headers` text not null, `body` longblob null, `size` integer not null, `answered_ms` integer not null, `repeats` text null, `result` integer not null, `next_at` datetime null, `attempts` integer not null, `ref` text not null, `commit` text not null, `sender` text not null, `decisions` mediumtext not null, `problem` text not null, `said` text null)',
    )
    this.addSql(
      'create index `repository_delivery_repository_id_id_index` on `repository_delivery` (`repository_id`, `id`)',
    )
    this.addSql(
      'create index `repository_delivery_result_next_at_index` on `repository_delivery` (`result`, `next_at`)',
    )
    this.addSql('create index `repository_delivery_project_id_index` on `repository_delivery` (`project_id`)')
    this.addSql(
      'create unique index `repository_delivery_repository_id_name_unique` on `repository_delivery` (`repository_id`, `name`)',
    )
    this.addSql(
      'create table `repository_trigger` (`pipeline_id` text not null primary key, `project_id` text not null, `triggers` mediumblob not null)',
    )
    this.addSql('create index `repository_trigger_project_id_index` on `repository_trigger` (`project_id`)')
    this.addSql(
      'create table `run_source` (`run_id` text not null primary key, `repository_id` text not null, `project_id` text not null, `branch` text not null, `commit` text not null, `pull_request` integer not null)',
    )
    this.addSql('create index `run_source_repository_id_run_id_index` on `run_source` (`repository_id`, `run_id`)')
    this.addSql(
      'create index `run_source_repository_id_branch_run_id_index` on `run_source` (`repository_id`, `branch`, `run_id`)',
    )
    this.addSql(
      'create index `run_source_repository_id_commit_run_id_index` on `run_source` (`repository_id`, `commit`, `run_id`)',
    )
    this.addSql(
      'create index `run_source_repository_id_pull_request_run_id_index` on `run_source` (`repository_id`, `pull_request`, `run_id`)',
    )
    this.addSql('create index `run_source_project_id_index` on `run_source` (`project_id`)')
    this.addSql(
      'create table `sealed_value` (`owner_id` text not null primary key, `kind` text not null, `sealed_key` blob not null, `sealed_value` blob not null)',
    )
    this.addSql('alter table `pipeline` add column `repository_id` text null')
    this.addSql("alter table `pipeline` add column `file_path` text not null default ''")
    this.addSql('create index `pipeline_repository_id_file_path_index` on `pipeline` (`repository_id`, `file_path`)')
  }
}
