import { Migration } from '@mikro-orm/migrations'

const scopeKind = "case when `project_id` is null then 'organization' else 'project' end"
const scopeId = 'coalesce(`project_id`, `organization_id`)'
const roleId =
  "case `role` when 1 then 'viewer' when 2 then 'developer' when 3 then 'maintainer' when 4 then 'owner' else 'unknown' end"

export class RolesAsSets extends Migration {
  override up(): void {
    this.addSql(
      "alter table `access_grant` change `user_id` `subject_id` varchar(36) not null, add `subject_kind` varchar(16) not null default 'user', add `scope_kind` varchar(16) not null default '', add `role_id` varchar(36) not null default '', add `expires_at` datetime(3) null, drop index `access_grant_user_id_scope_id_unique`, add unique `access_grant_subject_id_scope_id_unique` (`subject_id`, `scope_id`), add index `access_grant_scope_id_index` (`scope_id`)",
    )
    this.addSql(`update access_grant set scope_kind = ${scopeKind}, role_id = ${roleId}`)
    this.addSql(
      'alter table `access_grant` drop index `access_grant_project_id_index`, drop column `project_id`, drop column `role`, alter column `subject_kind` drop default, alter column `scope_kind` drop default, alter column `role_id` drop default',
    )
    this.addSql(
      "alter table `invitation` add `scope_kind` varchar(16) not null default '', add `scope_id` varchar(36) not null default '', add `role_id` varchar(36) not null default '', add index `invitation_scope_id_index` (`scope_id`)",
    )
    this.addSql(`update invitation set scope_kind = ${scopeKind}, scope_id = ${scopeId}, role_id = ${roleId}`)
    this.addSql(
      'alter table `invitation` drop index `invitation_project_id_index`, drop column `project_id`, drop column `role`, alter column `scope_kind` drop default, alter column `scope_id` drop default, alter column `role_id` drop default',
    )
  }
}
