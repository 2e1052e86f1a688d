import { Migration } from '@mikro-orm/migrations'

export class CommitMarker extends Migration {
  override up(): void {
    this.addSql('create table `commit_marker` (`id` text not null primary key)')
  }
}
