import { Migration } from '@mikro-orm/migrations'

export class AppHooks extends Migration {
  override up(): void {
    this.addSql(
      'alter table `connection` add `hook_secret_set` tinyint(1) not null default false, add `hook_delivered_at` datetime(3) null, add `hook_refused_at` datetime(3) null',
    )
    this.addSql('alter table `repository_delivery` add `by_app` tinyint(1) not null default false')
  }
}
