// The thread of wal-checkpoint.ts.
import { DatabaseSync } from 'node:sqlite'
import { workerData } from 'node:worker_threads'

const db = new DatabaseSync(workerData as string)
// As far as nobody has to wait for it.
db.prepare('pragma wal_checkpoint(passive)').all()
db.close()
