import { Migration } from '@mikro-orm/migrations'

export class Statuses extends Migration {
  override up(): void {
    this.addSql(
      'create table `commit_status` (`id` text not null primary key, `repository_id` text not null, `project_id` text not null, `commit` text not null, `name` text not null, `run_id` text not null, `state` text not null, `description` text not null, `summary` text not null, `revision` integer not null, `next_at` datetime null, `attempts` integer not null, `created_at` datetime not null)',
    )
    this.addSql('create index `commit_status_next_at_index` on `commit_status` (`next_at`)')
    this.addSql('create index `commit_status_project_id_index` on `commit_status` (`project_id`)')
    this.addSql(
      'create unique index `commit_status_repository_id_project_id_commit_name_unique` on `commit_status` (`repository_id`, `project_id`, `commit`, `name`)',
    )
  }
}
