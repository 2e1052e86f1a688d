// A file is put into a repository elsewhere: by real git servers over HTTP and ssh.
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createRepository, serveGitSsh } from '../../../../proto/test/git-servers.ts'
import type { GitFileCommit } from './git.ts'
import { faultOf, type GitWorld, openGitWorld, right, soon } from './test/git-world.ts'

let world: GitWorld
beforeEach(async () => {
  world = await openGitWorld()
})
afterEach(() => world[Symbol.asyncDispose]())

const fileAt = (parent: string, over: Partial<GitFileCommit> = {}): GitFileCommit => ({
  branch: 'ansflow/build',
  expected: undefined,
  parent,
  path: '.ansflow/build.yaml',
  text: 'name: build # ‚so‘\n',
  message: 'Build anew\n\nBecause of that.',
  author: { name: 'Ann Ä <x>', mail: 'ann@example.org' },
  committer: { name: 'AnsFlow', mail: 'ansflow@localhost' },
  at: new Date('2026-02-03T04:05:06.789Z'),
  ...over,
})

test('a file is put on top of a commit, beside what the copy never had, and is the same commit each time', async () => {
  const repository = world.repository()
  const { git, path } = repository
  for (let i = 0; i < 5; i++) repository.commit(`large-${i}`, `${'x'.repeat(200_000)}${i}`)
  const head = git('rev-parse', 'HEAD')
  const mirror = world.mirror('app')
  await mirror.fetch(soon())
  const commit = await mirror.pushFile(fileAt(head), soon())
  git('fetch', '--quiet')
  expect(git('rev-parse', 'origin/ansflow/build')).toBe(commit)
  expect(git('show', `${commit}:.ansflow/build.yaml`)).toBe('name: build # ‚so‘')
  expect(git('diff', '--name-status', head, commit)).toBe('A\t.ansflow/build.yaml')
  expect(git('log', '-1', '--format=%an|%ae|%cn|%ce|%aI|%B', commit)).toBe(
    'Ann Ä  x|ann@example.org|AnsFlow|ansflow@localhost|2026-02-03T04:05:06+00:00|Build anew\n\nBecause of that.',
  )
  expect(await mirror.file(commit, '.ansflow/build.yaml', 1000)).toBe('name: build # ‚so‘\n')
  execFileSync('git', ['-C', path, 'fsck', '--strict', '--full'])
  // Its answer was lost: the branch stands there already, and that is what is said.
  expect(await mirror.pushFile(fileAt(head, { expected: commit }), soon())).toBe(commit)

  const next = await mirror.pushFile(fileAt(commit, { expected: commit, text: 'name: build\n' }), soon())
  git('fetch', '--quiet')
  expect(git('rev-parse', 'origin/ansflow/build^')).toBe(commit)
  await mirror.fetch(soon())
  expect((await mirror.refs()).refs.map(({ name, commit: at }) => [name, at])).toEqual([
    ['refs/heads/ansflow/build', next],
    ['refs/heads/main', head],
  ])
})

test('what others have pushed is never written over, and what is no file stays', async () => {
  const repository = world.repository()
  const { git } = repository
  const work = join(world.root, 'served', 'app-work')
  mkdirSync(join(work, '.ansflow'))
  writeFileSync(join(work, '.ansflow', 'run.yaml'), 'name: run\n')
  chmodSync(join(work, '.ansflow', 'run.yaml'), 0o755)
  symlinkSync('run.yaml', join(work, '.ansflow', 'link.yaml'))
  git('add', '.ansflow')
  const head = repository.commit('plain', 'x')
  const mirror = world.mirror('app')
  await mirror.fetch(soon())
  const theirs = repository.commit('README', 'theirs\n')
  const onMain = { branch: 'main', expected: head, path: '.ansflow/run.yaml' }
  expect((await faultOf(mirror.pushFile(fileAt(head, onMain), soon())))[0]).toBe('moved')
  // Also as a branch that should be new.
  expect((await faultOf(mirror.pushFile(fileAt(head, { branch: 'main' }), soon())))[0]).toBe('moved')
  git('fetch', '--quiet')
  expect(git('rev-parse', 'origin/main')).toBe(theirs)
  await mirror.fetch(soon())
  const mine = await mirror.pushFile(fileAt(theirs, { ...onMain, expected: theirs }), soon())
  git('fetch', '--quiet')
  expect(git('rev-parse', 'origin/main')).toBe(mine)
  expect(git('ls-tree', mine, '.ansflow/run.yaml')).toMatch(/^100755 blob /)
  for (const path of ['.ansflow', '.ansflow/link.yaml', 'plain/below.yaml']) {
    const [fault] = await faultOf(mirror.pushFile(fileAt(mine, { path, branch: 'other' }), soon()))
    expect(fault, path).toBe('refused')
  }
  for (const path of ['../x', '/x', '.git/config'])
    expect((await faultOf(mirror.pushFile(fileAt(mine, { path, branch: 'other' }), soon())))[0], path).toBe('refused')
  expect((await faultOf(mirror.pushFile(fileAt('0123456789'.repeat(4)), soon())))[0]).toBe('missing')
  expect(git('ls-remote', 'origin', 'refs/heads/other')).toBe('')
  // None of that has cost the copy.
  expect((await mirror.commit('main'))?.id).toBe(mine)
})

test('a branch that is protected, and who may not push, are told apart, in the words of the server', async () => {
  const { git, path } = world.repository()
  const head = git('rev-parse', 'HEAD')
  writeFileSync(
    join(path, 'hooks', 'pre-receive'),
    '#!/bin/sh\nwhile read -r before after ref; do\n  [ "$ref" = refs/heads/main ] && echo "Protected branch update failed for main." >&2 && exit 1\ndone\nexit 0\n',
    { mode: 0o755 },
  )
  const mirror = world.mirror('app')
  await mirror.fetch(soon())
  const [fault, message] = await faultOf(mirror.pushFile(fileAt(head, { branch: 'main', expected: head }), soon()))
  expect([fault, message]).toEqual([
    'protected',
    '127.0.0.1 refuses this push to the branch. git says: Protected branch update failed for main.',
  ])
  await mirror.pushFile(fileAt(head), soon())

  world.http.instead = ({ url = '' }, response) => {
    if (!url.includes('receive-pack')) return false
    response.writeHead(403).end('no')
    return true
  }
  const [refused, said] = await faultOf(mirror.pushFile(fileAt(head, { branch: 'other' }), soon()))
  expect(refused).toBe('denied')
  expect(said).toContain('127.0.0.1 does not let these credentials push to this repository.')
  expect(said).not.toContain(right.kind === 'password' ? right.password : '')
})

test('over ssh too', async () => {
  await using ssh = await serveGitSsh(world.root)
  const { git, path } = createRepository(world.root, 'by-ssh')
  const head = git('rev-parse', 'HEAD')
  const { privateKey: sshKey, knownHosts } = ssh
  const mirror = world.mirrors().open({
    id: 'by-ssh',
    url: `${ssh.url}${path}`,
    access: async () => ({ kind: 'ssh', sshKey, knownHosts }),
  })
  await mirror.fetch(soon())
  const commit = await mirror.pushFile(fileAt(head), soon())
  git('fetch', '--quiet')
  expect(git('rev-parse', 'origin/ansflow/build')).toBe(commit)
  execFileSync('git', ['-C', path, 'config', 'receive.denyUpdates', 'true'])
  execFileSync('git', ['-C', path, 'update-ref', 'refs/heads/ansflow/build', head])
  expect((await faultOf(mirror.pushFile(fileAt(commit, { expected: commit }), soon())))[0]).toBe('moved')
})
