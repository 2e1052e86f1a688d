import { Migration } from '@mikro-orm/migrations'

export class ControllerWork extends Migration {
  override up(): void {
    this.addSql(
      'create table `work` (`job_id` text not null primary key, `run_id` text not null, `kind` text not null, `request` mediumtext not null, `secret_mark` text not null, `epoch` integer not null, `leased_until` datetime null)',
    )
    this.addSql('create index `work_run_id_index` on `work` (`run_id`)')
  }
}
