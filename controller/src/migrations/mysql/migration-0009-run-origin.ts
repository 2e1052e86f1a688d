import { Migration } from '@mikro-orm/migrations'

export class RunOrigin extends Migration {
  override up(): void {
    this.addSql("alter table `idempotency_key` add `makes` varchar(36) not null default ''")
    this.addSql('alter table `run` drop index `run_pipeline_id_idempotency_key_unique`')
    this.addSql('alter table `run` drop column `idempotency_key`')
    this.addSql('alter table `run` change `started_by_name` `origin` text not null')
    this.addSql(
      "update `run` set `origin` = json_object('person', json_object('userId', `started_by`, 'name', `origin`))",
    )
    this.addSql('alter table `run` add index `run_graph_hash_index` (`graph_hash`)')
  }
}
