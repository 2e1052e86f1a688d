import { Migration } from '@mikro-orm/migrations'

export class AuditEvents extends Migration {
  override up(): void {
    this.addSql(
      'create table `audit_event` (`id` text not null primary key, `at` datetime not null, `organization_id` text not null, `project_id` text not null, `actor_kind` integer not null, `actor_id` text not null, `actor_name` text not null, `token_id` text not null, `action` text not null, `resource_kind` text not null, `resource_id` text not null, `resource_name` text not null, `before` text not null, `after` text not null, `address` text not null, `client` text not null, `failure` text not null, `request_id` text not null)',
    )
    this.addSql('create index `audit_event_organization_id_id_index` on `audit_event` (`organization_id`, `id`)')
    this.addSql(
      'create index `audit_event_organization_id_project_id_id_index` on `audit_event` (`organization_id`, `project_id`, `id`)',
    )
    this.addSql(
      'create index `audit_event_organization_id_actor_id_id_index` on `audit_event` (`organization_id`, `actor_id`, `id`)',
    )
    this.addSql(
      'create index `audit_event_organization_id_action_id_index` on `audit_event` (`organization_id`, `action`, `id`)',
    )
    this.addSql(
      'create index `audit_event_organization_id_resource_id_id_index` on `audit_event` (`organization_id`, `resource_id`, `id`)',
    )
  }
}
