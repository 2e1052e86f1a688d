import { Migration } from '@mikro-orm/migrations'

export class Chains extends Migration {
  override up(): void {
    this.addSql(
      'create table `chained_run` (`id` varchar(36) not null, `run_id` varchar(36) not null, `project_id` varchar(36) not null, `organization_id` varchar(36) not null, `run_name` varchar(255) not null, `step_id` varchar(72) not null, `ask` mediumtext not null, `todo` varchar(8) not null, `pipeline_name` varchar(255) not null, `number` int not null, `status` int not null, `outputs` mediumtext null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `chained_run` add index `chained_run_todo_id_index` (`todo`, `id`)')
    this.addSql('alter table `chained_run` add index `chained_run_project_id_index` (`project_id`)')
    this.addSql(
      'create table `webhook_delivery` (`id` varchar(36) not null, `webhook_id` varchar(36) not null, `pipeline_id` varchar(36) not null, `project_id` varchar(36) not null, `received_at` datetime(3) not null, `name` varchar(255) null, `inputs` mediumtext null, `result` int not null, `run_id` varchar(36) null, `problem` varchar(512) not null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `webhook_delivery` add index `webhook_delivery_result_id_index` (`result`, `id`)')
    this.addSql('alter table `webhook_delivery` add index `webhook_delivery_project_id_index` (`project_id`)')
    this.addSql(
      'alter table `webhook_delivery` add unique `webhook_delivery_webhook_id_name_unique` (`webhook_id`, `name`)',
    )
    this.addSql(
      'create table `pipeline_link` (`id` varchar(36) not null, `owner_id` varchar(36) not null, `project_id` varchar(36) not null, `from_id` varchar(36) not null, `to_id` varchar(36) not null, `kind` varchar(8) not null, `place` int not null, `definition` text null, `last_at` datetime(3) null, `last_run_id` varchar(36) null, `last_problem` varchar(512) not null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `pipeline_link` add index `pipeline_link_owner_id_index` (`owner_id`)')
    this.addSql('alter table `pipeline_link` add index `pipeline_link_from_id_kind_index` (`from_id`, `kind`)')
    this.addSql('alter table `pipeline_link` add index `pipeline_link_project_id_index` (`project_id`)')
    this.addSql(
      'create table `webhook` (`id` varchar(36) not null, `project_id` varchar(36) not null, `pipeline_id` varchar(36) not null, `definition` text null, `mark` varchar(64) null, `made_by_name` varchar(255) not null, `made_at` datetime(3) null, primary key (`id`)) default character set utf8mb4 collate utf8mb4_bin engine = InnoDB',
    )
    this.addSql('alter table `webhook` add index `webhook_project_id_index` (`project_id`)')
    this.addSql('alter table `webhook` add unique `webhook_pipeline_id_unique` (`pipeline_id`)')
    this.addSql('alter table `run` add `outputs` mediumtext null')
  }
}
