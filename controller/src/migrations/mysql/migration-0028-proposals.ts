import { Migration } from '@mikro-orm/migrations'

export class Proposals extends Migration {
  override up(): void {
    this.addSql(
      'create table `proposal` (`id` varchar(36) not null, `project_id` varchar(36) not null, `pipeline_id` varchar(36) not null, `open_of` varchar(36) null, `repository_id` varchar(36) not null, `path` varchar(255) not null, `way` int not null, `state` int not null, `title` varchar(255) not null, `branch` varchar(255) not null, `commit` varchar(64) not null, `number` int not null, `url` varchar(2048) not null, `problem` varchar(512) not null, `proposed_by_name` varchar(255) not null, `created_at` datetime(3) not null, `updated_at` datetime(3) not null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `proposal` add index `proposal_pipeline_id_id_index` (`pipeline_id`, `id`)')
    this.addSql('alter table `proposal` add index `proposal_repository_id_open_of_index` (`repository_id`, `open_of`)')
    this.addSql('alter table `proposal` add index `proposal_project_id_index` (`project_id`)')
    this.addSql('alter table `proposal` add unique `proposal_open_of_unique` (`open_of`)')
    this.addSql(
      "alter table `pipeline` add `draft_base` int not null default 0, add `proposed_hash` varchar(64) not null default '', add `other_repository_id` varchar(36) null, add `other_file_path` varchar(255) not null default '', add `other_file_awaited` tinyint(1) not null default false",
    )
    this.addSql(
      'alter table `pipeline` add index `pipeline_other_repository_id_other_file_path_index` (`other_repository_id`, `other_file_path`)',
    )
    // The closest to what drafts were made of that is known.
    this.addSql('update `pipeline` set `draft_base` = `latest_version`')
  }
}
