import { Migration } from '@mikro-orm/migrations'

export class Reuse extends Migration {
  override up(): void {
    this.addSql('alter table `run_step` add `reused` varchar(128) null')
    this.addSql('alter table `workspace_pin` add `folder_run_id` varchar(36) null')
    this.addSql(
      'alter table `workspace_pin` add unique `workspace_pin_folder_run_id_workspace_unique` (`folder_run_id`, `workspace`)',
    )
  }
}
