import { Migration } from '@mikro-orm/migrations'

export class Schedules extends Migration {
  override up(): void {
    this.addSql(
      'create table `schedule` (`id` varchar(36) not null, `project_id` varchar(36) not null, `pipeline_id` varchar(36) not null, `name` varchar(128) not null, `place` int not null, `definition` text not null, `owner_id` varchar(36) not null, `owner_name` varchar(255) not null, `next_at` datetime(3) null, `starting_run_id` varchar(36) null, `paused_at` datetime(3) null, `paused_by` varchar(255) not null, `last_due_at` datetime(3) null, `last_run_id` varchar(36) null, `last_problem` varchar(512) not null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `schedule` add index `schedule_next_at_index` (`next_at`)')
    this.addSql('alter table `schedule` add index `schedule_project_id_index` (`project_id`)')
    this.addSql('alter table `schedule` add unique `schedule_pipeline_id_name_unique` (`pipeline_id`, `name`)')
  }
}
