// Made by "pnpm --dir controller migrations:initial" from the entities.
import { Migration } from '@mikro-orm/migrations'

export class Initial extends Migration {
  override up(): void {
    this.addSql(
      'create table `access_grant` (`id` text not null primary key, `user_id` text not null, `organization_id` text not null, `project_id` text null, `scope_id` text not null, `role` integer not null, `created_at` datetime not null)',
    )
    this.addSql('create index `access_grant_organization_id_index` on `access_grant` (`organization_id`)')
    this.addSql('create index `access_grant_project_id_index` on `access_grant` (`project_id`)')
    this.addSql('create unique index `access_grant_user_id_scope_id_unique` on `access_grant` (`user_id`, `scope_id`)')
    this.addSql(
      'create table `invitation` (`id` text not null primary key, `organization_id` text not null, `project_id` text null, `email` text not null, `role` integer not null, `token_hash` text not null, `invited_by` text not null, `created_at` datetime not null, `expires_at` datetime not null)',
    )
    this.addSql('create index `invitation_organization_id_index` on `invitation` (`organization_id`)')
    this.addSql('create index `invitation_project_id_index` on `invitation` (`project_id`)')
    this.addSql('create unique index `invitation_token_hash_unique` on `invitation` (`token_hash`)')
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
  }
}
