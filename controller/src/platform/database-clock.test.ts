import { expect, test } from 'vitest'
import { testDatabase } from '../../test/start-controller.ts'
import { type Clock, systemClock } from './clock.ts'
import { databaseClock } from './database-clock.ts'
import { openDb } from './db.ts'
import { createLog } from './log.ts'

const minutes = 60_000

function wrongHost(aheadMs: number): Clock {
  return { ...systemClock, now: () => new Date(Date.now() + aheadMs) }
}

test('controllers on hosts whose clocks are minutes apart have one time', async () => {
  const db = await openDb(testDatabase(), [])
  const log = createLog('silent')
  const [ahead, behind] = [wrongHost(3 * minutes), wrongHost(-3 * minutes)]
  const clocks = [await databaseClock(db, ahead, log), await databaseClock(db, behind, log)] as const
  try {
    const apart = () => Math.abs(clocks[0].now().getTime() - clocks[1].now().getTime())
    if (db.dialect === 'sqlite') {
      // One file serves one controller: its host's time is the only one.
      expect(Math.round(apart() / minutes)).toBe(6)
      return
    }
    expect(apart()).toBeLessThan(1000)
    expect(Math.abs(clocks[0].now().getTime() - Date.now())).toBeLessThan(2000)
  } finally {
    for (const clock of clocks) clock.stop()
    if (db.dialect === 'mysql') await db.orm.schema.dropDatabase()
    await db.close()
  }
})
