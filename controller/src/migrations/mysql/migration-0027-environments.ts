import { Migration } from '@mikro-orm/migrations'

export class Environments extends Migration {
  override up(): void {
    this.addSql(
      'create table `deployed` (`environment_id` varchar(36) not null, `project_id` varchar(36) not null, `deployment_id` varchar(36) not null, primary key (`environment_id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `deployed` add index `deployed_project_id_index` (`project_id`)')
    this.addSql(
      'create table `deployment` (`id` varchar(36) not null, `project_id` varchar(36) not null, `environment_id` varchar(36) not null, `environment_name` varchar(64) not null, `run_id` varchar(36) not null, `step_id` varchar(80) not null, `step_name` varchar(255) not null, `run_number` int not null, `pipeline_id` varchar(36) not null, `pipeline_name` varchar(255) not null, `version` int not null, `status` int not null, `commit` varchar(64) not null, `ref` varchar(256) not null, `commit_title` varchar(200) not null, `started_by` varchar(255) not null, `url` varchar(2048) not null, `started_at` datetime(3) not null, `finished_at` datetime(3) null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `deployment` add index `deployment_project_id_id_index` (`project_id`, `id`)')
    this.addSql('alter table `deployment` add index `deployment_environment_id_id_index` (`environment_id`, `id`)')
    this.addSql(
      'alter table `deployment` add index `deployment_environment_id_status_id_index` (`environment_id`, `status`, `id`)',
    )
    this.addSql('alter table `deployment` add unique `deployment_run_id_step_id_unique` (`run_id`, `step_id`)')
    this.addSql(
      'create table `environment` (`id` varchar(36) not null, `organization_id` varchar(36) not null, `project_id` varchar(36) not null, `name` varchar(64) not null, `place` int not null, `url` varchar(2048) not null, `branches` text not null, `tags` text not null, `created_at` datetime(3) not null, `updated_at` datetime(3) not null, `updated_by` varchar(36) not null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `environment` add unique `environment_project_id_name_unique` (`project_id`, `name`)')
    this.addSql(
      'create table `environment_use` (`id` varchar(36) not null, `project_id` varchar(36) not null, `pipeline_id` varchar(36) not null, `environment` varchar(64) not null, `step_id` varchar(64) not null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql(
      'alter table `environment_use` add index `environment_use_project_id_environment_index` (`project_id`, `environment`)',
    )
    this.addSql('alter table `environment_use` add index `environment_use_pipeline_id_index` (`pipeline_id`)')
    this.addSql('alter table `run` add `environments` mediumtext null')
    this.addSql('alter table `secret` drop index `secret_project_id_name_unique`')
    this.addSql("alter table `secret` add `environment_id` varchar(36) not null default ''")
    this.addSql('alter table `secret` add index `secret_environment_id_index` (`environment_id`)')
    this.addSql(
      'alter table `secret` add unique `secret_project_id_environment_id_name_unique` (`project_id`, `environment_id`, `name`)',
    )
    this.addSql('alter table `variable` drop index `variable_organization_id_project_id_name_unique`')
    this.addSql("alter table `variable` add `environment_id` varchar(36) not null default ''")
    this.addSql('alter table `variable` add index `variable_environment_id_index` (`environment_id`)')
    this.addSql(
      'alter table `variable` add unique `variable_organization_id_project_id_environment_id_name_unique` (`organization_id`, `project_id`, `environment_id`, `name`)',
    )
  }
}
