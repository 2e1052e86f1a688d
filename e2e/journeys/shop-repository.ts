// A repository on a git server of this machine, and what is sent of it, for who looks at its pages.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConnectionService, ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import { RepositoryService } from '@ansflow/proto/gen/ansflow/v1/repositories_pb'
import { runCommand } from '../../deploy/dev/run-command.ts'
import { bareRepository, GitServer } from '../setup/git-server.ts'
import type { System } from '../setup/system.ts'
import { waitFor } from '../setup/wait-for.ts'

/** What a system has to be started with to reach it. */
export const reachesThisMachine = { ANSFLOW_OUTBOUND_ALLOW: '127.0.0.1' }

const pipeline = (name: string) => `name: ${name}
on: { push: { branches: [main] } }
steps:
  compile: { run: echo compiled }
  check: { needs: [compile], run: echo checked }
`

export class Repositories implements AsyncDisposable {
  readonly server: GitServer
  readonly #folder: string

  private constructor(folder: string, server: GitServer) {
    this.#folder = folder
    this.server = server
  }

  static async start(): Promise<Repositories> {
    const folder = await mkdtemp(join(tmpdir(), 'ansflow-repositories-'))
    return new Repositories(folder, await new GitServer(folder).listen())
  }

  get url(): string {
    return `http://127.0.0.1:${this.server.port}`
  }

  /** `<name>.git` with one commit on main and docs/words, and in it one pipeline of this name; answers the commit. */
  async make(name: string, pipelineName = 'build'): Promise<string> {
    const content = join(this.#folder, `${name}-content`)
    await mkdir(join(content, '.ansflow'), { recursive: true })
    await writeFile(join(content, '.ansflow', 'build.yaml'), pipeline(pipelineName))
    await bareRepository(this.#folder, `${name}.git`, content)
    const cwd = join(this.#folder, `${name}.git`)
    await runCommand('git', ['branch', 'docs/words', 'main'], { cwd })
    return (await runCommand('git', ['rev-parse', 'main'], { cwd })).trim()
  }

  /** Onto main of what `make` has made; without a text the file is taken away. Answers the commit. */
  async commit(name: string, path: string, text?: string): Promise<string> {
    const cwd = join(this.#folder, `${name}-content`)
    if (text === undefined) await rm(join(cwd, path))
    else await writeFile(join(cwd, path), text)
    const person = ['-c', 'user.name=Tess Author', '-c', 'user.email=test@example.test']
    await runCommand('git', ['add', '-A'], { cwd })
    await runCommand('git', [...person, '-c', 'commit.gpgsign=false', 'commit', '-q', '-m', `Change ${path}`], { cwd })
    await runCommand('git', ['push', '-q', join(this.#folder, `${name}.git`), 'HEAD:main'], { cwd })
    return (await runCommand('git', ['rev-parse', 'HEAD'], { cwd })).trim()
  }

  /** A tag of a commit of its own, to which no branch leads; answers the commit. */
  async tag(name: string, tag: string): Promise<string> {
    const person = ['-c', 'user.name=Tess Author', '-c', 'user.email=test@example.test']
    const commit = (await this.git(name, ...person, 'commit-tree', 'main^{tree}', '-p', 'main', '-m', tag)).trim()
    await this.git(name, 'tag', tag, commit)
    return commit
  }

  /** In the bare repository `<name>.git`. */
  git(name: string, ...args: string[]): Promise<string> {
    return runCommand('git', args, { cwd: join(this.#folder, `${name}.git`) })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]()
    await rm(this.#folder, { recursive: true, force: true })
  }
}

/** Connects it, and waits until its pipeline is known. */
export async function connected(system: System, projectId: string, at: Repositories, fullName: string) {
  const kind = ForgeKind.GIT
  const { connection } = await system
    .client(ConnectionService)
    .createConnection({ projectId, name: 'git server', kind, url: at.url })
  const repositories = system.client(RepositoryService)
  const connectionId = connection?.id ?? ''
  const { repository, hookSecret } = await repositories.connectRepository({ projectId, connectionId, fullName })
  const repositoryId = repository?.id ?? ''
  await readWith(system, repositoryId, 1)
  return { repositoryId, address: system.url + (repository?.hook?.path ?? ''), secret: hookSecret }
}

export async function readWith(system: System, repositoryId: string, pipelines: number): Promise<void> {
  const repositories = system.client(RepositoryService)
  await waitFor(
    async () => {
      const { repository } = await repositories.getRepository({ repositoryId })
      // The commit is known once all of its files were taken, and their drafts were made of them.
      return repository?.pipelineCount === pipelines && repository.headCommit !== ''
    },
    { what: 'the pipelines in the repository are known', timeoutMs: 30_000 },
  )
}

/** As its hook would; answers the status. */
export async function postPush(address: string, secret: string, branch: string, commit: string): Promise<number> {
  const response = await fetch(address, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
    body: JSON.stringify({
      ref: `refs/heads/${branch}`,
      before: '0'.repeat(40),
      after: commit,
      sender: 'Wang Wei',
    }),
  })
  return response.status
}
