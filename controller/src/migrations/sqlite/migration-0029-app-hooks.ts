import { Migration } from '@mikro-orm/migrations'

export class AppHooks extends Migration {
  override up(): void {
    this.addSql('alter table `connection` add column `hook_secret_set` integer not null default false')
    this.addSql('alter table `connection` add column `hook_delivered_at` datetime null')
    this.addSql('alter table `connection` add column `hook_refused_at` datetime null')
    this.addSql('alter table `repository_delivery` add column `by_app` integer not null default false')
  }
}
