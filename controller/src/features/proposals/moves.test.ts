// A pipeline moves into a repository that a real git server has, and out of it again.
import { ProposalChoice, ProposalState, ProposalWay } from '@ansflow/proto/gen/ansflow/v1/proposals_pb'
import { RepositoryService } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import { afterEach, expect, test, vi } from 'vitest'
import type { ForgeWorld, ForgeWorldOptions } from '../../../test/forge-world.ts'
import { changed, file, path, startProposals } from '../../../test/proposal-world.ts'
import { waitFor } from '../../../test/wait-for.ts'
import { RepositoryTriggerEntity } from '../deliveries/repository-trigger.entity.ts'

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

test('a pipeline that leaves its repository has no open proposal, and starts by itself what its latest version says', async () => {
  const pushed = `on: { push: true }\n${file}`
  const { proposals, edit, find, newest, refresh } = await start({ files: { [path]: pushed } })
  await waitFor(async () => (await find())?.latestVersion === 1, 20_000)
  const { id: pipelineId } = await find()
  const asked = { pipelineId, title: 'Quicker', way: PULL_REQUEST }
  await edit(pushed.replace('run: make', 'run: make -j2'))
  await proposals.proposePipeline(asked)
  await proposals.keepPipeline({ pipelineId })
  expect((await newest(pipelineId)).state).toBe(ProposalState.CLOSED)
  // Moved back, it is a further one, and its file is awaited.
  await proposals.proposePipeline({
    ...{ ...asked, repositoryId: world.repositoryId, path },
    choice: ProposalChoice.DRAFT,
  })
  expect((await newest(pipelineId)).state).toBe(ProposalState.OPEN)
  expect(await find()).toMatchObject({ repositoryId: '', otherFilePath: path, otherFileAwaited: true })
  world.origin.git('fetch', '--quiet')
  world.origin.git('merge', '--quiet', '--no-edit', `origin/${(await newest(pipelineId)).branch}`)
  world.origin.git('push', '--quiet', 'origin', 'HEAD:main')
  await refresh()
  await waitFor(async () => (await find()).filePath === path, 20_000)
  const em = world.controller.db.em()
  expect(await em.count(RepositoryTriggerEntity, { pipelineId })).toBe(0)
  await world.owner.client(RepositoryService).disconnectRepository({ repositoryId: world.repositoryId })
  expect(await find()).toMatchObject({ repositoryId: '', otherFilePath: '' })
  expect(await em.count(RepositoryTriggerEntity, { pipelineId })).toBe(1)
})

test('a pipeline moves into a repository and out of it again, and nothing of it is lost', async () => {
  const { proposals, pipelines, find, draft, show, refresh } = await start({ files: { README: 'x' } })
  const { pipeline } = await world.keep(file)
  const pipelineId = pipeline!.id
  const asked = { pipelineId, title: 'Keep it here', way: BRANCH }
  const to = { repositoryId: world.repositoryId, path }
  await expect(proposals.proposePipeline(asked)).rejects.toMatchObject({
    message: expect.stringContaining('say which'),
  })
  for (const wrong of ['build.yaml', '.ansflow/../x.yaml', '.ansflow/a/b.yaml', '.github/x.yaml']) {
    await expect(proposals.explainProposal({ ...to, pipelineId, path: wrong })).rejects.toMatchObject({
      message: expect.stringContaining('.ansflow/build.yaml'),
    })
  }
  const { proposal } = await proposals.proposePipeline({ ...asked, ...to })
  expect(await find()).toMatchObject({ repositoryId: '', otherRepositoryId: to.repositoryId, otherFileAwaited: true })
  world.origin.git('fetch', '--quiet')
  world.origin.git('merge', '--quiet', '--ff-only', `origin/${proposal!.branch}`)
  world.origin.git('push', '--quiet', 'origin', 'HEAD:main')
  await refresh()
  const moved = await waitFor(async () => ((await find()).repositoryId === '' ? undefined : find()), 20_000)
  expect(moved).toMatchObject({
    id: pipelineId,
    repositoryId: to.repositoryId,
    filePath: path,
    latestVersion: 1,
    draftChanged: false,
    otherFilePath: '',
  })
  const { yaml } = await pipelines.getPipeline({ pipelineId })
  expect(yaml).toBe(file)
  await expect(pipelines.publishPipeline({ pipelineId })).rejects.toMatchObject({
    message: expect.stringContaining(path),
  })
  const before = world.head()
  world.commit(path, changed)
  await refresh()
  // The draft follows the version.
  await waitFor(async () => (await draft(pipelineId)) === changed, 20_000)
  expect((await find()).latestVersion).toBe(2)
  expect(before).not.toBe(world.head())

  await proposals.keepPipeline({ pipelineId })
  await expect(proposals.keepPipeline({ pipelineId })).rejects.toMatchObject({
    message: expect.stringContaining('already'),
  })
  expect(await find()).toMatchObject({ repositoryId: '', otherFilePath: path, otherFileAwaited: false })
  expect((await pipelines.getPipeline({ pipelineId })).yaml).toBe(changed)
  const last = world.head()
  const told = await world.pushed(last, world.commit(path, changed.replace('-j2', '-j9')))
  expect(told.decisions).toMatchObject([{ path, reasonInfo: { code: 'delivery_left' } }])
  expect((await find()).latestVersion).toBe(2)
  const { yaml: kept } = await pipelines.getPipeline({ pipelineId })
  expect(kept).toBe(changed)
  await pipelines.applyPipeline({ projectId: world.projectId, yaml: changed.replace('-j2', '-j5'), publish: true })
  expect((await find()).latestVersion).toBe(3)
  // And back: the file says something else by now.
  await expect(proposals.proposePipeline({ ...asked, ...to })).rejects.toMatchObject({
    message: expect.stringContaining('changed meanwhile'),
  })
  const back = await proposals.proposePipeline({ ...asked, ...to, way: COMMIT, choice: ProposalChoice.DRAFT })
  expect(back.proposal).toMatchObject({ state: ProposalState.MERGED })
  await waitFor(async () => (await find()).filePath === path, 20_000)
  world.origin.git('fetch', '--quiet')
  expect(`${show(`origin/main:${path}`)}\n`).toBe(changed.replace('-j2', '-j5'))
  // Once more, with nothing changed: it follows at once.
  await proposals.keepPipeline({ pipelineId })
  expect(await proposals.proposePipeline({ ...asked, ...to })).not.toHaveProperty('proposal')
  expect(await find()).toMatchObject({ filePath: path, latestVersion: 3, draftChanged: false })
})
