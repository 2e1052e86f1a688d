// What a draft was made of is written down once the draft holds it: whoever dies in between, or takes a further push meanwhile, leaves
// nothing that a proposal would take back.
import { ProposalWay } from '@ansflow/proto/gen/ansflow/v1/proposals_pb'
import { afterEach, expect, test, vi } from 'vitest'
import type { ForgeWorld } from '../../../test/forge-world.ts'
import { changed, file, path, startProposals } from '../../../test/proposal-world.ts'
import { waitFor } from '../../../test/wait-for.ts'
import { createLog } from '../../platform/log.ts'
import type { StatementTap } from '../../platform/statement-tap.ts'
import { PipelineEntity } from '../pipelines/index.ts'

// There and back several times, beside whatever else the machine does.
vi.setConfig({ testTimeout: 90_000 })

const { PULL_REQUEST, BRANCH, COMMIT } = ProposalWay
const quiet = (text: string) => text.replace('"true" }', '"true", timeout: 5m }')
const mine = (text: string) => text.replace('run: make', 'run: make -j2')
const also = (text: string) => `${text}  three:\n    run: "false"\n`

/** How often from now on a draft cannot be written. */
let failures = 0
const tap: StatementTap = async (sql, run) => {
  if (failures === 0 || !/^insert into .collab_update/.test(sql)) return run()
  failures -= 1
  throw new Error('injected')
}

let world: ForgeWorld
afterEach(() => {
  failures = 0
  return world?.[Symbol.asyncDispose]()
})

async function start() {
  const started = await startProposals({ controller: { overrides: { statementTap: tap, log: createLog('silent') } } })
  world = started.world
  const { refresh, pipelineId } = started
  const em = () => world.controller.db.em()
  return {
    ...started,
    /** On the default branch, and taken from there. */
    async push(text: string) {
      const commit = world.commit(path, text)
      await refresh()
      await waitFor(async () => (await world.repository()).headCommit === commit, 20_000)
    },
    row: async () => (await em().findOne(PipelineEntity, { id: pipelineId }))!,
    /** As it is left by whoever dies there. */
    leave: (row: { draftBase: number } | { draftHash: string }) =>
      em().nativeUpdate(PipelineEntity, { id: pipelineId }, row),
  }
}

test('what others have changed is taken back by nobody who proposes again, where the draft did not come to hold it', async () => {
  const { proposals, edit, draft, asked, show, pipelineId } = await start()
  await edit(changed)
  world.commit(path, quiet(file))
  failures = 1
  await expect(proposals.proposePipeline({ ...asked, way: BRANCH })).rejects.toThrow()
  expect(failures).toBe(0)
  expect(await draft()).toBe(changed)
  const both = mine(quiet(file))
  expect((await proposals.explainProposal({ pipelineId })).yamlAfter).toBe(both)
  await proposals.proposePipeline({ ...asked, way: COMMIT })
  world.origin.git('fetch', '--quiet')
  expect(`${show(`origin/main:${path}`)}\n`).toBe(both)
  expect(await draft()).toBe(both)
})

test('what was pushed and taken while somebody proposed is taken back by nobody', async () => {
  const { proposals, edit, draft, asked, pipelineId, push } = await start()
  await edit(changed)
  await push(quiet(file))
  let pushed: Promise<void> | undefined
  world.forge.meanwhile = async (request) => {
    if (!request.path.endsWith('/pulls')) return
    pushed ??= push(also(quiet(file)))
    await pushed.catch(() => undefined)
  }
  await proposals.proposePipeline({ ...asked, way: PULL_REQUEST })
  expect(pushed).toBeDefined()
  await pushed
  expect(await draft()).toBe(mine(quiet(file)))
  const { yamlAfter, conflicts } = await proposals.explainProposal({ pipelineId })
  expect({ yamlAfter, conflicts }).toEqual({ yamlAfter: mine(also(quiet(file))), conflicts: [] })
})

test('what others have changed comes into the draft once, though two propose at once', async () => {
  const { proposals, edit, draft, asked, find, row } = await start()
  await edit(changed)
  world.commit(path, also(quiet(file)))
  const reached = Promise.withResolvers<void>()
  let waiting = 0
  world.forge.meanwhile = async (request) => {
    if (!request.path.endsWith('/pulls')) return
    waiting += 1
    if (waiting === 2) reached.resolve()
    await reached.promise
  }
  const first = proposals.proposePipeline({ ...asked, way: PULL_REQUEST })
  await waitFor(() => waiting === 1, 20_000)
  const second = proposals.proposePipeline({ ...asked, way: PULL_REQUEST })
  await Promise.all([first, second])
  expect(await draft()).toBe(mine(also(quiet(file))))
  expect((await row()).draftBase).toBe((await find()).latestVersion)
})

test('what was typed where the file has changed stays, is said, and the file is taken back by nobody', async () => {
  const { proposals, edit, draft, asked, row, pipelineId } = await start()
  await edit(changed)
  world.commit(path, also(quiet(file)))
  const slow = (text: string) => text.replace('"true" }', '"true", timeout: 9m }')
  let typed: Promise<unknown> | undefined
  world.forge.meanwhile = async (request) => {
    if (!request.path.endsWith('/pulls')) return
    typed ??= edit(slow(changed))
    await typed
  }
  await proposals.proposePipeline({ ...asked, way: PULL_REQUEST })
  expect(await draft()).toBe(mine(also(slow(file))))
  expect((await row()).draftBase).toBe(1)
  expect((await proposals.explainProposal({ pipelineId })).conflicts).toEqual(['one.timeout'])
})

test('a draft follows its file again after a controller has died before it did', async () => {
  const { draft, find, push, row } = await start()
  failures = 1
  await push(quiet(file))
  expect((await row()).draftBase).toBe(2)
  expect(failures).toBe(0)
  expect(await draft()).toBe(quiet(file))
  expect(await find()).toMatchObject({ latestVersion: 2, draftChanged: false })
})

test('a draft that has followed its file holds it, also where nobody came to write that down', async () => {
  const { proposals, draft, edit, pipelineId, push, row, leave } = await start()
  await push(quiet(file))
  expect((await row()).draftBase).toBe(2)
  await leave({ draftBase: 1 })
  await push(also(quiet(file)))
  expect((await row()).draftBase).toBe(3)
  expect(await draft()).toBe(also(quiet(file)))

  // Somebody has worked on it since, and what it holds is taken out of the file.
  await leave({ draftBase: 1 })
  await edit(mine(also(quiet(file))))
  await push(also(file))
  expect((await row()).draftBase).toBe(3)
  expect((await proposals.explainProposal({ pipelineId })).yamlAfter).toBe(mine(also(file)))
})

test('what was typed a moment before a push stays in the draft', async () => {
  const { proposals, draft, edit, pipelineId, push, row, leave } = await start()
  const { draftHash } = await row()
  await edit(changed)
  // The row is told of it half a second later.
  await leave({ draftHash })
  await push(quiet(file))
  expect(await draft()).toBe(changed)
  expect((await proposals.explainProposal({ pipelineId })).yamlAfter).toBe(mine(quiet(file)))
})
