import { Migration } from '@mikro-orm/migrations'

export class ContainerImage extends Migration {
  override up(): void {
    this.addSql('alter table `job` add column `image` text null')
  }
}
