// The tables of the first release. Frozen: what changes afterwards is a migration of its own.
import { Migration } from '@mikro-orm/migrations'

export class Initial extends Migration {
  override up(): void {
    this.addSql(
      'create table `agent` (`id` varchar(36) not null, `organization_id` varchar(36) not null, `name` varchar(128) not null, `secret_hash` varchar(64) not null, `labels` varchar(2000) not null, `capabilities` varchar(500) not null, `slots` int not null, `version` varchar(64) not null, `host` text not null, `load` text null, `draining` tinyint(1) not null, `session_id` varchar(36) null, `left_at` datetime(3) null, `last_seen_at` datetime(3) null, `registered_at` datetime(3) not null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `agent` add index `agent_organization_id_index` (`organization_id`)')
    this.addSql('alter table `agent` add unique `agent_secret_hash_unique` (`secret_hash`)')
    this.addSql(
      'create table `access_grant` (`id` varchar(36) not null, `user_id` varchar(36) not null, `organization_id` varchar(36) not null, `project_id` varchar(36) null, `scope_id` varchar(36) not null, `role` int not null, `created_at` datetime(3) not null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `access_grant` add index `access_grant_organization_id_index` (`organization_id`)')
    this.addSql('alter table `access_grant` add index `access_grant_project_id_index` (`project_id`)')
    this.addSql('alter table `access_grant` add unique `access_grant_user_id_scope_id_unique` (`user_id`, `scope_id`)')
    this.addSql(
      'create table `idempotency_key` (`id` varchar(64) not null, `request_hash` varchar(64) not null, `answer` blob null, `created_at` datetime(3) not null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `idempotency_key` add index `idempotency_key_created_at_index` (`created_at`)')
    this.addSql(
      'create table `invitation` (`id` varchar(36) not null, `organization_id` varchar(36) not null, `project_id` varchar(36) null, `email` varchar(254) not null, `role` int not null, `token_hash` varchar(64) not null, `invited_by` varchar(36) not null, `created_at` datetime(3) not null, `expires_at` datetime(3) not null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `invitation` add index `invitation_organization_id_index` (`organization_id`)')
    this.addSql('alter table `invitation` add index `invitation_project_id_index` (`project_id`)')
    this.addSql('alter table `invitation` add unique `invitation_token_hash_unique` (`token_hash`)')
    this.addSql(
      'create table `job` (`id` varchar(36) not null, `run_id` varchar(36) not null, `organization_id` varchar(36) not null, `project_id` varchar(36) not null, `step_id` varchar(64) not null, `attempt` int not null, `epoch` int not null, `status` int not null, `priority` int not null, `agent_id` varchar(36) null, `agent_name` varchar(255) not null, `labels` text not null, `capability` varchar(32) not null, `workspace` varchar(64) not null, `secrets` text not null, `spec` longblob not null, `cancel_requested` tinyint(1) not null, `exit_code` int null, `reason` text null, `created_at` datetime(3) not null, `available_at` datetime(3) not null, `offered_at` datetime(3) null, `started_at` datetime(3) null, `finished_at` datetime(3) null, `log_size` bigint not null, `log_complete` tinyint(1) not null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql(
      'alter table `job` add index `job_status_priority_created_at_index` (`status`, `priority`, `created_at`)',
    )
    this.addSql('alter table `job` add index `job_agent_id_status_index` (`agent_id`, `status`)')
    this.addSql('alter table `job` add unique `job_run_id_step_id_attempt_unique` (`run_id`, `step_id`, `attempt`)')
    this.addSql(
      'create table `key_ring` (`purpose` varchar(16) not null, `sealed_key` blob not null, `created_at` datetime(3) not null, primary key (`purpose`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql(
      'create table `log_chunk` (`job_id` varchar(36) not null, `byte_offset` bigint unsigned not null, `size` int not null, `data` blob not null, `first_line` int not null, `line_count` int not null, `ends_line` tinyint(1) not null, `base_ms` bigint not null, `line_ms` blob not null, `refilled` tinyint(1) not null, primary key (`job_id`, `byte_offset`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `log_chunk` add index `log_chunk_line` (`job_id`, `first_line`, `byte_offset`)')
    this.addSql(
      'create table `login_limit` (`id` varchar(64) not null, `tries` int not null, `window_ends_at` datetime(3) not null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql(
      'create table `organization` (`id` varchar(36) not null, `slug` varchar(64) not null, `name` varchar(128) not null, `created_at` datetime(3) not null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `organization` add unique `organization_slug_unique` (`slug`)')
    this.addSql(
      'create table `project` (`id` varchar(36) not null, `organization_id` varchar(36) not null, `slug` varchar(64) not null, `name` varchar(128) not null, `description` varchar(1000) not null, `created_at` datetime(3) not null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `project` add index `project_organization_id_index` (`organization_id`)')
    this.addSql('alter table `project` add unique `project_organization_id_slug_unique` (`organization_id`, `slug`)')
    this.addSql(
      'create table `pipeline` (`id` varchar(36) not null, `project_id` varchar(36) not null, `name` varchar(128) not null, `latest_version` int not null, `latest_hash` varchar(64) not null, `draft_hash` varchar(64) not null, `created_at` datetime(3) not null, `updated_at` datetime(3) not null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `pipeline` add index `pipeline_project_id_index` (`project_id`)')
    this.addSql('alter table `pipeline` add unique `pipeline_project_id_name_unique` (`project_id`, `name`)')
    this.addSql(
      'create table `pipeline_version` (`id` varchar(36) not null, `pipeline_id` varchar(36) not null, `number` int not null, `graph` longtext not null, `yaml` longtext not null, `hash` varchar(64) not null, `step_count` int not null, `note` varchar(2000) not null, `created_by` varchar(36) not null, `created_by_name` varchar(128) not null, `created_at` datetime(3) not null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `pipeline_version` add index `pipeline_version_pipeline_id_index` (`pipeline_id`)')
    this.addSql(
      'alter table `pipeline_version` add unique `pipeline_version_pipeline_id_number_unique` (`pipeline_id`, `number`)',
    )
    this.addSql(
      'create table `collab_update` (`pipeline_id` varchar(36) not null, `seq` int unsigned not null, `data` longblob not null, primary key (`pipeline_id`, `seq`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `collab_update` add index `collab_update_pipeline_id_index` (`pipeline_id`)')
    this.addSql(
      'create table `collab_snapshot` (`pipeline_id` varchar(36) not null, `head_seq` int not null, `seq` int not null, `data` longblob not null, primary key (`pipeline_id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `collab_snapshot` add index `collab_snapshot_pipeline_id_index` (`pipeline_id`)')
    this.addSql(
      'create table `registration_token` (`id` varchar(36) not null, `organization_id` varchar(36) not null, `token_hash` varchar(64) not null, `created_at` datetime(3) not null, `expires_at` datetime(3) not null, `used_at` datetime(3) null, `agent_id` varchar(36) null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql(
      'alter table `registration_token` add index `registration_token_organization_id_index` (`organization_id`)',
    )
    this.addSql('alter table `registration_token` add unique `registration_token_token_hash_unique` (`token_hash`)')
    this.addSql(
      'create table `run` (`id` varchar(36) not null, `number` int not null, `organization_id` varchar(36) not null, `project_id` varchar(36) not null, `project_slug` varchar(64) not null, `pipeline_id` varchar(36) not null, `pipeline_name` varchar(255) not null, `version` int not null, `graph_hash` varchar(64) not null, `inputs` mediumtext not null, `status` int not null, `reason` text null, `revision` int not null, `seq` int not null, `step_counts` varchar(255) not null, `started_by` varchar(36) not null, `started_by_name` varchar(255) not null, `rerun_of` varchar(36) not null, `idempotency_key` varchar(128) null, `cancel_level` int not null, `cancel_cause` varchar(32) null, `canceled_by` varchar(36) not null, `canceled_by_name` varchar(255) not null, `cancel_requested_at` datetime(3) null, `created_at` datetime(3) not null, `started_at` datetime(3) null, `finished_at` datetime(3) null, `deadline` datetime(3) null, `wake_at` datetime(3) null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `run` add index `run_organization_id_id_index` (`organization_id`, `id`)')
    this.addSql('alter table `run` add index `run_project_id_id_index` (`project_id`, `id`)')
    this.addSql('alter table `run` add index `run_status_wake_at_index` (`status`, `wake_at`)')
    this.addSql('alter table `run` add unique `run_pipeline_id_number_unique` (`pipeline_id`, `number`)')
    this.addSql(
      'alter table `run` add unique `run_pipeline_id_idempotency_key_unique` (`pipeline_id`, `idempotency_key`)',
    )
    this.addSql(
      'create table `run_counter` (`pipeline_id` varchar(36) not null, `last` int not null, primary key (`pipeline_id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql(
      'create table `run_event` (`run_id` varchar(36) not null, `seq` int unsigned not null, `data` longblob not null, primary key (`run_id`, `seq`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql(
      'create table `run_graph` (`hash` varchar(64) not null, `data` longblob not null, primary key (`hash`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql(
      'create table `run_step` (`run_id` varchar(36) not null, `step_id` varchar(64) not null, `status` int not null, `reason` text null, `outputs` mediumtext not null, `failure_allowed` tinyint(1) not null, `queued_at` datetime(3) null, `started_at` datetime(3) null, `finished_at` datetime(3) null, `due_at` datetime(3) null, primary key (`run_id`, `step_id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql(
      'create table `secret` (`id` varchar(36) not null, `organization_id` varchar(36) not null, `project_id` varchar(36) not null, `name` varchar(128) not null, `sealed_key` blob not null, `sealed_value` blob not null, `created_at` datetime(3) not null, `updated_at` datetime(3) not null, `updated_by` varchar(36) not null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `secret` add unique `secret_project_id_name_unique` (`project_id`, `name`)')
    this.addSql(
      'create table `setup_token` (`id` varchar(16) not null, `token_hash` varchar(64) not null, `created_at` datetime(3) not null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql(
      'create table `user` (`id` varchar(36) not null, `email` varchar(254) not null, `name` varchar(128) not null, `password_hash` varchar(255) not null, `language` varchar(16) not null, `theme` varchar(16) not null, `created_at` datetime(3) not null, `last_seen_at` datetime(3) null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `user` add unique `user_email_unique` (`email`)')
    this.addSql(
      'create table `session` (`id` varchar(36) not null, `user_id` varchar(36) not null, `token_hash` varchar(64) not null, `user_agent` varchar(256) not null, `created_at` datetime(3) not null, `last_seen_at` datetime(3) not null, `expires_at` datetime(3) not null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `session` add index `session_user_id_index` (`user_id`)')
    this.addSql('alter table `session` add unique `session_token_hash_unique` (`token_hash`)')
    this.addSql(
      'create table `api_token` (`id` varchar(36) not null, `user_id` varchar(36) not null, `name` varchar(128) not null, `prefix` varchar(16) not null, `token_hash` varchar(64) not null, `scopes` varchar(1000) not null, `created_at` datetime(3) not null, `expires_at` datetime(3) null, `last_used_at` datetime(3) null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `api_token` add index `api_token_user_id_index` (`user_id`)')
    this.addSql('alter table `api_token` add unique `api_token_token_hash_unique` (`token_hash`)')
    this.addSql(
      'create table `workspace_pin` (`run_id` varchar(36) not null, `workspace` varchar(64) not null, `agent_id` varchar(36) not null, primary key (`run_id`, `workspace`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql(
      'alter table `project` add constraint `project_organization_id_foreign` foreign key (`organization_id`) references `organization` (`id`) on delete cascade',
    )
    this.addSql(
      'alter table `pipeline` add constraint `pipeline_project_id_foreign` foreign key (`project_id`) references `project` (`id`) on delete cascade',
    )
    this.addSql(
      'alter table `pipeline_version` add constraint `pipeline_version_pipeline_id_foreign` foreign key (`pipeline_id`) references `pipeline` (`id`) on delete cascade',
    )
    this.addSql(
      'alter table `collab_update` add constraint `collab_update_pipeline_id_foreign` foreign key (`pipeline_id`) references `pipeline` (`id`) on delete cascade',
    )
    this.addSql(
      'alter table `collab_snapshot` add constraint `collab_snapshot_pipeline_id_foreign` foreign key (`pipeline_id`) references `pipeline` (`id`) on update cascade on delete cascade',
    )
    this.addSql(
      'alter table `session` add constraint `session_user_id_foreign` foreign key (`user_id`) references `user` (`id`) on delete cascade',
    )
    this.addSql(
      'alter table `api_token` add constraint `api_token_user_id_foreign` foreign key (`user_id`) references `user` (`id`) on delete cascade',
    )
  }
}
