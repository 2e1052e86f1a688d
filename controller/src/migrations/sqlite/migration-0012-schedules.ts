import { Migration } from '@mikro-orm/migrations'

export class Schedules extends Migration {
  override up(): void {
    this.addSql(
      'create table `schedule` (`id` text not null primary key, `project_id` text not null, `pipeline_id` text not null, `name` text not null, `place` integer not null, `definition` text not null, `owner_id` text not null, `owner_name` text not null, `next_at` datetime null, `starting_run_id` text null, `paused_at` datetime null, `paused_by` text not null, `last_due_at` datetime null, `last_run_id` text null, `last_problem` text not null)',
    )
    this.addSql('create index `schedule_next_at_index` on `schedule` (`next_at`)')
    this.addSql('create index `schedule_project_id_index` on `schedule` (`project_id`)')
    this.addSql('create unique index `schedule_pipeline_id_name_unique` on `schedule` (`pipeline_id`, `name`)')
  }
}
