import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createRepository, serveGitHttp, serveGitSsh } from '../../proto/test/git-servers.ts'
import { checkGitRef, parseGitUrl } from '../src/steps/git-source.ts'
import { temporaryFolder } from './agent-process.ts'
import { type Bench, done, jobIdOf, sh, startBench } from './bench.ts'
import { type FakeJob, Outcome } from './fake-controller.ts'

let number = 0
const checkout = (
  b: Bench,
  value: object,
  secrets: Parameters<Bench['controller']['offer']>[2] = [],
  more: object = {},
): FakeJob =>
  b.controller.offer(jobIdOf(++number), { execution: { case: 'checkout', value: value as never }, ...more }, secrets)
const workspace = (b: Bench) => join(b.data, 'workspaces/run-1/shared')
const read = (b: Bench, file: string) => readFileSync(join(workspace(b), file), 'utf8')

test('from a folder: default branch, branch, tag, commit, full ref, again with clean', async () => {
  using root = temporaryFolder()
  const repository = createRepository(root.path, 'project')
  const first = repository.git('rev-parse', 'HEAD')
  repository.git('tag', 'v1')
  repository.git('checkout', '--quiet', '-b', 'feature/x')
  const second = repository.commit('README', 'two\n')
  repository.git('push', '--quiet', '--tags')
  await using b = await startBench()
  const url = `file://${repository.path}`

  const byDefault = await done(checkout(b, { url, depth: 1 }))
  expect(byDefault).toMatchObject({
    outcome: Outcome.SUCCEEDED,
    outputs: { commit: first, ref: 'refs/heads/main', branch: 'main' },
  })
  expect(read(b, 'README')).toBe('one\n')

  writeFileSync(join(workspace(b), 'leftover'), 'x')
  const branch = checkout(b, { url: repository.path, ref: 'feature/x', depth: 1 })
  expect((await done(branch)).outputs).toEqual({ commit: second, ref: 'refs/heads/feature/x', branch: 'feature/x' })
  expect(branch.log.toString()).toContain(second)
  expect(read(b, 'README')).toBe('two\n')
  expect(existsSync(join(workspace(b), 'leftover'))).toBe(true)

  expect((await done(checkout(b, { url, ref: 'v1', clean: true }))).outputs).toEqual({
    commit: first,
    ref: 'refs/tags/v1',
    branch: '',
  })
  expect(existsSync(join(workspace(b), 'leftover'))).toBe(false)
  expect((await done(checkout(b, { url, ref: second, depth: 1 }))).outputs).toMatchObject({
    commit: second,
    branch: '',
  })
  expect((await done(checkout(b, { url, ref: first.slice(0, 9) }))).outputs).toMatchObject({ commit: first })
  expect((await done(checkout(b, { url, ref: 'refs/heads/main', path: 'sub/dir' }))).outputs).toMatchObject({
    ref: 'refs/heads/main',
    branch: 'main',
  })
  expect(read(b, 'sub/dir/README')).toBe('one\n')

  const missing = checkout(b, { url, ref: 'nowhere' })
  expect(await done(missing)).toMatchObject({ outcome: Outcome.FAILED, exitCode: 1 })
  expect(missing.log.toString()).toContain('There is no branch or tag nowhere in the repository.')
  // A later step works in it as its own.
  const status = b.controller.offer(jobIdOf('status'), sh('git status --porcelain; git rev-parse HEAD'))
  expect((await done(status)).outcome).toBe(Outcome.SUCCEEDED)
}, 60_000)

test('depth, and a commit that lies deeper', async () => {
  using root = temporaryFolder()
  const repository = createRepository(root.path, 'project')
  const old = repository.git('rev-parse', 'HEAD')
  for (let i = 0; i < 4; i++) repository.commit('README', `${i}\n`)
  await using server = await serveGitHttp(root.path, '', '')
  await using b = await startBench()
  const url = `${server.url}/project.git`
  await done(checkout(b, { url, depth: 2 }))
  const count = () =>
    execFileSync('git', ['rev-list', '--count', 'HEAD'], { cwd: workspace(b), encoding: 'utf8' }).trim()
  expect(count()).toBe('2')
  expect((await done(checkout(b, { url, depth: 1, ref: old }))).outputs).toMatchObject({ commit: old })
  await done(checkout(b, { url, depth: 0 }))
  expect(count()).toBe('5')
}, 60_000)

