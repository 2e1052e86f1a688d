import { Migration } from '@mikro-orm/migrations'

export class DeploymentRecords extends Migration {
  override up(): void {
    this.addSql("alter table `commit_status` add `deployment_id` varchar(36) not null default ''")
    this.addSql('alter table `commit_status` add index `commit_status_deployment_id_index` (`deployment_id`)')
    this.addSql("alter table `connection` add `deployments_problem` varchar(512) not null default ''")
    this.addSql(
      'alter table `deployment` add index `deployment_project_id_commit_id_index` (`project_id`, `commit`, `id`)',
    )
  }
}
