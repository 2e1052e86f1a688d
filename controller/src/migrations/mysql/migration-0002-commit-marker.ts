import { Migration } from '@mikro-orm/migrations'

export class CommitMarker extends Migration {
  override up(): void {
    this.addSql(
      'create table `commit_marker` (`id` varchar(36) not null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
  }
}
