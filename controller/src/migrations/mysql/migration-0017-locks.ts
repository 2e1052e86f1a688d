import { Migration } from '@mikro-orm/migrations'

export class Locks extends Migration {
  override up(): void {
    this.addSql(
      'create table `lock_claim` (`run_id` varchar(36) not null, `holder` varchar(80) not null, `project_id` varchar(36) not null, `place` int not null, `run_number` int not null, `pipeline_name` varchar(255) not null, `step_name` varchar(255) not null, `given` tinyint(1) not null, `ahead` text null, `superseded` tinyint(1) not null, `changes` int not null, `untold` tinyint(1) not null, primary key (`run_id`, `holder`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `lock_claim` add index `lock_claim_project_id_place_index` (`project_id`, `place`)')
    this.addSql('alter table `lock_claim` add index `lock_claim_untold_index` (`untold`)')
    this.addSql(
      'create table `lock_line` (`project_id` varchar(36) not null, `last_place` int not null, primary key (`project_id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql(
      'create table `lock_want` (`project_id` varchar(36) not null, `lock_key` varchar(64) not null, `place` int unsigned not null, `kind` varchar(16) not null, `name` varchar(255) not null, `most` int not null, primary key (`project_id`, `lock_key`, `place`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `lock_want` add index `lock_want_project_id_place_index` (`project_id`, `place`)')
    this.addSql(
      'alter table `job` add index `job_status_organization_id_project_id_priority_crea_6336b_index` (`status`, `organization_id`, `project_id`, `priority`, `created_at`, `id`)',
    )
    this.addSql('alter table `run` add `priority` int not null default 0')
  }
}
