// A controller with a repository acme/shop that a forge like the real one knows and a real git server has.
import { createHmac } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { ConnectionService, ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import {
  DeliveryService,
  type ExplainEventRequest,
  type RepositoryDelivery,
  RepositoryDeliveryResult,
} from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { RepositoryService } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import { RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { expect } from 'vitest'
import { createRepository, type GitHttp, type Repository, serveGitHttp } from '../../proto/test/git-servers.ts'
import type { FakeForge } from '../src/features/forges/test/fake-forge.ts'
import { fakeForges } from '../src/features/forges/test/fake-forges.ts'
import { type FakeApp, startFakeGithub } from '../src/features/forges/test/fake-github.ts'
import { readAllowed } from '../src/platform/outbound-rules.ts'
import { startController, type TestController, type TestOptions } from './start-controller.ts'
import { waitFor } from './wait-for.ts'

export const zeros = '0'.repeat(40)
const token = 'ghp_right'
/** As forges call whoever uses a token for git. */
const gitUsers = new Map([
  [ForgeKind.GITHUB, 'x-access-token'],
  [ForgeKind.GITLAB, 'oauth2'],
])

export interface ForgeWorldOptions {
  kind?: ForgeKind
  /** By path, of the default branch. */
  files: Record<string, string>
  controller?: TestOptions
  /** Of GitHub: one that it lets in beside the token. */
  app?: FakeApp
}

export interface Answered {
  status: number
  body: Record<string, string>
}

export class ForgeWorld implements AsyncDisposable {
  readonly controller: TestController
  readonly origin: Repository
  readonly git: GitHttp
  readonly forge: FakeForge
  readonly #folder: string
  projectId = ''
  repositoryId = ''

  private constructor(folder: string, controller: TestController, origin: Repository, git: GitHttp, forge: FakeForge) {
    this.#folder = folder
    this.controller = controller
    this.origin = origin
    this.git = git
    this.forge = forge
  }

  static async start({ kind = ForgeKind.GITHUB, files, controller = {}, app }: ForgeWorldOptions): Promise<ForgeWorld> {
    const folder = mkdtempSync(join(tmpdir(), 'ansflow-forge-world-'))
    mkdirSync(join(folder, 'acme'))
    const origin = createRepository(folder, 'acme/shop')
    const git = await serveGitHttp(folder, gitUsers.get(kind)!, token)
    const forge = app ? await startFakeGithub(token, app) : await fakeForges.get(kind)!(token)
    forge.gitUrl = git.url
    const started = await startController({ config: { outboundAllowed: readAllowed('127.0.0.1') }, ...controller })
    const world = new ForgeWorld(folder, started, origin, git, forge)
    for (const [path, text] of Object.entries(files)) world.commit(path, text)
    world.projectId = await started.addProject()
    await world.#connect(kind)
    // Its pipelines are there before the first delivery comes.
    if (Object.keys(files).length > 0) await waitFor(async () => (await world.repository()).headCommit !== '', 30_000)
    return world
  }

  get owner() {
    return this.controller.as(this.controller.owner)
  }

  async #connect(kind: ForgeKind): Promise<void> {
    const { projectId } = this
    const { connection } = await this.owner.client(ConnectionService).createConnection({
      projectId,
      name: 'forge',
      kind,
      url: this.forge.url,
      credentials: { kind: { case: 'token', value: { user: '', token } } },
    })
    const asked = { projectId, connectionId: connection!.id, fullName: 'acme/shop' }
    const { repository } = await this.owner.client(RepositoryService).connectRepository(asked)
    this.repositoryId = repository!.id
  }

  /** Not pushed; on what the clone is on. */
  write(path: string, text: string): string {
    const file = join(this.#folder, 'acme/shop-work', path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
    this.origin.git('add', path)
    this.origin.git('commit', '--quiet', '-m', `change ${path}`)
    return this.head()
  }

  /** Pushed to the branch that the clone is on. */
  commit(path: string, text: string): string {
    const commit = this.write(path, text)
    this.origin.git('push', '--quiet', 'origin', 'HEAD')
    return commit
  }

  head(): string {
    return this.origin.git('rev-parse', 'HEAD')
  }

  async repository() {
    const { repositoryId } = this
    return (await this.owner.client(RepositoryService).getRepository({ repositoryId })).repository!
  }

  get secret(): string {
    return this.forge.hooks.at(-1)!.secret
  }

  /** As GitHub sends it. */
  async send(event: string, body: object, headers: Record<string, string> = {}): Promise<Answered> {
    const text = JSON.stringify({ repository: { full_name: 'acme/shop' }, sender: { login: 'ann' }, ...body })
    const signature = `sha256=${createHmac('sha256', this.secret).update(text).digest('hex')}`
    return this.post(text, { 'x-github-event': event, 'x-hub-signature-256': signature, ...headers })
  }

  async post(
    body: string | Uint8Array<ArrayBuffer>,
    headers: Record<string, string>,
    id = this.repositoryId,
  ): Promise<Answered> {
    const all = { 'content-type': 'application/json', ...headers }
    const answer = await fetch(`${this.controller.url}/hooks/repositories/${id}`, {
      method: 'POST',
      headers: all,
      body,
    })
    return { status: answer.status, body: (await answer.json()) as Record<string, string> }
  }

  sendPush(before: string, after: string, ref = 'refs/heads/main', headers: Record<string, string> = {}) {
    const head = after === zeros ? null : { id: after, message: 'x', author: { name: 'Ann', email: 'a@example.org' } }
    return this.send('push', { ref, before, after, head_commit: head }, headers)
  }

  /** What becomes of it. */
  async pushed(before: string, after: string, ref?: string): Promise<RepositoryDelivery> {
    return this.decided(await this.sendPush(before, after, ref))
  }

  /** Whatever a delivery starts or not, explaining it says the same. */
  async decided({ body }: Answered): Promise<RepositoryDelivery> {
    const decided = await waitFor(async () => {
      const { delivery } = await this.read(body.delivery!)
      return delivery!.result === RepositoryDeliveryResult.TAKEN ? undefined : delivery
    }, 20_000)
    const { result, id: value } = decided
    if (result !== RepositoryDeliveryResult.REFUSED && result !== RepositoryDeliveryResult.FAILED) {
      expect(await this.explained({ case: 'deliveryId', value })).toEqual(happened(decided))
    }
    return decided
  }

  /** As `happened` says it. */
  async explained(event: ExplainEventRequest['event']) {
    const { events } = await this.explain(event)
    const starts = events.flatMap((each) => each.starts)
    const says = starts.map(({ path, pipelineName, starts: does, reasonInfo }) => [
      pipelineName || path,
      does ? 'started' : (reasonInfo?.code ?? 'nothing said'),
    ])
    const order = [RepositoryDeliveryResult.STARTED, RepositoryDeliveryResult.WAITS, RepositoryDeliveryResult.NOTHING]
    const [first] = [...events].sort((a, b) => order.indexOf(a.result) - order.indexOf(b.result))
    const { result, ref, commit, sender, problemInfo } = first!
    return { result, ref, commit, sender, why: problemInfo?.code ?? '', said: Object.fromEntries(says) }
  }

  explain(event: ExplainEventRequest['event']) {
    const { repositoryId } = this
    return this.owner.client(DeliveryService).explainEvent({ repositoryId, event })
  }

  read(deliveryId: string) {
    return this.owner.client(DeliveryService).getRepositoryDelivery({ repositoryId: this.repositoryId, deliveryId })
  }

  again(deliveryId: string) {
    return this.owner.client(DeliveryService).deliverAgain({ repositoryId: this.repositoryId, deliveryId })
  }

  async deliveries() {
    const { repositoryId } = this
    return (await this.owner.client(DeliveryService).listRepositoryDeliveries({ repositoryId })).deliveries
  }

  /** Kept in AnsFlow. */
  async keep(yaml: string) {
    return this.owner.client(PipelineService).applyPipeline({ projectId: this.projectId, yaml, publish: true })
  }

  /** Newest first. */
  async runs() {
    return (await this.owner.client(RunService).listRuns({ projectId: this.projectId })).runs
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.controller[Symbol.asyncDispose]()
    await this.git[Symbol.asyncDispose]()
    await this.forge.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** By the name of the pipeline, or the path of its file: "started", or why not. */
export function said({ decisions }: RepositoryDelivery): Record<string, string> {
  return Object.fromEntries(
    decisions.map(({ pipelineName, path, runId, reasonInfo }) => [
      pipelineName || path,
      runId === '' ? (reasonInfo?.code ?? 'nothing said') : 'started',
    ]),
  )
}

/** A delivery in short. */
export function happened(delivery: RepositoryDelivery) {
  const { result, ref, commit, sender, problemInfo } = delivery
  return { result, ref, commit, sender, why: problemInfo?.code ?? '', said: said(delivery) }
}
