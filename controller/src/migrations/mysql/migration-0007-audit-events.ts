import { Migration } from '@mikro-orm/migrations'

export class AuditEvents extends Migration {
  override up(): void {
    this.addSql(
      'create table `audit_event` (`id` varchar(36) not null, `at` datetime(3) not null, `organization_id` varchar(36) not null, `project_id` varchar(36) not null, `actor_kind` int not null, `actor_id` varchar(36) not null, `actor_name` varchar(255) not null, `token_id` varchar(36) not null, `action` varchar(128) not null, `resource_kind` varchar(32) not null, `resource_id` varchar(128) not null, `resource_name` varchar(255) not null, `before` text not null, `after` text not null, `address` varchar(64) not null, `client` varchar(256) not null, `failure` varchar(64) not null, `request_id` varchar(36) not null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `audit_event` add index `audit_event_organization_id_id_index` (`organization_id`, `id`)')
    this.addSql(
      'alter table `audit_event` add index `audit_event_organization_id_project_id_id_index` (`organization_id`, `project_id`, `id`)',
    )
    this.addSql(
      'alter table `audit_event` add index `audit_event_organization_id_actor_id_id_index` (`organization_id`, `actor_id`, `id`)',
    )
    this.addSql(
      'alter table `audit_event` add index `audit_event_organization_id_action_id_index` (`organization_id`, `action`, `id`)',
    )
    this.addSql(
      'alter table `audit_event` add index `audit_event_organization_id_resource_id_id_index` (`organization_id`, `resource_id`, `id`)',
    )
  }
}
