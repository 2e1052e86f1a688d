import { Migration } from '@mikro-orm/migrations'

export class IdempotencyHolder extends Migration {
  override up(): void {
    this.addSql(
      "alter table `idempotency_key` add `holder` varchar(36) not null default '', add `done` tinyint(1) not null default false",
    )
  }
}
