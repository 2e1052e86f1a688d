// A draft goes into a repository that a real git server has and that a forge knows, and comes back by what is merged there.
import { Role } from '@ansflow/proto/gen/ansflow/v1/access_pb'
import { AuditService } from '@ansflow/proto/gen/ansflow/v1/audit_pb'
import { ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import { Severity } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import { ProposalChoice, ProposalService, ProposalState, ProposalWay } from '@ansflow/proto/gen/ansflow/v1/proposals_pb'
import { afterEach, expect, test, vi } from 'vitest'
import type { ForgeWorld, ForgeWorldOptions } from '../../../test/forge-world.ts'
import { LiveClient } from '../../../test/live-client.ts'
import { changed, file, path, startProposals } from '../../../test/proposal-world.ts'
import { waitFor } from '../../../test/wait-for.ts'
import { ProposalEntity } from './proposal.entity.ts'

// There and back several times, beside whatever else the machine does.
vi.setConfig({ testTimeout: 90_000 })

let world: ForgeWorld
afterEach(() => world?.[Symbol.asyncDispose]())

async function start(options: Partial<ForgeWorldOptions> = {}) {
  const started = await startProposals(options)
  world = started.world
  return started
}

const { PULL_REQUEST, BRANCH, COMMIT } = ProposalWay

test('a draft is proposed, updated, merged, and clean again', async () => {
  const { proposals, pipelines, find, pipelineId, edit, draft, newest, asked, show, refresh } = await start({
    kind: ForgeKind.GITLAB,
  })
  await edit(changed)
  const live = await LiveClient.open(world.controller.url, world.controller.owner.token)
  expect((await live.subscribe(`project/${world.projectId}/proposals`)).kind.case).toBe('subscribed')
  const told = () => live.responses.filter(({ kind }) => kind.case === 'resync').length
  const before = await proposals.explainProposal({ pipelineId })
  expect(before).toMatchObject({ path, defaultBranch: 'main', yamlBefore: file, yamlAfter: changed, conflicts: [] })
  expect(before.ways).toEqual([PULL_REQUEST, BRANCH, COMMIT])
  expect([before.before?.steps.length, before.after?.steps.length, before.fileMoved]).toEqual([2, 2, false])
  const { proposal } = await proposals.proposePipeline({ ...asked, way: PULL_REQUEST, expectedHash: before.hash })
  const audit = await world.owner
    .client(AuditService)
    .listAuditEvents({ organizationId: world.controller.owner.organizationId })
  expect(audit.events.filter(({ action }) => action.startsWith('ProposalService'))).toMatchObject([
    { action: 'ProposalService/ProposePipeline', resource: { name: 'build' } },
  ])
  await live.until(() => told() > 0 || undefined)
  const [request] = world.forge.pulls
  expect(proposal).toMatchObject({ state: ProposalState.OPEN, number: request!.number, problem: '', path })
  expect(proposal!.url).toContain(world.forge.url)
  expect(request).toMatchObject({ head: proposal!.branch, base: 'main', title: 'Make it quicker' })
  expect(request!.body).toContain(
    'Because **of that**.\n\n**Steps changed**\n\n- `two`\n  - `with.script`: `make` → `make -j2`',
  )
  world.origin.git('fetch', '--quiet')
  const branch = `origin/${proposal!.branch}`
  expect(`${show(`${branch}:${path}`)}\n`).toBe(changed)
  const { owner } = world.controller
  expect(world.origin.git('log', '-1', '--format=%s|%an <%ae>|%cn', branch)).toBe(
    `Make it quicker|${owner.email.split('@')[0]} <${owner.email}>|AnsFlow`,
  )
  // Once more goes to the same branch and the same request.
  await edit(changed.replace('-j2', '-j4'))
  const again = await proposals.proposePipeline({ ...asked, title: 'Quicker still', way: PULL_REQUEST })
  expect(again.proposal).toMatchObject({ id: proposal!.id, branch: proposal!.branch, number: request!.number })
  expect(world.forge.pulls).toMatchObject([{ title: 'Quicker still' }])
  const open = async () => (await proposals.listOpenProposals({ projectId: world.projectId })).proposals
  expect(await open()).toMatchObject([{ id: proposal!.id, pipelineId, title: 'Quicker still' }])
  world.origin.git('fetch', '--quiet')
  expect(world.origin.git('rev-list', '--count', `origin/main..${branch}`)).toBe('2')

  // Merged by somebody who squashes; whoever looks at the list is told.
  const toldBefore = told()
  world.origin.git('merge', '--quiet', '--squash', branch)
  world.origin.git('commit', '--quiet', '-m', 'squashed')
  world.origin.git('push', '--quiet', 'origin', 'HEAD:main')
  await pipelines.listPipelines({ projectId: world.projectId })
  await refresh()
  await waitFor(async () => (await newest()).state === ProposalState.MERGED, 20_000)
  await live.until(() => told() > toldBefore || undefined)
  live.socket.close()
  expect(await open()).toEqual([])
  const pipeline = await find()
  expect(pipeline).toMatchObject({ latestVersion: 2, draftChanged: false })
  expect(await draft()).toBe(changed.replace('-j2', '-j4'))
  await expect(proposals.proposePipeline({ ...asked, way: BRANCH })).rejects.toMatchObject({
    message: expect.stringContaining('says already what the draft says'),
  })
})

test('what others have changed meanwhile is kept, comes into the draft, and conflicts are said', async () => {
  const { proposals, pipelineId, edit, draft, asked, find, show } = await start()
  await edit(changed)
  const theirs = file.replace('"true" } # quietly', '"true", timeout: 5m } # loudly')
  world.commit(path, theirs)
  const both = theirs.replace('run: make', 'run: make -j2')
  expect(await proposals.explainProposal({ pipelineId })).toMatchObject({
    ...{ yamlBefore: theirs, yamlAfter: both, fileMoved: true, conflicts: [] },
  })
  const { proposal } = await proposals.proposePipeline({ ...asked, way: BRANCH })
  world.origin.git('fetch', '--quiet')
  expect(`${show(`origin/${proposal!.branch}:${path}`)}\n`).toBe(both)
  expect(await draft()).toBe(both)
  expect((await find()).latestVersion).toBe(2)

  // Somebody adds to the branch as well.
  world.origin.git('checkout', '--quiet', proposal!.branch)
  world.commit(path, both.replace('# At once.', '# At once, as we said.'))
  world.origin.git('checkout', '--quiet', 'main')
  await edit(both.replace('-j2', '-j3'))
  await proposals.proposePipeline({ ...asked, way: BRANCH })
  world.origin.git('fetch', '--quiet')
  const onBranch = both.replace('-j2', '-j3').replace('# At once.', '# At once, as we said.')
  expect(`${show(`origin/${proposal!.branch}:${path}`)}\n`).toBe(onBranch)

  world.commit(path, theirs.replace('run: make', 'run: make all'))
  const { conflicts } = await proposals.explainProposal({ pipelineId })
  expect(conflicts).toEqual(['two.with.script'])
  await expect(proposals.proposePipeline({ ...asked, way: BRANCH })).rejects.toMatchObject({
    message: expect.stringContaining('two.with.script'),
  })
  const mine = await proposals.explainProposal({ pipelineId, choice: ProposalChoice.DRAFT })
  expect(mine.yamlAfter).toContain('make -j3')
  await proposals.proposePipeline({ ...asked, way: COMMIT, choice: ProposalChoice.DRAFT })
  world.origin.git('fetch', '--quiet')
  expect(show(`origin/main:${path}`)).toContain('make -j3')
  await waitFor(async () => !(await find()).draftChanged, 20_000)
})

test('what is typed while somebody proposes stays in the draft, beside what others have changed in the file', async () => {
  const { proposals, edit, draft, asked } = await start()
  await edit(changed)
  const theirs = file.replace('"true" }', '"true", timeout: 5m }')
  world.commit(path, theirs)
  const both = theirs.replace('run: make', 'run: make -j2')
  let typed = false
  world.git.instead = async ({ url = '' }) => {
    if (url.includes('receive-pack') && !typed) {
      typed = true
      await edit(`${changed.replace('-j2', '-j8')}  three:\n    run: "false"\n`)
    }
    return false
  }
  await proposals.proposePipeline({ ...asked, way: BRANCH })
  expect(typed).toBe(true)
  expect(await draft()).toBe(`${both.replace('-j2', '-j8')}  three:\n    run: "false"\n`)
})

test('a wrong draft, a wrong way and a moved draft change nothing', async () => {
  const { proposals, pipelines, edit, asked } = await start()
  const head = world.head()
  await expect(proposals.proposePipeline({ ...asked, way: COMMIT })).rejects.toMatchObject({
    message: expect.stringContaining('says already'),
  })
  const { pipeline } = await pipelines.createPipeline({ projectId: world.projectId, name: 'empty' })
  const empty = { pipelineId: pipeline!.id, repositoryId: world.repositoryId, path: '.ansflow/empty.yaml' }
  const { problems } = await proposals.explainProposal(empty)
  expect(problems).toMatchObject([{ severity: Severity.ERROR }])
  await expect(proposals.proposePipeline({ ...empty, title: 'x', way: COMMIT })).rejects.toMatchObject({
    message: expect.stringContaining(problems[0]!.message),
  })
  await expect(proposals.explainProposal({ ...empty, path })).rejects.toMatchObject({
    message: expect.stringContaining('is the pipeline build'),
  })
  await edit(changed)
  for (const over of [{ title: ' ' }, { title: 'x'.repeat(201) }, { message: 'x'.repeat(10_001) }]) {
    await expect(proposals.proposePipeline({ ...asked, way: COMMIT, ...over })).rejects.toMatchObject({
      message: expect.stringContaining('must have'),
    })
  }
  await expect(proposals.proposePipeline({ ...asked, way: COMMIT, expectedHash: 'x' })).rejects.toMatchObject({
    message: expect.stringContaining('changed since'),
  })
  await expect(
    proposals.proposePipeline({ ...asked, way: COMMIT, repositoryId: world.repositoryId, path: 'other.yaml' }),
  ).rejects.toMatchObject({ message: expect.stringContaining(path) })
  world.origin.git('fetch', '--quiet')
  expect(world.origin.git('rev-parse', 'origin/main')).toBe(head)
  expect(await world.controller.db.em().count(ProposalEntity)).toBe(0)
})

test('a server that refuses is quoted, and what was pushed without a request is continued', async () => {
  const { proposals, pipelineId, edit, asked, newest, refresh } = await start()
  await edit(changed)
  world.git.instead = ({ url = '' }, response) => {
    if (!url.includes('receive-pack')) return false
    response.writeHead(403).end()
    return true
  }
  await expect(proposals.proposePipeline({ ...asked, way: PULL_REQUEST })).rejects.toMatchObject({
    message: expect.stringContaining('does not let these credentials push'),
  })
  expect((await proposals.listProposals({ pipelineId })).proposals).toEqual([])
  world.git.instead = undefined
  world.forge.fault = { status: 403, body: { message: 'Resource not accessible by integration' } }
  const { proposal } = await proposals.proposePipeline({ ...asked, way: PULL_REQUEST })
  expect(proposal).toMatchObject({ state: ProposalState.OPEN, number: 0, way: PULL_REQUEST })
  expect(proposal!.problem).toContain('Resource not accessible by integration')
  expect(world.forge.pulls).toEqual([])
  world.forge.fault = undefined
  const again = await proposals.proposePipeline({ ...asked, way: PULL_REQUEST })
  expect(again.proposal).toMatchObject({ id: proposal!.id, commit: proposal!.commit, problem: '' })
  expect(world.forge.pulls).toHaveLength(1)

  // Killed between the push and its request: nothing but the row tells of it.
  world.forge.pulls.length = 0
  const unfinished = { state: ProposalState.UNFINISHED, commit: '', number: 0, url: '' }
  await world.controller.db.em().nativeUpdate(ProposalEntity, { id: proposal!.id }, unfinished)
  const finished = await proposals.proposePipeline({ ...asked, way: PULL_REQUEST })
  expect(finished.proposal).toMatchObject({ id: proposal!.id, commit: proposal!.commit, state: ProposalState.OPEN })
  expect(world.forge.pulls).toHaveLength(1)
  // Its branch is taken away there.
  world.origin.git('push', '--quiet', 'origin', `:refs/heads/${proposal!.branch}`)
  await refresh()
  await waitFor(async () => (await newest()).state === ProposalState.CLOSED, 20_000)
})

test('what broke off as a commit on the default branch goes on as a request, from a branch of its own', async () => {
  const { proposals, edit, asked, newest } = await start()
  await edit(changed)
  const before = world.head()
  const unanswered: { destroy(): unknown }[] = []
  world.git.instead = ({ url = '' }, response) => {
    if (!url.includes('receive-pack')) return false
    unanswered.push(response)
    return true
  }
  await expect(proposals.proposePipeline({ ...asked, way: COMMIT })).rejects.toThrow()
  world.git.instead = undefined
  for (const response of unanswered) response.destroy()
  expect((await newest()).state).toBe(ProposalState.UNFINISHED)
  const { proposal } = await proposals.proposePipeline({ ...asked, way: PULL_REQUEST })
  expect(proposal).toMatchObject({ state: ProposalState.OPEN, branch: expect.stringMatching(/^ansflow\//) })
  world.origin.git('fetch', '--quiet')
  expect(world.origin.git('rev-parse', 'origin/main')).toBe(before)
  expect(world.forge.pulls).toMatchObject([{ head: proposal!.branch, base: 'main' }])
})

test('a commit on the default branch wants a right of its own', async () => {
  const { edit, asked, newest, show } = await start()
  await edit(changed)
  const before = world.head()
  const { controller, projectId } = world
  const as = async (role: Role, scopes?: string[]) =>
    controller.as(await controller.addUser({ role, projectId, ...(scopes && { scopes }) })).client(ProposalService)
  const developer = await as(Role.DEVELOPER)
  await expect(developer.proposePipeline({ ...asked, way: COMMIT })).rejects.toMatchObject({
    message: expect.stringContaining('repository.manage'),
  })
  const narrow = await as(Role.MAINTAINER, ['pipeline.publish', 'repository.read'])
  await expect(narrow.proposePipeline({ ...asked, way: COMMIT })).rejects.toMatchObject({
    message: expect.stringContaining('repository.manage'),
  })
  expect(await controller.db.em().count(ProposalEntity)).toBe(0)
  const { proposal } = await developer.proposePipeline({ ...asked, way: BRANCH })
  expect(proposal).toMatchObject({ state: ProposalState.OPEN })
  world.origin.git('fetch', '--quiet')
  expect(world.origin.git('rev-parse', 'origin/main')).toBe(before)
  await (await as(Role.MAINTAINER)).proposePipeline({ ...asked, way: COMMIT })
  world.origin.git('fetch', '--quiet')
  expect(`${show(`origin/main:${path}`)}\n`).toBe(changed)
  expect((await newest()).state).toBe(ProposalState.MERGED)
})

test('what broke off although it got through is said to be done, once somebody goes on with it', async () => {
  const { proposals, edit, asked, pipelineId, refresh } = await start()
  await edit(changed)
  const { proposal } = await proposals.proposePipeline({ ...asked, way: COMMIT })
  await world.controller.db
    .em()
    .nativeUpdate(
      ProposalEntity,
      { id: proposal!.id },
      { state: ProposalState.UNFINISHED, openOf: pipelineId, commit: '' },
    )
  await refresh()
  world.origin.git('fetch', '--quiet')
  const before = world.origin.git('rev-parse', 'origin/main')
  const again = await proposals.proposePipeline({ ...asked, way: COMMIT })
  expect(again.proposal).toMatchObject({ id: proposal!.id, state: ProposalState.MERGED, commit: before })
  world.origin.git('fetch', '--quiet')
  expect(world.origin.git('rev-parse', 'origin/main')).toBe(before)
})

test('of two who propose at once, neither writes over the other', async () => {
  const { proposals, edit, asked } = await start()
  await edit(changed)
  const both = await Promise.allSettled(
    [1, 2].map((n) => proposals.proposePipeline({ ...asked, title: `By ${n}`, way: PULL_REQUEST })),
  )
  const done = both.filter((each) => each.status === 'fulfilled')
  expect(done.length).toBeGreaterThan(0)
  for (const each of both) {
    if (each.status === 'rejected') expect(String(each.reason)).toMatch(/aborted/)
  }
  expect(world.forge.pulls).toHaveLength(1)
  expect(await world.controller.db.em().count(ProposalEntity)).toBe(1)
  const { proposal } = await proposals.proposePipeline({ ...asked, way: PULL_REQUEST })
  world.origin.git('fetch', '--quiet')
  expect(world.origin.git('rev-list', '--count', `origin/main..origin/${proposal!.branch}`)).toBe('1')
})
