import { Migration } from '@mikro-orm/migrations'

export class ProjectLimits extends Migration {
  override up(): void {
    this.addSql('alter table `project` add `job_limit` int not null default 0')
  }
}
