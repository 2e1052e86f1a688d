import { Migration } from '@mikro-orm/migrations'

export class OpenProposals extends Migration {
  override up(): void {
    this.addSql('drop index `proposal_project_id_index`')
    this.addSql('create index `proposal_project_id_open_of_index` on `proposal` (`project_id`, `open_of`)')
  }
}
