import { Migration } from '@mikro-orm/migrations'

export class Answers extends Migration {
  override up(): void {
    this.addSql('drop index `commit_status_next_at_index`')
    this.addSql('alter table `commit_status` drop column `summary`')
    this.addSql('alter table `commit_status` add column `pull_request` integer not null default 0')
    this.addSql("alter table `commit_status` add column `comment_id` text not null default ''")
    this.addSql("alter table `commit_status` add column `step_id` text not null default ''")
    this.addSql('alter table `commit_status` add column `report` mediumtext null')
    this.addSql('alter table `commit_status` add column `held_until` datetime null')
    this.addSql('create index `commit_status_next_at_created_at_index` on `commit_status` (`next_at`, `created_at`)')
    this.addSql('alter table `connection` add column `rests_until` datetime null')
    this.addSql(
      'create index `pull_request_repository_id_head_commit_index` on `pull_request` (`repository_id`, `head_commit`)',
    )
    this.addSql('alter table `repository` add column `status_detail` integer not null default 1')
    this.addSql('alter table `repository` add column `comments` integer not null default 1')
  }
}