test('what the commit before had goes, what a step has made stays', async () => {
  using root = temporaryFolder()
  const repository = createRepository(root.path, 'project')
  repository.commit('passing', 'x\n')
  await using b = await startBench()
  const url = repository.path
  await done(checkout(b, { url }))
  writeFileSync(join(workspace(b), 'made'), 'x')
  writeFileSync(join(workspace(b), 'README'), 'changed')
  repository.git('rm', '--quiet', 'passing')
  repository.commit('README', 'two\n')
  expect(await done(checkout(b, { url }))).toMatchObject({ outcome: Outcome.SUCCEEDED })
  expect(existsSync(join(workspace(b), 'passing'))).toBe(false)
  expect(read(b, 'made')).toBe('x')
  expect(read(b, 'README')).toBe('two\n')
}, 60_000)

test('over HTTP with a password that shows up nowhere', async () => {
  using root = temporaryFolder()
  const repository = createRepository(root.path, 'project')
  const password = 'p4ss w0rd/with+chars'
  await using server = await serveGitHttp(root.path, 'robot', password)
  await using b = await startBench()
  const url = `${server.url}/project.git`
  const job = checkout(b, { url, username: 'robot', passwordSecret: 'GIT' }, [{ name: 'GIT', value: password }])
  expect(await done(job)).toMatchObject({
    outcome: Outcome.SUCCEEDED,
    outputs: { commit: repository.git('rev-parse', 'HEAD') },
  })
  expect(() => execFileSync('grep', ['-rlF', password, b.data])).toThrow()
  expect(() => execFileSync('grep', ['-rlF', Buffer.from(`robot:${password}`).toString('base64'), b.data])).toThrow()
  expect(job.log.toString()).not.toContain(password)

  const wrong = checkout(b, { url, username: 'robot', passwordSecret: 'GIT' }, [
    { name: 'GIT', value: 'wrong-password' },
  ])
  expect(await done(wrong)).toMatchObject({ outcome: Outcome.FAILED })
  expect(await done(checkout(b, { url }))).toMatchObject({ outcome: Outcome.FAILED })
  const unknown = await done(checkout(b, { url, passwordSecret: 'NOT_THERE' }))
  expect(unknown).toMatchObject({ reasonCode: 'agent_error' })
}, 60_000)

test('submodules; credentials go to no other host', async () => {
  using root = temporaryFolder()
  createRepository(root.path, 'part')
  const repository = createRepository(root.path, 'project')
  await using other = await serveGitHttp(root.path, 'robot', 'something-else')
  await using server = await serveGitHttp(root.path, 'robot', 'the-password')
  repository.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', join(root.path, 'part.git'), 'part')
  repository.git('config', '-f', '.gitmodules', 'submodule.part.url', '../part.git')
  repository.commit('.gitmodules', readFileSync(join(root.path, 'project-work/.gitmodules'), 'utf8'))
  await using b = await startBench()
  const secrets = [{ name: 'GIT', value: 'the-password' }]
  const value = {
    url: `${server.url}/project.git`,
    username: 'robot',
    passwordSecret: 'GIT',
    submodules: true,
    depth: 1,
  }
  const job = checkout(b, value, secrets)
  expect(await done(job)).toMatchObject({ outcome: Outcome.SUCCEEDED })
  expect(read(b, 'part/README')).toBe('one\n')

  repository.git('config', '-f', '.gitmodules', 'submodule.part.url', `${other.url}/part.git`)
  repository.commit('.gitmodules', readFileSync(join(root.path, 'project-work/.gitmodules'), 'utf8'))
  expect(await done(checkout(b, value, secrets, { workspace: 'second' }))).toMatchObject({ outcome: Outcome.FAILED })
  expect([...other.authorizations]).toEqual([])

  // A repository from the network must not read the host's files through a submodule.
  repository.git('config', '-f', '.gitmodules', 'submodule.part.url', `file://${join(root.path, 'part.git')}`)
  repository.commit('.gitmodules', readFileSync(join(root.path, 'project-work/.gitmodules'), 'utf8'))
  const file = checkout(b, value, secrets, { workspace: 'third' })
  expect(await done(file)).toMatchObject({ outcome: Outcome.FAILED })
  expect(file.log.toString()).toContain("transport 'file' not allowed")
}, 90_000)

