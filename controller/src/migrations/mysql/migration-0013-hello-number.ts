import { Migration } from '@mikro-orm/migrations'

export class HelloNumber extends Migration {
  override up(): void {
    this.addSql('alter table `agent` add `hello_number` int not null default 0')
  }
}
