// What proposing needs of others.
import type { Bus } from '../../platform/bus.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/db.ts'
import type { Proposing, TakeFile, TakenFile } from '../pipelines/index.ts'
import type { PullRequests, Repositories } from '../repositories/index.ts'

export interface ProposeDeps {
  db: Db
  bus: Bus
  clock: Clock
  repositories: Repositories
  pullRequests: PullRequests
  proposing: Proposing
  takeFile(asked: TakeFile): Promise<TakenFile>
  publicUrl(): string
}
