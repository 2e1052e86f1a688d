import { Migration } from '@mikro-orm/migrations'

export class Answers extends Migration {
  override up(): void {
    this.addSql('alter table `commit_status` drop index `commit_status_next_at_index`')
    this.addSql('alter table `commit_status` drop column `summary`')
    this.addSql(
      "alter table `commit_status` add `pull_request` int not null default 0, add `comment_id` varchar(128) not null default '', add `step_id` varchar(72) not null default '', add `report` mediumtext null, add `held_until` datetime(3) null",
    )
    this.addSql(
      'alter table `commit_status` add index `commit_status_next_at_created_at_index` (`next_at`, `created_at`)',
    )
    this.addSql('alter table `connection` add `rests_until` datetime(3) null')
    this.addSql(
      'alter table `pull_request` add index `pull_request_repository_id_head_commit_index` (`repository_id`, `head_commit`)',
    )
    this.addSql(
      'alter table `repository` add `status_detail` int not null default 1, add `comments` int not null default 1',
    )
  }
}
