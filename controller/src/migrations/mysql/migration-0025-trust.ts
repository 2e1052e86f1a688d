import { Migration } from '@mikro-orm/migrations'

export class Trust extends Migration {
  override up(): void {
    this.addSql('alter table `agent` add `takes_untrusted` tinyint(1) not null default false')
    this.addSql('alter table `job` add `untrusted` tinyint(1) not null default false')
    this.addSql('alter table `repository` add `fork_files` int not null default 1')
    this.addSql('alter table `repository_delivery` add `untrusted` tinyint(1) not null default false')
  }
}
