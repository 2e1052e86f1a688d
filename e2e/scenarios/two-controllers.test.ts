// A group of runs and a lock of steps on two controllers: the one that has seen to who holds them is killed, and the other hands on.
import { RunStatus } from '@ansflow/proto/status'
import { timestampMs } from '@bufbuild/protobuf/wkt'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Cluster, startCluster } from '../setup/cluster.ts'

let cluster: Cluster
beforeAll(async () => {
  cluster = await startCluster()
}, 60_000)
afterAll(() => cluster?.[Symbol.asyncDispose]())

const pause = 'uses: wait, with: { duration: 3s }'

test.each([
  ['a group', `name: queue\nconcurrency: 1\nsteps:\n  a: { ${pause} }\n`],
  ['a lock', 'name: lock\nsteps:\n  a: { run: sleep 1, locks: [one], timeout: 1m, onLost: retry }\n'],
])(
  '%s is held by one after the other when the controller that began them is killed',
  { timeout: 120_000 },
  async (_, yaml) => {
    const { first, second } = cluster
    const { pipelineId } = await first.pipeline(yaml)
    const ids = [await first.start(pipelineId), await first.start(pipelineId), await first.start(pipelineId)]
    await first.killController()
    if (yaml.includes('run:')) await first.startController()
    const runs = []
    for (const id of ids) runs.push(await second.ended(id))
    expect(runs.map(({ status }) => RunStatus[status])).toEqual(['SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED'])
    const times = runs.map(({ steps }) => [steps[0]!.startedAt!, steps[0]!.finishedAt!].map((at) => timestampMs(at)))
    for (const [n, [begun]] of times.entries()) if (n > 0) expect(begun).toBeGreaterThanOrEqual(times[n - 1]![1]!)
    if (!yaml.includes('run:')) await first.startController()
  },
)
