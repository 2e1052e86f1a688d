// Git servers that are away or slow: who waits for them, and for how long.
import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConnectionService, ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import { DeliveryService, RepositoryDeliveryResult } from '@ansflow/proto/gen/ansflow/v1/deliveries_pb'
import { PipelineService } from '@ansflow/proto/gen/ansflow/v1/pipelines_pb'
import { RepositoryService } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import { RunService } from '@ansflow/proto/gen/ansflow/v1/runs_pb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createRepository, type GitHttp, type Repository, serveGitHttp } from '../../../../proto/test/git-servers.ts'
import { startController, type TestController } from '../../../test/start-controller.ts'
import { waitFor } from '../../../test/wait-for.ts'
import { readAllowed } from '../../platform/outbound-rules.ts'

const fileOf = (name: string) => `name: ${name}\non: { push: {} }\nsteps: { one: { run: "true" } }\n`

let folder: string
let git: GitHttp
let controller: TestController
let projectId: string
let connectionId: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ansflow-slow-servers-'))
  git = await serveGitHttp(folder, 'robot', 'word')
  controller = await startController({ config: { outboundAllowed: readAllowed('127.0.0.1') } })
  projectId = await controller.addProject()
  const { connection } = await owner()
    .client(ConnectionService)
    .createConnection({
      projectId,
      name: 'git',
      kind: ForgeKind.GIT,
      url: git.url,
      credentials: { kind: { case: 'token', value: { user: 'robot', token: 'word' } } },
    })
  connectionId = connection!.id
})
afterAll(async () => {
  await controller?.[Symbol.asyncDispose]()
  await git?.[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

const owner = () => controller.as(controller.owner)
const repositories = () => owner().client(RepositoryService)

interface Connected {
  id: string
  origin: Repository
  secret: string
}

async function connect(name: string): Promise<Connected> {
  const origin = createRepository(folder, name)
  origin.commit('ansflow.yaml', fileOf(name))
  const asked = { projectId, connectionId, fullName: `${name}.git` }
  const { repository, hookSecret } = await repositories().connectRepository(asked)
  return { id: repository!.id, origin, secret: hookSecret }
}

const repository = async (repositoryId: string) => (await repositories().getRepository({ repositoryId })).repository!
const known = ({ id }: Connected) => waitFor(async () => (await repository(id)).headCommit !== '', 20_000)

/** Answers what becomes of it. */
async function push({ id: repositoryId, origin, secret }: Connected) {
  const before = origin.git('rev-parse', 'HEAD')
  const after = origin.commit('code.c', `int x${Date.now()};\n`)
  const body = JSON.stringify({ ref: 'refs/heads/main', before, after })
  const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
  const answer = await fetch(`${controller.url}/hooks/repositories/${repositoryId}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-ansflow-event': 'push', 'x-ansflow-signature': signature },
    body,
  })
  const { delivery: deliveryId } = (await answer.json()) as { delivery: string }
  const service = owner().client(DeliveryService)
  return () => service.getRepositoryDelivery({ repositoryId, deliveryId }).then(({ delivery }) => delivery!)
}

test('a first look that fails is soon taken again', async () => {
  git.instead = (_, response) => {
    response.writeHead(503).end()
    return true
  }
  const shop = await connect('shop')
  await waitFor(async () => (await repository(shop.id)).readProblem !== '')
  git.instead = undefined
  await known(shop)
  expect(await repository(shop.id)).toMatchObject({ readProblem: '', pipelineCount: 1 })
})

test('a git server that does not answer holds up its own repository alone', async () => {
  const [slow, quick] = [await connect('slow'), await connect('quick')]
  await known(slow)
  await known(quick)
  let hanging = 0
  git.instead = (request) => {
    const isSlow = request.url!.startsWith('/slow/')
    if (isSlow) hanging++
    return isSlow
  }
  const waits = await push(slow)
  await waitFor(() => hanging > 0)
  const goesOn = await push(quick)
  await waitFor(async () => (await goesOn()).result === RepositoryDeliveryResult.STARTED, 10_000)
  // Nor does it hold up what is looked at.
  const later = await connect('later')
  await known(later)
  expect(await waits()).toMatchObject({ result: RepositoryDeliveryResult.TAKEN })
  git.instead = undefined
})

test('a run by hand for what cannot be read is begun soon, and trusted with nothing', async () => {
  git.instead = () => true
  const absent = await connect('absent')
  const yaml = 'name: hand\nsteps: { one: { run: "true" } }\n'
  const { pipeline } = await owner().client(PipelineService).applyPipeline({ projectId, yaml, publish: true })
  const asked = { pipelineId: pipeline!.id, git: { repositoryId: absent.id, branch: 'main' } }
  const { run } = await owner().client(RunService).startRun(asked)
  expect(run!.origin).toMatchObject({ untrusted: true, verified: false, git: { branch: 'main' } })
  git.instead = undefined
})
