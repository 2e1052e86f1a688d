import { Migration } from '@mikro-orm/migrations'

export class Reuse extends Migration {
  override up(): void {
    this.addSql('alter table `run_step` add column `reused` text null')
    this.addSql('alter table `workspace_pin` add column `folder_run_id` text null')
    this.addSql(
      'create unique index `workspace_pin_folder_run_id_workspace_unique` on `workspace_pin` (`folder_run_id`, `workspace`)',
    )
  }
}
