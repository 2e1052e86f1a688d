import { Migration } from '@mikro-orm/migrations'

export class StepPhase extends Migration {
  override up(): void {
    this.addSql("alter table `run_step` add `phase` varchar(16) not null default 'ended', add `awaits` text null")
    // What was still blocked has no row; what waited, waited for a retry's delay, and the rest had a job.
    this.addSql("update `run_step` set `phase` = case `status` when 1 then 'delayed' else 'job' end where `status` < 5")
  }
}
