import { Migration } from '@mikro-orm/migrations'

export class TokenTree extends Migration {
  override up(): void {
    this.addSql('alter table `invitation` add `api_token_id` varchar(36) null')
    this.addSql('alter table `invitation` add index `invitation_api_token_id_index` (`api_token_id`)')
    this.addSql('alter table `registration_token` add `api_token_id` varchar(36) null')
    this.addSql('alter table `registration_token` add index `registration_token_api_token_id_index` (`api_token_id`)')
    this.addSql('alter table `api_token` add `parent_id` varchar(36) null, add `session_id` varchar(36) null')
    this.addSql(
      'alter table `api_token` add constraint `api_token_parent_id_foreign` foreign key (`parent_id`) references `api_token` (`id`) on delete cascade',
    )
    this.addSql(
      'alter table `api_token` add constraint `api_token_session_id_foreign` foreign key (`session_id`) references `session` (`id`) on delete set null',
    )
    this.addSql('alter table `api_token` add index `api_token_parent_id_index` (`parent_id`)')
    this.addSql('alter table `api_token` add index `api_token_session_id_index` (`session_id`)')
  }
}
