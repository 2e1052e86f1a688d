import { Migration } from '@mikro-orm/migrations'

export class Fleet extends Migration {
  override up(): void {
    this.addSql(
      'create table `agent_label` (`organization_id` text not null, `label` text not null, `agent_id` text not null, primary key (`organization_id`, `label`, `agent_id`))',
    )
    this.addSql("alter table `agent` add column `instances` text not null default ''")
    this.addSql('alter table `agent` add column `instance_since` datetime null')
    this.addSql('alter table `agent` add column `doubled_at` datetime null')
    this.addSql("alter table `registration_token` add column `labels` text not null default ''")
    this.addSql('alter table `registration_token` add column `created_by` text null')
  }
}
