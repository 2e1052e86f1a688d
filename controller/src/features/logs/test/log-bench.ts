// A database with the two tables that logs need, and their writer, for tests.
import { type Bus, memoryBus } from '../../../platform/bus.ts'
import { systemClock } from '../../../platform/clock.ts'
import { type Db, memoryFile, openDb } from '../../../platform/db.ts'
import { createLog } from '../../../platform/log.ts'
import type { StatementTap } from '../../../platform/statement-tap.ts'
import { LogChunkEntity } from '../log-chunk.entity.ts'
import { createLogWriter, type LogWriter } from '../log-writer.ts'
import { createRecentBytes, type RecentBytes } from '../recent-bytes.ts'
import { Sender, type SenderOptions } from './sender.ts'

export class LogBench implements AsyncDisposable {
  readonly log = createLog('silent')
  readonly db: Db
  readonly bus: Bus
  readonly recent: RecentBytes
  readonly writer: LogWriter

  private constructor(db: Db) {
    this.db = db
    this.bus = memoryBus(this.log)
    this.recent = createRecentBytes(this.bus)
    this.writer = createLogWriter({ ...this, clock: systemClock })
  }

  static async open(tap?: StatementTap): Promise<LogBench> {
    const db = await openDb({ kind: 'sqlite', file: memoryFile }, [LogChunkEntity], tap)
    await db.orm.schema.create()
    await db.orm.em.getConnection().execute(
      `create table job (id text primary key, run_id text, step_id text, attempt int, agent_id text, status int default 0, finished_at int, epoch int,
        log_size int default 0, log_complete int default 0, secrets varchar(1000) default '["A"]')`,
    )
    return new LogBench(db)
  }

  async addJob(id: string, agentId = 'agent-1', epoch = 1): Promise<void> {
    const row = [id, 'run-1', 'build', 1, agentId, epoch]
    const words = 'insert into job (id, run_id, step_id, attempt, agent_id, epoch) values (?, ?, ?, ?, ?, ?)'
    await this.db.orm.em.getConnection().execute(words, row)
  }

  sender(options?: SenderOptions): Sender {
    return new Sender(this, options)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.writer.stop()
    await this.bus.close()
    await this.db.close()
  }
}
