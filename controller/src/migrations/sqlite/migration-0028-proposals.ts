import { Migration } from '@mikro-orm/migrations'

export class Proposals extends Migration {
  override up(): void {
    this.addSql(
      'create table `proposal` (`id` text not null primary key, `project_id` text not null, `pipeline_id` text not null, `open_of` text null, `repository_id` text not null, `path` text not null, `way` integer not null, `state` integer not null, `title` text not null, `branch` text not null, `commit` text not null, `number` integer not null, `url` text not null, `problem` text not null, `proposed_by_name` text not null, `created_at` datetime not null, `updated_at` datetime not null)',
    )
    this.addSql('create index `proposal_pipeline_id_id_index` on `proposal` (`pipeline_id`, `id`)')
    this.addSql('create index `proposal_repository_id_open_of_index` on `proposal` (`repository_id`, `open_of`)')
    this.addSql('create index `proposal_project_id_index` on `proposal` (`project_id`)')
    this.addSql('create unique index `proposal_open_of_unique` on `proposal` (`open_of`)')
    this.addSql('alter table `pipeline` add column `draft_base` integer not null default 0')
    this.addSql("alter table `pipeline` add column `proposed_hash` text not null default ''")
    this.addSql('alter table `pipeline` add column `other_repository_id` text null')
    this.addSql("alter table `pipeline` add column `other_file_path` text not null default ''")
    this.addSql('alter table `pipeline` add column `other_file_awaited` integer not null default false')
    this.addSql(
      'create index `pipeline_other_repository_id_other_file_path_index` on `pipeline` (`other_repository_id`, `other_file_path`)',
    )
    // The closest to what drafts were made of that is known.
    this.addSql('update `pipeline` set `draft_base` = `latest_version`')
  }
}
