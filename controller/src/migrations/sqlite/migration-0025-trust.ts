import { Migration } from '@mikro-orm/migrations'

export class Trust extends Migration {
  override up(): void {
    this.addSql('alter table `agent` add column `takes_untrusted` integer not null default false')
    this.addSql('alter table `job` add column `untrusted` integer not null default false')
    this.addSql('alter table `repository` add column `fork_files` integer not null default 1')
    this.addSql('alter table `repository_delivery` add column `untrusted` integer not null default false')
  }
}
