import { Migration } from '@mikro-orm/migrations'

export class RunOrigin extends Migration {
  override up(): void {
    this.addSql("alter table `idempotency_key` add column `makes` text not null default ''")
    this.addSql('drop index `run_pipeline_id_idempotency_key_unique`')
    this.addSql('alter table `run` drop column `idempotency_key`')
    this.addSql('alter table `run` rename column `started_by_name` to `origin`')
    this.addSql(
      "update `run` set `origin` = json_object('person', json_object('userId', `started_by`, 'name', `origin`))",
    )
    this.addSql('create index `run_graph_hash_index` on `run` (`graph_hash`)')
  }
}
