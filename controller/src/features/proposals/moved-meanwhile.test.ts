// A pipeline leaves its repository between the moment its file is read to become a version and the moment it becomes one.
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { RepositoryService } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import { afterEach, expect, test, vi } from 'vitest'
import type { ForgeWorld } from '../../../test/forge-world.ts'
import { file, path, startProposals } from '../../../test/proposal-world.ts'
import { waitFor } from '../../../test/wait-for.ts'
import type { StatementTap } from '../../platform/statement-tap.ts'
import { RepositoryTriggerEntity } from '../deliveries/repository-trigger.entity.ts'

vi.setConfig({ testTimeout: 60_000 })

let world: ForgeWorld | undefined
afterEach(() => world?.[Symbol.asyncDispose]())

// With one writer at a time nobody comes between the two.
test.runIf(process.env['ANSFLOW_TEST_DATABASE_URL'])('no version is made, and what starts it stays', async () => {
  const { promise: reached, resolve: reach } = Promise.withResolvers<void>()
  const { promise: go, resolve: goOn } = Promise.withResolvers<void>()
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  let step: 'before' | 'waits' | 'held' | 'gone on' = 'before'
  const statementTap: StatementTap = async (sql, run) => {
    if (step === 'waits' && /^update .pipeline. set .*latest_version/.test(sql)) {
      step = 'held'
      reach()
      await go
      step = 'gone on'
    } else if (step === 'gone on' && /^(commit|rollback)/i.test(sql)) {
      return run().finally(end)
    }
    return run()
  }
  const pushed = `on: { push: true }\n${file}`
  const started = await startProposals({ files: { [path]: pushed }, controller: { overrides: { statementTap } } })
  world = started.world
  const { find } = started
  await waitFor(async () => (await find())?.latestVersion === 1, 20_000)
  const { id: pipelineId } = await find()
  step = 'waits'
  await world.sendPush(world.head(), world.commit(path, pushed.replace('run: make', 'run: make -j2')))
  await reached
  const { owner, repositoryId, controller } = world
  await owner.client(RepositoryService).disconnectRepository({ repositoryId })
  goOn()
  await ended
  expect(await find()).toMatchObject({ repositoryId: '', latestVersion: 1 })
  expect((await owner.client(PipelineService).getPipeline({ pipelineId, version: 1 })).yaml).toBe(pushed)
  expect(await controller.db.em().count(RepositoryTriggerEntity, { pipelineId })).toBe(1)
})
