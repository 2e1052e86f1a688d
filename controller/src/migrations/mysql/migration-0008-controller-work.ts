import { Migration } from '@mikro-orm/migrations'

export class ControllerWork extends Migration {
  override up(): void {
    this.addSql(
      'create table `work` (`job_id` varchar(36) not null, `run_id` varchar(36) not null, `kind` varchar(64) not null, `request` mediumtext not null, `secret_mark` varchar(64) not null, `epoch` int not null, `leased_until` datetime(3) null, primary key (`job_id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `work` add index `work_run_id_index` (`run_id`)')
  }
}
