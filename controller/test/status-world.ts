// A controller with a repository acme/shop at a forge that is like the real one, whose pull request 7 stands at `commit`, and one pipeline.
import { ConnectionService, type ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { type CommentPolicy, PullRequestState, RepositoryService } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import { RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import type { FakeForge } from '../src/features/forges/test/fake-forge.ts'
import { fakeForges } from '../src/features/forges/test/fake-forges.ts'
import { pull } from '../src/features/forges/test/fake-records.ts'
import { PullRequestEntity } from '../src/features/repositories/repository.entity.ts'
import { uuidv7 } from '../src/platform/ids.ts'
import { readAllowed } from '../src/platform/outbound-rules.ts'
import { startController, type TestController, type TestOptions } from './start-controller.ts'

export const commit = pull.head
const yaml = 'name: build\nsteps:\n  one: { run: "true" }\n'

export class StatusWorld implements AsyncDisposable {
  readonly c: TestController
  readonly forge: FakeForge
  readonly projectId: string
  repositoryId = ''
  pipelineId = ''

  private constructor(c: TestController, forge: FakeForge, projectId: string) {
    this.c = c
    this.forge = forge
    this.projectId = projectId
  }

  static async start(kind: ForgeKind, options: TestOptions = {}): Promise<StatusWorld> {
    const forge = await fakeForges.get(kind)!('word')
    const c = await startController({ config: { outboundAllowed: readAllowed('127.0.0.1') }, ...options })
    const world = new StatusWorld(c, forge, await c.addProject())
    world.repositoryId = await world.connect(kind, forge, 'forge')
    world.pipelineId = await world.keep(yaml)
    return world
  }

  /** Answers the repository there. */
  async connect(kind: ForgeKind, { url }: FakeForge, name: string): Promise<string> {
    const { projectId } = this
    const credentials = { kind: { case: 'token' as const, value: { user: '', token: 'word' } } }
    const asked = { projectId, name, kind, url, credentials }
    const { connection } = await this.owner.client(ConnectionService).createConnection(asked)
    const connect = { projectId, connectionId: connection!.id, fullName: 'acme/shop' }
    const { repository } = await this.owner.client(RepositoryService).connectRepository(connect)
    return repository!.id
  }

  get owner() {
    return this.c.as(this.c.owner)
  }

  get runs() {
    return this.owner.client(RunService)
  }

  async keep(text: string): Promise<string> {
    const asked = { projectId: this.projectId, yaml: text, publish: true }
    const { pipeline } = await this.owner.client(PipelineService).applyPipeline(asked)
    return pipeline!.id
  }

  async startRun(pipelineId = this.pipelineId, repositoryId = this.repositoryId): Promise<string> {
    const git = { commit, repositoryId }
    return (await this.runs.startRun({ pipelineId, git })).run!.id
  }

  async repository() {
    const { repositoryId } = this
    return (await this.owner.client(RepositoryService).getRepository({ repositoryId })).repository!
  }

  /** As a delivery has told of it. */
  async openPull(comments: CommentPolicy): Promise<void> {
    const { repositoryId, projectId } = this
    await this.owner.client(RepositoryService).updateRepository({ repositoryId, comments })
    const { number, title } = pull
    await this.c.db.em().insert(PullRequestEntity, {
      ...{ id: uuidv7(), repositoryId, projectId, number, title, url: '', author: 'ann', draft: false, labels: '[]' },
      ...{ state: PullRequestState.OPEN, headBranch: 'fast', headCommit: commit, headRepository: 'acme/shop' },
      ...{ baseBranch: 'main', fork: false, updatedAt: new Date(), waitingDeliveryId: null },
      ...{ trustedCommit: '', trustedByName: '' },
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.c[Symbol.asyncDispose]()
    await this.forge.close()
  }
}
