import { Migration } from '@mikro-orm/migrations'

export class ContainerImage extends Migration {
  override up(): void {
    this.addSql('alter table `job` add `image` varchar(1000) null')
  }
}
