import { Migration } from '@mikro-orm/migrations'

export class DeliverySaid extends Migration {
  override up(): void {
    this.addSql('alter table `webhook_delivery` add column `said` text null')
  }
}
