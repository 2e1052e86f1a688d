import { Migration } from '@mikro-orm/migrations'

export class TokenTree extends Migration {
  override up(): void {
    this.addSql('alter table `invitation` add column `api_token_id` text null')
    this.addSql('create index `invitation_api_token_id_index` on `invitation` (`api_token_id`)')
    this.addSql('alter table `registration_token` add column `api_token_id` text null')
    this.addSql('create index `registration_token_api_token_id_index` on `registration_token` (`api_token_id`)')
    this.addSql(
      'alter table `api_token` add column `parent_id` text null constraint `api_token_parent_id_foreign` references `api_token` (`id`) on delete cascade',
    )
    this.addSql(
      'alter table `api_token` add column `session_id` text null constraint `api_token_session_id_foreign` references `session` (`id`) on delete set null',
    )
    this.addSql('create index `api_token_parent_id_index` on `api_token` (`parent_id`)')
    this.addSql('create index `api_token_session_id_index` on `api_token` (`session_id`)')
  }
}
