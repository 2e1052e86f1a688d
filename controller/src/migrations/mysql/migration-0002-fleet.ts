import { Migration } from '@mikro-orm/migrations'

export class Fleet extends Migration {
  override up(): void {
    this.addSql(
      'create table `agent_label` (`organization_id` varchar(36) not null, `label` varchar(64) not null, `agent_id` varchar(36) not null, primary key (`organization_id`, `label`, `agent_id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql(
      "alter table `agent` add `instances` varchar(400) not null default '', add `instance_since` datetime(3) null, add `doubled_at` datetime(3) null",
    )
    this.addSql(
      "alter table `registration_token` add `labels` varchar(2000) not null default '', add `created_by` varchar(36) null",
    )
  }
}
