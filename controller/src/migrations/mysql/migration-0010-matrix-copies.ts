import { Migration } from '@mikro-orm/migrations'

export class MatrixCopies extends Migration {
  override up(): void {
    this.addSql('alter table `job` modify `step_id` varchar(72) not null')
    this.addSql('alter table `run_step` add `copy` mediumtext null')
    this.addSql('alter table `run_step` modify `step_id` varchar(72) not null')
  }
}
