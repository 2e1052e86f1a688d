import { Migration } from '@mikro-orm/migrations'

export class DeploymentRecords extends Migration {
  override up(): void {
    this.addSql("alter table `commit_status` add column `deployment_id` text not null default ''")
    this.addSql('create index `commit_status_deployment_id_index` on `commit_status` (`deployment_id`)')
    this.addSql("alter table `connection` add column `deployments_problem` text not null default ''")
    this.addSql('create index `deployment_project_id_commit_id_index` on `deployment` (`project_id`, `commit`, `id`)')
  }
}
