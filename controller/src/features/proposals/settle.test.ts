// What became of the open proposals of one repository, however many they are.
import { ProposalState, ProposalWay } from '@ansflow/proto/gen/ansflow/v1/proposals_pb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startController, type TestController } from '../../../test/start-controller.ts'
import { waitFor } from '../../../test/wait-for.ts'
import { GitError, type GitMirror } from '../../platform/git/git.ts'
import { uuidv7 } from '../../platform/ids.ts'
import { ProposalEntity, type ProposalRow } from './proposal.entity.ts'
import { settleProposals } from './settle.ts'

let c: TestController
beforeAll(async () => {
  c = await startController()
})
afterAll(() => c[Symbol.asyncDispose]())

const count = 250
const merged = (n: number) => n >= 120
const unreadable = 3
const repositoryId = uuidv7()

function rowOf(n: number): ProposalRow {
  const now = c.clock.now()
  const id = uuidv7()
  return {
    ...{ id, projectId: repositoryId, pipelineId: id, openOf: id, repositoryId, path: `${n}.yaml`, commit: `c${n}` },
    ...{ way: ProposalWay.BRANCH, state: ProposalState.OPEN, title: '', branch: '', number: 0, url: '', problem: '' },
    ...{ proposedByName: '', createdAt: now, updatedAt: now },
  }
}

/** Of a repository whose default branch has come to hold what some have proposed, with a file that cannot be read. */
const mirror = {
  commit: async (name: string) => ({ id: name }),
  mergeBase: async (commit: string) => (merged(Number(commit.slice(1))) ? commit : 'older'),
  async file(commit: string, path: string) {
    if (path === `${unreadable}.yaml`) throw new GitError('too_large', 'The file is too large.')
    return commit
  },
} as unknown as GitMirror

test('those of a repository are settled, also behind a hundred that stay open and one that cannot be read', async () => {
  const rows = Array.from({ length: count }, (_, n) => rowOf(n))
  await c.db.em().insertMany(ProposalEntity, rows)
  const told: string[] = []
  const stop = c.bus.subscribe('proposals.changed', ({ pipelineId }) => told.push(pipelineId))
  const repositories = {
    find: async () => ({ id: repositoryId, defaultBranch: 'main' }),
    mirrorOf: () => mirror,
  } as unknown as Parameters<typeof settleProposals>[0]['repositories']
  const pullRequests = {} as Parameters<typeof settleProposals>[0]['pullRequests']
  const settling = settleProposals({ db: c.db, bus: c.bus, repositories, pullRequests }, repositoryId)
  await expect(settling).rejects.toThrow('The file is too large.')
  const settled = rows.filter((_, n) => merged(n)).map(({ id }) => id)
  const done = await c.db.em().find(ProposalEntity, { state: ProposalState.MERGED, openOf: null })
  expect(done.map(({ id }) => id).sort()).toEqual(settled)
  expect(await c.db.em().count(ProposalEntity, { state: ProposalState.OPEN })).toBe(count - settled.length)
  await waitFor(() => told.length >= settled.length)
  stop()
  expect(told.sort()).toEqual(settled)
})
