// What became of a proposal at the server, of which nobody tells the controller.
import { ProposalState, ProposalWay } from '@ansflow/proto/gen/ansflow/v1/proposals_pb'
import { afterEach, expect, test, vi } from 'vitest'
import type { ForgeWorld } from '../../../test/forge-world.ts'
import { changed, startProposals } from '../../../test/proposal-world.ts'
import { waitFor } from '../../../test/wait-for.ts'
import { manualClock } from '../../platform/clock.ts'
import { readAllowed } from '../../platform/outbound-rules.ts'

vi.setConfig({ testTimeout: 60_000 })

let world: ForgeWorld
let ticking: NodeJS.Timeout
afterEach(() => {
  clearInterval(ticking)
  return world?.[Symbol.asyncDispose]()
})

test('a proposal is settled though no forge and no other controller says that it was merged', async () => {
  const clock = manualClock(new Date())
  const started = await startProposals({
    controller: { overrides: { clock }, config: { outboundAllowed: readAllowed('127.0.0.1') } },
  })
  world = started.world
  const { proposals, edit, asked, newest } = started
  await edit(changed)
  const { proposal } = await proposals.proposePipeline({ ...asked, way: ProposalWay.BRANCH })
  world.origin.git('fetch', '--quiet')
  world.origin.git('push', '--quiet', 'origin', `origin/${proposal!.branch}:main`)
  expect((await newest()).state).toBe(ProposalState.OPEN)
  ticking = setInterval(() => clock.advance(5000), 20)
  await waitFor(async () => (await newest()).state === ProposalState.MERGED, 30_000)
})
