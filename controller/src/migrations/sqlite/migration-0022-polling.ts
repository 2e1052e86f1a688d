import { Migration } from '@mikro-orm/migrations'

export class Polling extends Migration {
  override up(): void {
    this.addSql(
      'create table `repository_refs` (`repository_id` text not null primary key, `project_id` text not null, `refs` mediumtext not null)',
    )
    this.addSql('create index `repository_refs_project_id_index` on `repository_refs` (`project_id`)')
  }
}
