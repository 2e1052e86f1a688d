// Deliveries come to two controllers while one of them is killed: each that was answered starts its run, once.
import { expect, test } from 'vitest'
import { startCluster } from '../setup/cluster.ts'
import { expectNothingLost, type Storm } from '../setup/storm.ts'

const storm: Storm = { deliveries: 200, perSecond: 100, repositories: 4, outage: 'kill' }

test('nothing that was answered is lost or done twice when a controller is killed among deliveries', async () => {
  await using cluster = await startCluster({ slots: 0, env: { ANSFLOW_OUTBOUND_ALLOW: '127.0.0.1' } })
  await expectNothingLost(cluster, storm, expect)
}, 240_000)
