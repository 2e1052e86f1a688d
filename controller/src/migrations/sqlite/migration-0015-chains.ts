import { Migration } from '@mikro-orm/migrations'

export class Chains extends Migration {
  override up(): void {
    this.addSql(
      'create table `chained_run` (`id` text not null primary key, `run_id` text not null, `project_id` text not null, `organization_id` text not null, `run_name` text not null, `step_id` text not null, `ask` mediumtext not null, `todo` text not null, `pipeline_name` text not null, `number` integer not null, `status` integer not null, `outputs` mediumtext null)',
    )
    this.addSql('create index `chained_run_todo_id_index` on `chained_run` (`todo`, `id`)')
    this.addSql('create index `chained_run_project_id_index` on `chained_run` (`project_id`)')
    this.addSql(
      'create table `webhook_delivery` (`id` text not null primary key, `webhook_id` text not null, `pipeline_id` text not null, `project_id` text not null, `received_at` datetime not null, `name` text null, `inputs` mediumtext null, `result` integer not null, `run_id` text null, `problem` text not null)',
    )
    this.addSql('create index `webhook_delivery_result_id_index` on `webhook_delivery` (`result`, `id`)')
    this.addSql('create index `webhook_delivery_project_id_index` on `webhook_delivery` (`project_id`)')
    this.addSql(
      'create unique index `webhook_delivery_webhook_id_name_unique` on `webhook_delivery` (`webhook_id`, `name`)',
    )
    this.addSql(
      'create table `pipeline_link` (`id` text not null primary key, `owner_id` text not null, `project_id` text not null, `from_id` text not null, `to_id` text not null, `kind` text not null, `place` integer not null, `definition` text null, `last_at` datetime null, `last_run_id` text null, `last_problem` text not null)',
    )
    this.addSql('create index `pipeline_link_owner_id_index` on `pipeline_link` (`owner_id`)')
    this.addSql('create index `pipeline_link_from_id_kind_index` on `pipeline_link` (`from_id`, `kind`)')
    this.addSql('create index `pipeline_link_project_id_index` on `pipeline_link` (`project_id`)')
    this.addSql(
      'create table `webhook` (`id` text not null primary key, `project_id` text not null, `pipeline_id` text not null, `definition` text null, `mark` text null, `made_by_name` text not null, `made_at` datetime null)',
    )
    this.addSql('create index `webhook_project_id_index` on `webhook` (`project_id`)')
    this.addSql('create unique index `webhook_pipeline_id_unique` on `webhook` (`pipeline_id`)')
    this.addSql('alter table `run` add column `outputs` mediumtext null')
  }
}
