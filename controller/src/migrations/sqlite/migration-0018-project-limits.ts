import { Migration } from '@mikro-orm/migrations'

export class ProjectLimits extends Migration {
  override up(): void {
    this.addSql('alter table `project` add column `job_limit` integer not null default 0')
  }
}
