import { Migration } from '@mikro-orm/migrations'

export class Repositories extends Migration {
  override up(): void {
    this.addSql(
      'create table `connection` (`id` varchar(36) not null, `organization_id` varchar(36) not null, `project_id` varchar(36) null, `scope_id` varchar(36) not null, `name` varchar(128) not null, `kind` int not null, `url` varchar(1024) not null, `credential_kind` int not null, `account` varchar(255) not null, `scopes` varchar(1024) not null, `expires_at` datetime(3) null, `checked_at` datetime(3) null, `problem` varchar(512) not null, `created_by_name` varchar(255) not null, `created_at` datetime(3) not null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `connection` add index `connection_organization_id_index` (`organization_id`)')
    this.addSql('alter table `connection` add unique `connection_scope_id_name_unique` (`scope_id`, `name`)')
    this.addSql(
      'create table `pull_request` (`id` varchar(36) not null, `repository_id` varchar(36) not null, `project_id` varchar(36) not null, `number` int not null, `title` varchar(512) not null, `url` varchar(2048) not null, `author` varchar(255) not null, `state` int not null, `draft` tinyint(1) not null, `labels` text not null, `head_branch` varchar(255) not null, `head_commit` varchar(64) not null, `head_repository` varchar(255) not null, `base_branch` varchar(255) not null, `fork` tinyint(1) not null, `updated_at` datetime(3) not null, `waiting_delivery_id` varchar(36) null, `trusted_commit` varchar(64) not null, `trusted_by_name` varchar(255) not null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql(
      'alter table `pull_request` add index `pull_request_repository_id_updated_at_index` (`repository_id`, `updated_at`)',
    )
    this.addSql('alter table `pull_request` add index `pull_request_project_id_index` (`project_id`)')
    this.addSql(
      'alter table `pull_request` add unique `pull_request_repository_id_number_unique` (`repository_id`, `number`)',
    )
    this.addSql(
      'create table `repository` (`id` varchar(36) not null, `organization_id` varchar(36) not null, `project_id` varchar(36) not null, `connection_id` varchar(36) not null, `full_name` varchar(255) not null, `clone_url` varchar(2048) not null, `web_url` varchar(2048) not null, `default_branch` varchar(255) not null, `connected_by_name` varchar(255) not null, `connected_at` datetime(3) not null, `hook_mark` varchar(64) not null, `hook_made_at` datetime(3) not null, `hook_id` varchar(128) not null, `hook_problem` varchar(512) not null, `forks` int not null, `poll_seconds` int not null, `look_at` datetime(3) null, `tells` tinyint(1) not null, `told_at` datetime(3) null, `tell_problem` varchar(512) not null, `read_at` datetime(3) null, `head_commit` varchar(64) not null, `read_problem` varchar(512) not null, `last_delivery_at` datetime(3) null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `repository` add index `repository_connection_id_index` (`connection_id`)')
    this.addSql(
      'alter table `repository` add unique `repository_project_id_connection_id_full_name_unique` (`project_id`, `connection_id`, `full_name`)',
    )
    this.addSql(
      'create table `repository_delivery` (`id` varchar(36) not null, `repository_id` varchar(36) not null, `project_id` varchar(36) not null, `received_at` datetime(3) not null, `name` varchar(255) null, `event` varchar(128) not null, `headers` text not null, `body` longblob null, `size` int not null, `answered_ms` int not null, `repeats` varchar(36) null, `result` int not null, `next_at` datetime(3) null, `attempts` int not null, `ref` varchar(255) not null, `commit` varchar(64) not null, `sender` varchar(255) not null, `decisions` mediumtext not null, `problem` varchar(512) not null, `said` text null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql(
      'alter table `repository_delivery` add index `repository_delivery_repository_id_id_index` (`repository_id`, `id`)',
    )
    this.addSql(
      'alter table `repository_delivery` add index `repository_delivery_result_next_at_index` (`result`, `next_at`)',
    )
    this.addSql('alter table `repository_delivery` add index `repository_delivery_project_id_index` (`project_id`)')
    this.addSql(
      'alter table `repository_delivery` add unique `repository_delivery_repository_id_name_unique` (`repository_id`, `name`)',
    )
    this.addSql(
      'create table `repository_trigger` (`pipeline_id` varchar(36) not null, `project_id` varchar(36) not null, `triggers` mediumblob not null, primary key (`pipeline_id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `repository_trigger` add index `repository_trigger_project_id_index` (`project_id`)')
    this.addSql(
      'create table `run_source` (`run_id` varchar(36) not null, `repository_id` varchar(36) not null, `project_id` varchar(36) not null, `branch` varchar(255) not null, `commit` varchar(64) not null, `pull_request` int not null, primary key (`run_id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql(
      'alter table `run_source` add index `run_source_repository_id_run_id_index` (`repository_id`, `run_id`)',
    )
    this.addSql(
      'alter table `run_source` add index `run_source_repository_id_branch_run_id_index` (`repository_id`, `branch`, `run_id`)',
    )
    this.addSql(
      'alter table `run_source` add index `run_source_repository_id_commit_run_id_index` (`repository_id`, `commit`, `run_id`)',
    )
    this.addSql(
      'alter table `run_source` add index `run_source_repository_id_pull_request_run_id_index` (`repository_id`, `pull_request`, `run_id`)',
    )
    this.addSql('alter table `run_source` add index `run_source_project_id_index` (`project_id`)')
    this.addSql(
      'create table `sealed_value` (`owner_id` varchar(36) not null, `kind` varchar(32) not null, `sealed_key` blob not null, `sealed_value` blob not null, primary key (`owner_id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql(
      "alter table `pipeline` add `repository_id` varchar(36) null, add `file_path` varchar(255) not null default ''",
    )
    this.addSql(
      'alter table `pipeline` add index `pipeline_repository_id_file_path_index` (`repository_id`, `file_path`)',
    )
  }
}
