import { Migration } from '@mikro-orm/migrations'

export class JobQueueIndex extends Migration {
  override up(): void {
    this.addSql('alter table `job` drop index `job_status_priority_created_at_index`')
    this.addSql(
      'alter table `job` add index `job_status_organization_id_priority_created_at_id_index` (`status`, `organization_id`, `priority`, `created_at`, `id`)',
    )
  }
}
