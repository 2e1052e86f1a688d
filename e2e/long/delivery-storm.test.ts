// A thousand deliveries within ten seconds on two controllers, of which one is killed in the middle, or stands still for a while.
import { expect, test } from 'vitest'
import { startCluster } from '../setup/cluster.ts'
import { expectNothingLost, type Storm } from '../setup/storm.ts'

const storm: Omit<Storm, 'outage'> = { deliveries: 1000, perSecond: 100, repositories: 10 }

test.each(['kill', 'pause'] as const)(
  'nothing that was answered is lost or done twice: %s',
  async (outage) => {
    await using cluster = await startCluster({ slots: 0, env: { ANSFLOW_OUTBOUND_ALLOW: '127.0.0.1' } })
    await expectNothingLost(cluster, { ...storm, outage }, expect)
  },
  600_000,
)
