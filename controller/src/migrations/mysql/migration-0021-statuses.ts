import { Migration } from '@mikro-orm/migrations'

export class Statuses extends Migration {
  override up(): void {
    this.addSql(
      'create table `commit_status` (`id` varchar(36) not null, `repository_id` varchar(36) not null, `project_id` varchar(36) not null, `commit` varchar(64) not null, `name` varchar(255) not null, `run_id` varchar(36) not null, `state` varchar(16) not null, `description` varchar(140) not null, `summary` text not null, `revision` int not null, `next_at` datetime(3) null, `attempts` int not null, `created_at` datetime(3) not null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `commit_status` add index `commit_status_next_at_index` (`next_at`)')
    this.addSql('alter table `commit_status` add index `commit_status_project_id_index` (`project_id`)')
    this.addSql(
      'alter table `commit_status` add unique `commit_status_repository_id_project_id_commit_name_unique` (`repository_id`, `project_id`, `commit`, `name`)',
    )
  }
}
