import { Migration } from '@mikro-orm/migrations'

const scopeKind = "case when `project_id` is null then 'organization' else 'project' end"
const scopeId = 'coalesce(`project_id`, `organization_id`)'
const roleId =
  "case `role` when 1 then 'viewer' when 2 then 'developer' when 3 then 'maintainer' when 4 then 'owner' else 'unknown' end"

export class RolesAsSets extends Migration {
  override up(): void {
    this.addSql('alter table `access_grant` rename to `old_grant`')
    this.addSql(
      'create table `access_grant` (`id` text not null primary key, `subject_kind` text not null, `subject_id` text not null, `organization_id` text not null, `scope_kind` text not null, `scope_id` text not null, `role_id` text not null, `created_at` datetime not null, `expires_at` datetime null)',
    )
    this.addSql(
      `insert into access_grant select id, 'user', user_id, organization_id, ${scopeKind}, scope_id, ${roleId}, created_at, null from old_grant`,
    )
    this.addSql('drop table `old_grant`')
    this.addSql('create index `access_grant_organization_id_index` on `access_grant` (`organization_id`)')
    this.addSql('create index `access_grant_scope_id_index` on `access_grant` (`scope_id`)')
    this.addSql(
      'create unique index `access_grant_subject_id_scope_id_unique` on `access_grant` (`subject_id`, `scope_id`)',
    )
    this.addSql('alter table `invitation` rename to `old_invitation`')
    this.addSql(
      'create table `invitation` (`id` text not null primary key, `organization_id` text not null, `scope_kind` text not null, `scope_id` text not null, `email` text not null, `role_id` text not null, `token_hash` text not null, `invited_by` text not null, `api_token_id` text null, `created_at` datetime not null, `expires_at` datetime not null)',
    )
    this.addSql(
      `insert into invitation select id, organization_id, ${scopeKind}, ${scopeId}, email, ${roleId}, token_hash, invited_by, api_token_id, created_at, expires_at from old_invitation`,
    )
    this.addSql('drop table `old_invitation`')
    this.addSql('create index `invitation_organization_id_index` on `invitation` (`organization_id`)')
    this.addSql('create index `invitation_scope_id_index` on `invitation` (`scope_id`)')
    this.addSql('create unique index `invitation_token_hash_unique` on `invitation` (`token_hash`)')
    this.addSql('create index `invitation_api_token_id_index` on `invitation` (`api_token_id`)')
  }
}
