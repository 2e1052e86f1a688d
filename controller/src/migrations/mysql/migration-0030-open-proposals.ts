import { Migration } from '@mikro-orm/migrations'

export class OpenProposals extends Migration {
  override up(): void {
    this.addSql('alter table `proposal` drop index `proposal_project_id_index`')
    this.addSql('alter table `proposal` add index `proposal_project_id_open_of_index` (`project_id`, `open_of`)')
  }
}
