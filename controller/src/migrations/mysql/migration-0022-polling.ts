import { Migration } from '@mikro-orm/migrations'

export class Polling extends Migration {
  override up(): void {
    this.addSql(
      'create table `repository_refs` (`repository_id` varchar(36) not null, `project_id` varchar(36) not null, `refs` mediumtext not null, primary key (`repository_id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `repository_refs` add index `repository_refs_project_id_index` (`project_id`)')
  }
}
