// Made by "pnpm --dir controller migrations:initial" from the entities.
import { Migration } from '@mikro-orm/migrations'

export class Initial extends Migration {
  override up(): void {
    this.addSql(
      'create table `access_grant` (`id` varchar(36) not null, `user_id` varchar(36) not null, `organization_id` varchar(36) not null, `project_id` varchar(36) null, `scope_id` varchar(36) not null, `role` int not null, `created_at` datetime(3) not null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `access_grant` add index `access_grant_organization_id_index` (`organization_id`)')
    this.addSql('alter table `access_grant` add index `access_grant_project_id_index` (`project_id`)')
    this.addSql('alter table `access_grant` add unique `access_grant_user_id_scope_id_unique` (`user_id`, `scope_id`)')
    this.addSql(
      'create table `invitation` (`id` varchar(36) not null, `organization_id` varchar(36) not null, `project_id` varchar(36) null, `email` varchar(254) not null, `role` int not null, `token_hash` varchar(64) not null, `invited_by` varchar(36) not null, `created_at` datetime(3) not null, `expires_at` datetime(3) not null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `invitation` add index `invitation_organization_id_index` (`organization_id`)')
    this.addSql('alter table `invitation` add index `invitation_project_id_index` (`project_id`)')
    this.addSql('alter table `invitation` add unique `invitation_token_hash_unique` (`token_hash`)')
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
      'alter table `project` add constraint `project_organization_id_foreign` foreign key (`organization_id`) references `organization` (`id`) on delete cascade',
    )
    this.addSql(
      'alter table `session` add constraint `session_user_id_foreign` foreign key (`user_id`) references `user` (`id`) on delete cascade',
    )
    this.addSql(
      'alter table `api_token` add constraint `api_token_user_id_foreign` foreign key (`user_id`) references `user` (`id`) on delete cascade',
    )
  }
}
