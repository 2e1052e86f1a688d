import { Outcome } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { AgentService } from '@ansflow/proto/gen/ansflow/v1/agents_pb'
import { ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import { TestResult } from '@ansflow/proto/gen/ansflow/v1/reports_pb'
import { CommentPolicy, PullRequestState } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import { expect, test } from 'vitest'
import { commit, StatusWorld } from '../../../test/status-world.ts'
import { waitFor } from '../../../test/wait-for.ts'
import { uuidv7 } from '../../platform/ids.ts'
import { registerFakeAgent } from '../agents/test/fake-agent.ts'
import { reportsOf } from '../reports/test/packed-tests.ts'
import { createPullRequests } from '../repositories/pull-requests.ts'
import { PullRequestEntity } from '../repositories/repository.entity.ts'
import { CommitStatusEntity } from './commit-status.entity.ts'
import { forgetTold } from './forget-told.ts'

const { OFF, ON_FAILURE, ALWAYS } = CommentPolicy
/** One that shows statuses too, and one that shows none: what is asked of each is tried at its client. */
const kinds = [ForgeKind.GITHUB, ForgeKind.GITEE]

test.each(kinds)(
  'a pull request has one comment, which follows the runs of its newest commit (kind %i)',
  async (kind) => {
    await using w = await StatusWorld.start(kind)
    await w.openPull(ALWAYS)
    const runId = await w.startRun()
    await waitFor(() => w.forge.comments.length === 1)
    const [comment] = w.forge.comments
    expect(comment!.body).toContain(`**AnsFlow**: 1 running at \`${commit.slice(0, 7)}\``)
    expect(comment!.body).toContain(`| [\`build\`](${w.c.url}/runs/${runId}) | 🔵 running |`)
    await w.runs.cancelRun({ runId })
    await waitFor(() => /⚪ canceled \| \d+ s \|/.test(comment!.body))
    await w.startRun(await w.keep('name: other\nsteps:\n  one: { run: "true" }\n'))
    await waitFor(() => comment!.body.includes('**AnsFlow**: 1 running, 1 canceled at'))
    expect(w.forge.comments).toHaveLength(1)
    await reportTests(w)
    await waitFor(() => comment!.body.includes('**AnsFlow**: 1 failed, 1 canceled at'))
    expect(comment!.body).toMatch(
      /\*\*\[Tests\]\(.*view=tests\) of\*\* `other`: 1 failed, 1 passed\n\n- `cart › adds`: `no`\n\n\*\*Coverage of\*\* `other`: 75.0 % of lines\n/,
    )
    expect(w.forge.comments).toHaveLength(1)
  },
)

/** By an agent, which has the one job that waits. */
async function reportTests({ c, owner }: StatusWorld): Promise<void> {
  const { organizationId } = c.owner
  const agents = owner.client(AgentService)
  const { token } = await agents.createRegistrationToken({ organizationId })
  const agent = await registerFakeAgent(c.grpcAddress, token, 'reports')
  await agents.setAgentTrust({ agentId: agent.id, takesUntrusted: true })
  const control = agent.control()
  await control.hello()
  const { job } = await control.take()
  const cases = [{ name: 'adds', suite: 'cart', result: TestResult.FAILED, message: 'no' }, { name: 'removes' }]
  const reports = { ...reportsOf(cases), coverage: { lines: 4, linesHit: 3 } }
  control.say({ case: 'finished', value: { job, outcome: Outcome.FAILED, exitCode: 1, reports } })
  await control.hear('finishedAck')
  agent.close()
}

test('it is made by a failure, or never, where that is set', async () => {
  await using w = await StatusWorld.start(ForgeKind.GITHUB)
  await w.openPull(ON_FAILURE)
  const runId = await w.startRun()
  await w.runs.cancelRun({ runId })
  await waitFor(() => w.forge.statuses.some(({ description }) => description.startsWith('#1 canceled')))
  expect(await w.c.db.em().count(CommitStatusEntity, { pullRequest: 7 })).toBe(0)
  const broken = await w
    .keep('name: broken\nsteps:\n  one: { uses: fail_me, run: "true", when: "${{ 1 / 0 == 1 }}" }\n')
    .catch(() => w.keep('name: broken\nsteps:\n  one: { run: "true", when: "${{ 1 / 0 == 1 }}" }\n'))
  await w.startRun(broken)
  await waitFor(() => w.forge.comments.length === 1)
  expect(w.forge.comments[0]!.body).toMatch(/\| \[`broken`\].*🔴 failed \|.*\[`one`\]\(/)
  expect(w.forge.comments[0]!.body).toContain('`build`')
})

test('one whose answer was lost is found by its mark, and no second one is made', async () => {
  await using w = await StatusWorld.start(ForgeKind.GITEA)
  await w.openPull(ALWAYS)
  // The statuses are told before.
  const runId = await w.startRun()
  await waitFor(() => w.forge.statuses.length === 1)
  w.forge.fault = 'unheard'
  await waitFor(() => w.forge.comments.length > 0)
  w.forge.fault = undefined
  await w.runs.cancelRun({ runId })
  await waitFor(() => w.forge.comments[0]!.body.includes('canceled'))
  expect(w.forge.comments).toHaveLength(1)
  const [row] = await w.c.db.em().find(CommitStatusEntity, { pullRequest: 7 })
  await waitFor(async () => (await w.c.db.em().findOne(CommitStatusEntity, { id: row!.id }))?.commentId !== '')
})

test('who died over it leaves it to others, and nobody else takes it before', async () => {
  await using w = await StatusWorld.start(ForgeKind.GITHUB)
  await w.openPull(ALWAYS)
  const em = () => w.c.db.em()
  const runId = await w.startRun()
  await waitFor(() => w.forge.comments.length === 1)
  const [row] = await em().find(CommitStatusEntity, { pullRequest: 7 })
  await waitFor(async () => (await em().findOne(CommitStatusEntity, { id: row!.id }))?.nextAt === null)
  const { body } = w.forge.comments[0]!
  await em().nativeUpdate(CommitStatusEntity, { id: row!.id }, { heldUntil: new Date(Date.now() + 3_600_000) })
  await w.runs.cancelRun({ runId })
  await waitFor(() => w.forge.statuses.some(({ description }) => description.startsWith('#1 canceled')))
  await waitFor(
    async () => ((await em().findOne(CommitStatusEntity, { id: row!.id }))?.nextAt ?? Infinity) < new Date(),
  )
  expect(w.forge.comments[0]!.body).toBe(body)
  await em().nativeUpdate(CommitStatusEntity, { id: row!.id }, { heldUntil: new Date(Date.now() - 1), commentId: '' })
  await waitFor(() => w.forge.comments[0]!.body.includes('canceled'))
  expect(w.forge.comments).toHaveLength(1)
})

test('the comment on a pull request that is open goes on, and nothing is missing in it, however old they are', async () => {
  await using w = await StatusWorld.start(ForgeKind.GITHUB)
  const em = () => w.c.db.em()
  const count = (where: object) => em().count(CommitStatusEntity, where)
  await w.openPull(ON_FAILURE)
  await w.startRun(await w.keep('name: broken\nsteps:\n  one: { run: "true", when: "${{ 1 / 0 == 1 }}" }\n'))
  await waitFor(() => w.forge.comments[0]?.body.includes('1 failed at'))

  const pullRequests = createPullRequests(w.c)
  const passing = async () => {
    await waitFor(async () => (await count({ nextAt: { $ne: null } })) === 0)
    await em().nativeUpdate(CommitStatusEntity, {}, { createdAt: new Date(Date.now() - 31 * 24 * 3_600_000) })
    await forgetTold({ ...w.c, pullRequests })
  }
  const [known] = await em().find(CommitStatusEntity, { pullRequest: 0 })
  await em().insert(CommitStatusEntity, { ...known!, id: uuidv7(), commit: 'e'.repeat(40), nextAt: null })
  await passing()
  expect(await count({ commit: 'e'.repeat(40) })).toBe(0)
  await w.startRun()
  await waitFor(() => w.forge.comments[0]!.body.includes('1 failed, 1 running at'))
  expect(w.forge.comments).toHaveLength(1)

  await em().nativeUpdate(PullRequestEntity, { number: 7 }, { state: PullRequestState.MERGED })
  await passing()
  expect(await count({})).toBe(0)
})

test('what is off says nothing any more', async () => {
  await using w = await StatusWorld.start(ForgeKind.GITEE)
  expect((await w.repository()).comments).toBe(ON_FAILURE)
  await w.openPull(OFF)
  const runId = await w.startRun()
  await w.runs.cancelRun({ runId })
  await waitFor(async () => (await w.runs.getRun({ runId })).run!.finishedAt !== undefined)
  expect(await w.c.db.em().count(CommitStatusEntity, { pullRequest: 7 })).toBe(0)
  expect(w.forge.comments).toEqual([])
})
