import { Migration } from '@mikro-orm/migrations'

export class HelloNumber extends Migration {
  override up(): void {
    this.addSql('alter table `agent` add column `hello_number` integer not null default 0')
  }
}
