import { Migration } from '@mikro-orm/migrations'

export class Locks extends Migration {
  override up(): void {
    this.addSql(
      'create table `lock_claim` (`run_id` text not null, `holder` text not null, `project_id` text not null, `place` integer not null, `run_number` integer not null, `pipeline_name` text not null, `step_name` text not null, `given` integer not null, `ahead` text null, `superseded` integer not null, `changes` integer not null, `untold` integer not null, primary key (`run_id`, `holder`))',
    )
    this.addSql('create index `lock_claim_project_id_place_index` on `lock_claim` (`project_id`, `place`)')
    this.addSql('create index `lock_claim_untold_index` on `lock_claim` (`untold`)')
    this.addSql('create table `lock_line` (`project_id` text not null primary key, `last_place` integer not null)')
    this.addSql(
      'create table `lock_want` (`project_id` text not null, `lock_key` text not null, `place` integer not null, `kind` text not null, `name` text not null, `most` integer not null, primary key (`project_id`, `lock_key`, `place`))',
    )
    this.addSql('create index `lock_want_project_id_place_index` on `lock_want` (`project_id`, `place`)')
    this.addSql(
      'create index `job_status_organization_id_project_id_priority_created_at_id_index` on `job` (`status`, `organization_id`, `project_id`, `priority`, `created_at`, `id`)',
    )
    this.addSql('alter table `run` add column `priority` integer not null default 0')
  }
}
