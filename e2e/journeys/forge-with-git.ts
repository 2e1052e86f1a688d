// A forge whose repository is there: its interface, and behind the same address the repository, served by git.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ForgeKind } from '@ansflow/proto/gen/ansflow/v1/connections_pb'
import type { FakeForge } from '../../controller/src/features/forges/test/fake-forge.ts'
import { fakeForges } from '../../controller/src/features/forges/test/fake-forges.ts'
import { type FakeApp, startFakeGithub } from '../../controller/src/features/forges/test/fake-github.ts'
import { runCommand } from '../../deploy/dev/run-command.ts'
import { bareRepository, GitServer } from '../setup/git-server.ts'

export interface ForgeWithGit extends AsyncDisposable {
  url: string
  fake: FakeForge
  /** Where main stands. */
  main: string
  /** Where the head of pull request 7 stands, which is from a fork and changes a pipeline. */
  fork: string
  /** Puts one more commit on top of it. */
  push(step?: string): Promise<string>
}

const pipeline = (step: string, further: string) => `name: build
on: { push: { branches: [main] }, pullRequest: {} }
steps:
  ${step}: { run: echo built }
${further}`

interface Options {
  /** Of GitHub, that lets itself in. */
  app?: FakeApp
  /** Lines of the file. */
  furtherSteps?: string
}

/** `acme/shop` with one pipeline. */
export async function startForgeWithGit(
  kind: ForgeKind,
  { app, furtherSteps = '' }: Options = {},
): Promise<ForgeWithGit> {
  const folder = await mkdtemp(join(tmpdir(), 'ansflow-forge-'))
  const content = join(folder, 'content')
  const file = join(content, '.ansflow', 'build.yaml')
  await mkdir(join(content, '.ansflow'), { recursive: true })
  await mkdir(join(folder, 'acme'))
  await writeFile(file, pipeline('compile', furtherSteps))
  await bareRepository(folder, 'acme/shop.git', content)
  const git = async (...words: string[]) =>
    (
      await runCommand('git', ['-c', 'user.name=Mallory', '-c', 'user.email=mallory@example.test', ...words], {
        cwd: content,
      })
    ).trim()
  const push = async (step: string) => {
    await writeFile(file, pipeline(step, furtherSteps))
    await git('commit', '-q', '-a', '-m', `Call it ${step}`)
    await git('push', '-q', join(folder, 'acme', 'shop.git'), '+HEAD:refs/pull/7/head')
    return git('rev-parse', 'HEAD')
  }
  const main = await git('rev-parse', 'HEAD')
  const fork = await push('make')

  const gitServer = await new GitServer(folder).listen()
  const token = 'the-right-token'
  const fake = app ? await startFakeGithub(token, app) : await fakeForges.get(kind)!(token)
  const interfacePort = Number(new URL(fake.url).port)
  const front = createServer((asked, answer) => {
    const isGit = /^\/acme\/shop\.git\//.test(asked.url ?? '')
    const { method, headers, url: path } = asked
    const options = { host: '127.0.0.1', port: isGit ? gitServer.port : interfacePort, path, method, headers }
    const passed = request(options, (got) => {
      answer.writeHead(got.statusCode ?? 502, got.headers)
      got.pipe(answer)
    })
    passed.on('error', () => answer.destroy())
    asked.pipe(passed)
  })
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve))
  // It tells of itself by the address that others know.
  fake.url = `http://127.0.0.1:${(front.address() as AddressInfo).port}`
  return {
    url: fake.url,
    fake,
    main,
    fork,
    push: (step = 'bake') => push(step),
    async [Symbol.asyncDispose]() {
      front.closeAllConnections()
      await new Promise((resolve) => front.close(resolve))
      await fake.close()
      await gitServer[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
