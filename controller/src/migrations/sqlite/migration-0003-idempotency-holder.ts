import { Migration } from '@mikro-orm/migrations'

export class IdempotencyHolder extends Migration {
  override up(): void {
    this.addSql("alter table `idempotency_key` add column `holder` text not null default ''")
    this.addSql('alter table `idempotency_key` add column `done` integer not null default false')
  }
}
