import { Migration } from '@mikro-orm/migrations'

export class MatrixCopies extends Migration {
  override up(): void {
    this.addSql('alter table `run_step` add column `copy` mediumtext null')
  }
}
