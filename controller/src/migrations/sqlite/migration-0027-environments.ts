import { Migration } from '@mikro-orm/migrations'

export class Environments extends Migration {
  override up(): void {
    this.addSql(
      'create table `deployed` (`environment_id` text not null primary key, `project_id` text not null, `deployment_id` text not null)',
    )
    this.addSql('create index `deployed_project_id_index` on `deployed` (`project_id`)')
    this.addSql(
      'create table `deployment` (`id` text not null primary key, `project_id` text not null, `environment_id` text not null, `environment_name` text not null, `run_id` text not null, `step_id` text not null, `step_name` text not null, `run_number` integer not null, `pipeline_id` text not null, `pipeline_name` text not null, `version` integer not null, `status` integer not null, `commit` text not null, `ref` text not null, `commit_title` text not null, `started_by` text not null, `url` text not null, `started_at` datetime not null, `finished_at` datetime null)',
    )
    this.addSql('create index `deployment_project_id_id_index` on `deployment` (`project_id`, `id`)')
    this.addSql('create index `deployment_environment_id_id_index` on `deployment` (`environment_id`, `id`)')
    this.addSql(
      'create index `deployment_environment_id_status_id_index` on `deployment` (`environment_id`, `status`, `id`)',
    )
    this.addSql('create unique index `deployment_run_id_step_id_unique` on `deployment` (`run_id`, `step_id`)')
    this.addSql(
      'create table `environment` (`id` text not null primary key, `organization_id` text not null, `project_id` text not null, `name` text not null, `place` integer not null, `url` text not null, `branches` text not null, `tags` text not null, `created_at` datetime not null, `updated_at` datetime not null, `updated_by` text not null)',
    )
    this.addSql('create unique index `environment_project_id_name_unique` on `environment` (`project_id`, `name`)')
    this.addSql(
      'create table `environment_use` (`id` text not null primary key, `project_id` text not null, `pipeline_id` text not null, `environment` text not null, `step_id` text not null)',
    )
    this.addSql(
      'create index `environment_use_project_id_environment_index` on `environment_use` (`project_id`, `environment`)',
    )
    this.addSql('create index `environment_use_pipeline_id_index` on `environment_use` (`pipeline_id`)')
    this.addSql('alter table `run` add column `environments` mediumtext null')
    this.addSql('drop index `secret_project_id_name_unique`')
    this.addSql("alter table `secret` add column `environment_id` text not null default ''")
    this.addSql('create index `secret_environment_id_index` on `secret` (`environment_id`)')
    this.addSql(
      'create unique index `secret_project_id_environment_id_name_unique` on `secret` (`project_id`, `environment_id`, `name`)',
    )
    this.addSql('drop index `variable_organization_id_project_id_name_unique`')
    this.addSql("alter table `variable` add column `environment_id` text not null default ''")
    this.addSql('create index `variable_environment_id_index` on `variable` (`environment_id`)')
    this.addSql(
      'create unique index `variable_organization_id_project_id_environment_id_name_unique` on `variable` (`organization_id`, `project_id`, `environment_id`, `name`)',
    )
  }
}
