// The tables of the first release. Frozen: what changes afterwards is a migration of its own.
import { Migration } from '@mikro-orm/migrations'

export class Initial extends Migration {
  override up(): void {
    this.addSql(
      'create table `agent` (`id` text not null primary key, `organization_id` text not null, `name` text not null, `secret_hash` text not null, `labels` text not null, `capabilities` text not null, `slots` integer not null, `version` text not null, `host` text not null, `load` text null, `draining` integer not null, `session_id` text null, `left_at` datetime null, `last_seen_at` datetime null, `registered_at` datetime not null)',
    )
    this.addSql('create index `agent_organization_id_index` on `agent` (`organization_id`)')
    this.addSql('create unique index `agent_secret_hash_unique` on `agent` (`secret_hash`)')
    this.addSql(
      'create table `access_grant` (`id` text not null primary key, `user_id` text not null, `organization_id` text not null, `project_id` text null, `scope_id` text not null, `role` integer not null, `created_at` datetime not null)',
    )
    this.addSql('create index `access_grant_organization_id_index` on `access_grant` (`organization_id`)')
    this.addSql('create index `access_grant_project_id_index` on `access_grant` (`project_id`)')
    this.addSql('create unique index `access_grant_user_id_scope_id_unique` on `access_grant` (`user_id`, `scope_id`)')
    this.addSql(
      'create table `idempotency_key` (`id` text not null primary key, `request_hash` text not null, `answer` blob null, `created_at` datetime not null)',
    )
    this.addSql('create index `idempotency_key_created_at_index` on `idempotency_key` (`created_at`)')
    this.addSql(
      'create table `invitation` (`id` text not null primary key, `organization_id` text not null, `project_id` text null, `email` text not null, `role` integer not null, `token_hash` text not null, `invited_by` text not null, `created_at` datetime not null, `expires_at` datetime not null)',
    )
    this.addSql('create index `invitation_organization_id_index` on `invitation` (`organization_id`)')
    this.addSql('create index `invitation_project_id_index` on `invitation` (`project_id`)')
    this.addSql('create unique index `invitation_token_hash_unique` on `invitation` (`token_hash`)')
    this.addSql(
      'create table `job` (`id` text not null primary key, `run_id` text not null, `organization_id` text not null, `project_id` text not null, `step_id` text not null, `attempt` integer not null, `epoch` integer not null, `status` integer not null, `priority` integer not null, `agent_id` text null, `agent_name` text not null, `labels` text not null, `capability` text not null, `workspace` text not null, `secrets` text not null, `spec` longblob not null, `cancel_requested` integer not null, `exit_code` integer null, `reason` text null, `created_at` datetime not null, `available_at` datetime not null, `offered_at` datetime null, `started_at` datetime null, `finished_at` datetime null, `log_size` bigint not null, `log_complete` integer not null)',
    )
    this.addSql('create index `job_status_priority_created_at_index` on `job` (`status`, `priority`, `created_at`)')
    this.addSql('create index `job_agent_id_status_index` on `job` (`agent_id`, `status`)')
    this.addSql('create unique index `job_run_id_step_id_attempt_unique` on `job` (`run_id`, `step_id`, `attempt`)')
    this.addSql(
      'create table `key_ring` (`purpose` text not null primary key, `sealed_key` blob not null, `created_at` datetime not null)',
    )
    this.addSql(
      'create table `log_chunk` (`job_id` text not null, `byte_offset` bigint not null, `size` integer not null, `data` blob not null, `first_line` integer not null, `line_count` integer not null, `ends_line` integer not null, `base_ms` bigint not null, `line_ms` blob not null, `refilled` integer not null, primary key (`job_id`, `byte_offset`))',
    )
    this.addSql('create index `log_chunk_line` on `log_chunk` (`job_id`, `first_line`, `byte_offset`)')
    this.addSql(
      'create table `login_limit` (`id` text not null primary key, `tries` integer not null, `window_ends_at` datetime not null)',
    )
    this.addSql(
      'create table `organization` (`id` text not null primary key, `slug` text not null, `name` text not null, `created_at` datetime not null)',
    )
    this.addSql('create unique index `organization_slug_unique` on `organization` (`slug`)')
    this.addSql(
      'create table `project` (`id` text not null primary key, `organization_id` text not null, `slug` text not null, `name` text not null, `description` text not null, `created_at` datetime not null, constraint `project_organization_id_foreign` foreign key (`organization_id`) references `organization` (`id`) on delete cascade)',
    )
    this.addSql('create index `project_organization_id_index` on `project` (`organization_id`)')
    this.addSql('create unique index `project_organization_id_slug_unique` on `project` (`organization_id`, `slug`)')
    this.addSql(
      'create table `pipeline` (`id` text not null primary key, `project_id` text not null, `name` text not null, `latest_version` integer not null, `latest_hash` text not null, `draft_hash` text not null, `created_at` datetime not null, `updated_at` datetime not null, constraint `pipeline_project_id_foreign` foreign key (`project_id`) references `project` (`id`) on delete cascade)',
    )
    this.addSql('create index `pipeline_project_id_index` on `pipeline` (`project_id`)')
    this.addSql('create unique index `pipeline_project_id_name_unique` on `pipeline` (`project_id`, `name`)')
    this.addSql(
      'create table `pipeline_version` (`id` text not null primary key, `pipeline_id` text not null, `number` integer not null, `graph` longtext not null, `yaml` longtext not null, `hash` text not null, `step_count` integer not null, `note` text not null, `created_by` text not null, `created_by_name` text not null, `created_at` datetime not null, constraint `pipeline_version_pipeline_id_foreign` foreign key (`pipeline_id`) references `pipeline` (`id`) on delete cascade)',
    )
    this.addSql('create index `pipeline_version_pipeline_id_index` on `pipeline_version` (`pipeline_id`)')
    this.addSql(
      'create unique index `pipeline_version_pipeline_id_number_unique` on `pipeline_version` (`pipeline_id`, `number`)',
    )
    this.addSql(
      'create table `collab_update` (`pipeline_id` text not null, `seq` integer not null, `data` longblob not null, primary key (`pipeline_id`, `seq`), constraint `collab_update_pipeline_id_foreign` foreign key (`pipeline_id`) references `pipeline` (`id`) on delete cascade)',
    )
    this.addSql('create index `collab_update_pipeline_id_index` on `collab_update` (`pipeline_id`)')
    this.addSql(
      'create table `collab_snapshot` (`pipeline_id` text not null primary key, `head_seq` integer not null, `seq` integer not null, `data` longblob not null, constraint `collab_snapshot_pipeline_id_foreign` foreign key (`pipeline_id`) references `pipeline` (`id`) on update cascade on delete cascade)',
    )
    this.addSql('create index `collab_snapshot_pipeline_id_index` on `collab_snapshot` (`pipeline_id`)')
    this.addSql(
      'create table `registration_token` (`id` text not null primary key, `organization_id` text not null, `token_hash` text not null, `created_at` datetime not null, `expires_at` datetime not null, `used_at` datetime null, `agent_id` text null)',
    )
    this.addSql('create index `registration_token_organization_id_index` on `registration_token` (`organization_id`)')
    this.addSql('create unique index `registration_token_token_hash_unique` on `registration_token` (`token_hash`)')
    this.addSql(
      'create table `run` (`id` text not null primary key, `number` integer not null, `organization_id` text not null, `project_id` text not null, `project_slug` text not null, `pipeline_id` text not null, `pipeline_name` text not null, `version` integer not null, `graph_hash` text not null, `inputs` mediumtext not null, `status` integer not null, `reason` text null, `revision` integer not null, `seq` integer not null, `step_counts` text not null, `started_by` text not null, `started_by_name` text not null, `rerun_of` text not null, `idempotency_key` text null, `cancel_level` integer not null, `cancel_cause` text null, `canceled_by` text not null, `canceled_by_name` text not null, `cancel_requested_at` datetime null, `created_at` datetime not null, `started_at` datetime null, `finished_at` datetime null, `deadline` datetime null, `wake_at` datetime null)',
    )
    this.addSql('create index `run_organization_id_id_index` on `run` (`organization_id`, `id`)')
    this.addSql('create index `run_project_id_id_index` on `run` (`project_id`, `id`)')
    this.addSql('create index `run_status_wake_at_index` on `run` (`status`, `wake_at`)')
    this.addSql('create unique index `run_pipeline_id_number_unique` on `run` (`pipeline_id`, `number`)')
    this.addSql(
      'create unique index `run_pipeline_id_idempotency_key_unique` on `run` (`pipeline_id`, `idempotency_key`)',
    )
    this.addSql('create table `run_counter` (`pipeline_id` text not null primary key, `last` integer not null)')
    this.addSql(
      'create table `run_event` (`run_id` text not null, `seq` integer not null, `data` longblob not null, primary key (`run_id`, `seq`))',
    )
    this.addSql('create table `run_graph` (`hash` text not null primary key, `data` longblob not null)')
    this.addSql(
      'create table `run_step` (`run_id` text not null, `step_id` text not null, `status` integer not null, `reason` text null, `outputs` mediumtext not null, `failure_allowed` integer not null, `queued_at` datetime null, `started_at` datetime null, `finished_at` datetime null, `due_at` datetime null, primary key (`run_id`, `step_id`))',
    )
    this.addSql(
      'create table `secret` (`id` text not null primary key, `organization_id` text not null, `project_id` text not null, `name` text not null, `sealed_key` blob not null, `sealed_value` blob not null, `created_at` datetime not null, `updated_at` datetime not null, `updated_by` text not null)',
    )
    this.addSql('create unique index `secret_project_id_name_unique` on `secret` (`project_id`, `name`)')
    this.addSql(
      'create table `setup_token` (`id` text not null primary key, `token_hash` text not null, `created_at` datetime not null)',
    )
    this.addSql(
      'create table `user` (`id` text not null primary key, `email` text not null, `name` text not null, `password_hash` text not null, `language` text not null, `theme` text not null, `created_at` datetime not null, `last_seen_at` datetime null)',
    )
    this.addSql('create unique index `user_email_unique` on `user` (`email`)')
    this.addSql(
      'create table `session` (`id` text not null primary key, `user_id` text not null, `token_hash` text not null, `user_agent` text not null, `created_at` datetime not null, `last_seen_at` datetime not null, `expires_at` datetime not null, constraint `session_user_id_foreign` foreign key (`user_id`) references `user` (`id`) on delete cascade)',
    )
    this.addSql('create index `session_user_id_index` on `session` (`user_id`)')
    this.addSql('create unique index `session_token_hash_unique` on `session` (`token_hash`)')
    this.addSql(
      'create table `api_token` (`id` text not null primary key, `user_id` text not null, `name` text not null, `prefix` text not null, `token_hash` text not null, `scopes` text not null, `created_at` datetime not null, `expires_at` datetime null, `last_used_at` datetime null, constraint `api_token_user_id_foreign` foreign key (`user_id`) references `user` (`id`) on delete cascade)',
    )
    this.addSql('create index `api_token_user_id_index` on `api_token` (`user_id`)')
    this.addSql('create unique index `api_token_token_hash_unique` on `api_token` (`token_hash`)')
    this.addSql(
      'create table `workspace_pin` (`run_id` text not null, `workspace` text not null, `agent_id` text not null, primary key (`run_id`, `workspace`))',
    )
  }
}