test('over ssh with a key; an unknown host is refused', async () => {
  using root = temporaryFolder()
  const repository = createRepository(root.path, 'project')
  await using server = await serveGitSsh(root.path)
  await using b = await startBench()
  const url = `${server.url}${repository.path}`
  const secrets = [{ name: 'KEY', value: server.privateKey.trim() }]
  const job = checkout(b, { url, sshKeySecret: 'KEY', knownHosts: server.knownHosts }, secrets)
  const finished = await done(job)
  expect(job.log.toString()).toContain('Commit ')
  expect(finished).toMatchObject({ outcome: Outcome.SUCCEEDED })
  const { knownHosts } = server
  const given = checkout(b, { url }, [{ value: server.privateKey.trim(), git: { sshKey: true, knownHosts } }])
  expect(await done(given)).toMatchObject({ outcome: Outcome.SUCCEEDED })
  const stranger = server.knownHosts.replace(/:\d+/, ':1')
  const refused = checkout(b, { url, sshKeySecret: 'KEY', knownHosts: stranger }, secrets)
  expect(await done(refused)).toMatchObject({ outcome: Outcome.FAILED })
  expect(refused.log.toString()).toContain('Host key verification failed')
  expect(() => execFileSync('grep', ['-rlF', server.privateKey.split('\n')[1]!, b.data])).toThrow()
}, 60_000)

test.each([
  'ext::sh -c touch% /tmp/never',
  'ext::touch',
  '--upload-pack=touch',
  '-oProxyCommand=touch@host:x',
  'https://user:password@host/x',
  'ssh://-oProxyCommand=touch/x',
  'ssh://-l@host/x',
  'git://host/x',
  'ftp://host/x',
  'file://host/x',
  'host:x\ny',
  'x@-host:y',
  'relative/path',
  '',
  'https://',
  'https:///x',
  'fd::17',
])('the address %j is refused', (url) => expect(() => parseGitUrl(url)).toThrow(/refused/))

test.each([
  ['https://git.example.org/a/b.git', 'http', 'git.example.org'],
  ['https://robot@git.example.org:8443/a', 'http', 'git.example.org:8443'],
  ['git@github.com:a/b.git', 'ssh', 'github.com'],
  ['ssh://git@host:22/a', 'ssh', 'host:22'],
  ['file:///srv/a.git', 'file', ''],
  ['/srv/a.git', 'file', ''],
])('the address %s is taken', (url, kind, host) => expect(parseGitUrl(url)).toMatchObject({ url, kind, host }))

test.each([
  '--upload-pack=x',
  'a b',
  'a..b',
  'a~1',
  'a^',
  'a:b',
  'refs/heads/a:refs/heads/b',
  'a.lock',
  '/a',
  'a/',
  '@',
  'a@{1}',
  'a\n',
  '*',
  '.a',
  'a/.b',
])('the ref %j is refused', (ref) => expect(() => checkGitRef(ref)).toThrow(/refused/))
test.each(['', 'main', 'feature/x-1_2', 'v1.0.0', 'refs/pull/1/head', 'a@b'])('the ref %j is taken', (ref) =>
  expect(checkGitRef(ref)).toBe(ref),
)
