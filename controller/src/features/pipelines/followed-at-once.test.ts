// Two controllers that let the draft of one pipeline follow its file at the same moment.
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { ForgeWorld } from '../../../test/forge-world.ts'
import { changed, path, startProposals } from '../../../test/proposal-world.ts'
import type { Workers } from '../../platform/workers.ts'
import type { CallContext } from '../../transport/call.ts'
import { Rooms } from '../collab/rooms.ts'
import { oneAtATime } from './one-at-a-time.ts'
import { PipelineEntity } from './pipeline.entity.ts'
import { type StillHead, takeFile } from './take-file.ts'

vi.setConfig({ testTimeout: 90_000 })

const later = changed.replace('make -j2', 'make -j2 all')

let world: ForgeWorld
let pipelineId = ''
const all: Rooms[] = []
beforeEach(async () => {
  ;({ world, pipelineId } = await startProposals())
}, 60_000)
afterEach(async () => {
  for (const rooms of all.splice(0)) await rooms.stop()
  await world[Symbol.asyncDispose]()
})

/** One more on the same database. `answered`: what a thread has found out waits for it. */
function anotherController(answered: (name: string) => Promise<void> = async () => undefined) {
  const { db, bus, clock, controller, owner } = world.controller
  const workers = {
    ...controller.workers,
    run: async (...asked: Parameters<Workers['run']>) => {
      const answer = await controller.workers.run(...asked)
      await answered(asked[1])
      return answer
    },
  } as Workers
  const rooms = new Rooms({ db, bus, clock, log: controller.log, workers })
  all.push(rooms)
  const change: CallContext['change'] = async (work) => (await db.transaction(work)).result
  const deps = { db, drafts: rooms, workers, participants: [], inOrder: oneAtATime() }
  return (yaml: string, stillHead: StillHead = (versions) => versions()) =>
    takeFile(deps, {
      scope: { organizationId: owner.organizationId, projectId: world.projectId },
      file: { repositoryId: world.repositoryId, path },
      yaml,
      files: { read: async () => undefined, list: async () => [] },
      note: '',
      author: 'acme/shop',
      isHead: true,
      stillHead,
      ofStrangers: false,
      change,
      now: clock.now(),
    })
}

/** Holds the first that comes to `name`. */
function gateAt(name: string) {
  const reached = Promise.withResolvers<void>()
  const go = Promise.withResolvers<void>()
  const answered = async (task: string) => {
    if (task !== name) return
    reached.resolve()
    await go.promise
  }
  return { answered, reached: reached.promise, go: () => go.resolve() }
}

async function draft() {
  const { yaml } = await world.owner.client(PipelineService).getPipeline({ pipelineId })
  const row = (await world.controller.db.em().findOne(PipelineEntity, { id: pipelineId }))!
  return { yaml, draftBase: row.draftBase, latestVersion: row.latestVersion }
}

test('what two of them change in the draft is there once', async () => {
  const [first, second] = [gateAt('followDraft'), gateAt('followDraft')]
  const taken = [anotherController(first.answered)(changed)]
  await first.reached
  taken.push(anotherController(second.answered)(changed))
  await second.reached
  first.go()
  second.go()
  await Promise.all(taken)
  expect(await draft()).toEqual({ yaml: changed, draftBase: 2, latestVersion: 2 })
})

test('whoever has followed one version goes on to the next, which found the draft between the two', async () => {
  const { answered: asks, reached: asked, go: goOn } = gateAt('head')
  const last = anotherController()(later, async (versions) => {
    await asks('head')
    return versions()
  })
  await asked
  // The change is in the draft, and not yet written down.
  const held = gateAt('nameDraft')
  const first = anotherController(held.answered)(changed)
  await held.reached
  goOn()
  await last
  held.go()
  await first
  expect(await draft()).toEqual({ yaml: later, draftBase: 3, latestVersion: 3 })
})
