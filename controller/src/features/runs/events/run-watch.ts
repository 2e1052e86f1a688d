// Waking whoever waits for a run to change.
import type { Bus } from '../../../platform/bus.ts'
import type { Clock } from '../../../platform/clock.ts'
import type { Db } from '../../../platform/db.ts'
import type { Logger } from '../../../platform/log.ts'
import { createWatch, type Watch } from '../../../platform/watch.ts'

export function createRunWatch({ db, bus, clock, log }: { db: Db; bus: Bus; clock: Clock; log: Logger }): Watch {
  return createWatch({
    bus,
    clock,
    log,
    subject: 'run.changed',
    keyOf: ({ runId }) => runId,
    versionOf: ({ seq }) => seq,
    async readVersions(keys) {
      const rows = await db
        .kysely<{ run: { id: string; seq: number } }>()
        .selectFrom('run')
        .select(['id', 'seq'])
        .where('id', 'in', keys)
        .execute()
      return new Map(rows.map(({ id, seq }) => [id, seq]))
    },
  })
}
