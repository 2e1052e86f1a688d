// What may not be reached, what fails, and what is left behind: the guard around git, against real servers on loopback.
import { execFileSync, fork } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { serveGitSsh } from '../../../../proto/test/git-servers.ts'
import { waitFor } from '../../../test/wait-for.ts'
import type { GitCredentials } from './git.ts'
import { faultOf, type GitWorld, openGitWorld, password, right, soon } from './test/git-world.ts'

let world: GitWorld
beforeEach(async () => {
  world = await openGitWorld()
})
afterEach(() => world[Symbol.asyncDispose]())

const opened = (url: string, access: GitCredentials = right, mirrors = world.mirrors()) =>
  mirrors.open({ id: 'one', url, access: async () => access })

/** All that is on the disk under a folder, as Latin text. */
function allText(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n')
}

const copyOf = (slot = '0', id = 'one') => join(world.data, slot, 'mirrors', id)

describe('an address', () => {
  test.each([
    '/etc',
    'file:///etc',
    'ext::sh -c id',
    '-u',
    '--upload-pack=id',
    'ssh://-oProxyCommand=id/x',
    'ssh://a@-oProxyCommand=id/x',
    'git@-oProxyCommand=id:x',
    'https://u:p@git.example.test/x',
    'https://git.example.test/a\nb',
    'git://git.example.test/x',
    'ftp://git.example.test/x',
  ])('%j is refused', async (url) => {
    expect((await faultOf((async () => opened(url))()))[0]).toBe('refused')
  })

  test.each([
    'http://127.0.0.1:1/x',
    'http://[::1]:1/x',
    'http://2130706433:1/x',
    'ssh://git@0x7f.1/x',
    'git@localhost:x',
  ])('of what is not public, %s, is refused', async (url) => {
    const access: GitCredentials = url.startsWith('http') ? right : { kind: 'ssh', sshKey: 'k', knownHosts: 'h' }
    const [fault, message] = await faultOf(opened(url, access, world.mirrors({ allow: '' })).fetch(soon()))
    expect(fault).toBe('refused')
    expect(message).toContain('ANSFLOW_OUTBOUND_ALLOW')
  })

  test('whose name leads elsewhere the second time is reached where it was checked', async () => {
    world.repository()
    const { port } = new URL(world.http.url)
    let asked = 0
    // Git itself would not find the name at all.
    const resolve = async () => (asked++ === 0 ? ['127.0.0.1'] : ['169.254.169.254'])
    const mirror = opened(`http://git.example.test:${port}/app.git`, right, world.mirrors({ resolve }))
    await mirror.fetch(soon())
    expect((await mirror.refs()).defaultBranch).toBe('main')
    expect((await faultOf(mirror.fetch(soon())))[0]).toBe('refused')
  })

  test('that leads elsewhere is not followed', async () => {
    world.repository()
    let followed = 0
    world.http.instead = (request, response) => {
      if (request.url?.startsWith('/elsewhere')) followed += 1
      const location = `${world.http.url.replace('127.0.0.1', 'localhost')}/elsewhere${request.url}`
      response.writeHead(302, { location }).end()
      return true
    }
    expect((await faultOf(opened(`${world.http.url}/app.git`).fetch(soon())))[0]).toBe('refused')
    expect(followed).toBe(0)
  })
})

test('what the server refuses is told apart, and no secret is said or left anywhere', async () => {
  world.repository()
  const url = `${world.http.url}/app.git`
  const mirrors = world.mirrors()
  const secret = 'wrong-s3cret'
  const faults = [
    await faultOf(opened(url, { kind: 'password', username: 'user', password: secret }, mirrors).fetch(soon())),
    await faultOf(opened(url, { kind: 'none' }, mirrors).fetch(soon())),
    await faultOf(opened(`${world.http.url}/no.git`, right, mirrors).fetch(soon())),
    await faultOf(opened('http://127.0.0.1:1/app.git', right, mirrors).fetch(soon())),
  ]
  expect(faults.map(([fault]) => fault)).toEqual(['denied', 'denied', 'missing', 'unreachable'])
  await opened(url, right, mirrors).fetch(soon())
  const texts = `${JSON.stringify(faults)}\n${allText(world.data)}`
  for (const one of [secret, password, Buffer.from(`user:${password}`).toString('base64')]) {
    expect(texts).not.toContain(one)
  }
})

test('over ssh only the known server counts', async () => {
  const { path, git } = world.repository()
  await using ssh = await serveGitSsh(world.root)
  const url = `${ssh.url}${path}`
  const access = { kind: 'ssh', sshKey: ssh.privateKey, knownHosts: ssh.knownHosts } as const
  const mirrors = world.mirrors()
  const mirror = opened(url, access, mirrors)
  await mirror.fetch(soon())
  const head = git('rev-parse', 'HEAD')
  expect((await mirror.commit('main'))?.id).toBe(head)
  expect(await mirror.file(head, 'README', 100)).toBe('one\n')
  const other = ssh.knownHosts.replace(/AAAA.*/, (key) => `${key.slice(0, 50)}AAAAAAAAAAAAAAAAAA`)
  const fetched = async (over: Partial<typeof access>) =>
    (await faultOf(opened(url, { ...access, ...over }, mirrors).fetch(soon())))[0]
  expect(await fetched({ knownHosts: '' })).toBe('refused')
  expect(await fetched({ knownHosts: other })).toBe('refused')
  expect(await fetched({ sshKey: 'no key' })).toBe('denied')
  expect((await faultOf(opened(url, right, mirrors).fetch(soon())))[0]).toBe('refused')
  expect((await faultOf(opened(`${ssh.url}/nowhere.git`, access, mirrors).fetch(soon())))[0]).toBe('missing')
  expect(allText(world.data)).not.toContain('PRIVATE KEY')
})

test('the same id with another address begins anew', async () => {
  const first = world.repository('a').git('rev-parse', 'HEAD')
  const mirrors = world.mirrors()
  world.repository('b').commit('README', 'another\n')
  await opened(`${world.http.url}/a.git`, right, mirrors).fetch(soon())
  const mirror = opened(`${world.http.url}/b.git`, right, mirrors)
  await mirror.fetch(soon())
  expect((await mirror.log('main', { limit: 10 }))?.length).toBe(2)
  await opened(`${world.http.url}/a.git`, right, mirrors).fetch(soon())
  expect((await mirror.log('main', { limit: 10 }))?.map(({ id }) => id)).toEqual([first])
})

test('a copy that is broken, locked, half made or gone is made anew', async () => {
  const repository = world.repository()
  const mirrors = world.mirrors()
  const mirror = opened(`${world.http.url}/app.git`, right, mirrors)
  await mirror.fetch(soon())
  // Stale locks of one that was killed.
  writeFileSync(join(copyOf(), 'refs/heads/main.lock'), '')
  writeFileSync(join(copyOf(), 'packed-refs.lock'), '')
  const locked = repository.commit('README', 'locked\n')
  await mirror.fetch(soon())
  expect((await mirror.commit('main'))?.id).toBe(locked)
  // Objects that are gone: the reader that still has them open is not asked.
  await mirrors.stop()
  rmSync(join(copyOf(), 'objects/pack'), { recursive: true })
  const again = opened(`${world.http.url}/app.git`)
  expect((await again.changed(undefined, locked, 10)).paths).toEqual(['README'])
  rmSync(copyOf(), { recursive: true })
  const gone = repository.commit('README', 'gone\n')
  await again.fetch(soon())
  expect(await again.contains(gone)).toBe(true)
})

test('two processes never share a copy, and what one was killed over is not used', async () => {
  world.repository()
  const url = `${world.http.url}/app.git`
  const first = world.mirrors()
  await opened(url, right, first).fetch(soon())
  await opened(url, right).fetch(soon())
  expect(statSync(copyOf('1')).isDirectory()).toBe(true)
  await first.stop()
  // As a process leaves it that is killed in the middle of a fetch.
  rmSync(join(copyOf(), 'ansflow.json'))
  writeFileSync(join(copyOf(), 'half'), '')
  const third = opened(url)
  expect((await third.refs()).defaultBranch).toBe('main')
  expect(readdirSync(copyOf())).not.toContain('half')
})

test('a fetch whose git is killed fails, and the next one works', async () => {
  world.repository()
  const mirror = opened(`${world.http.url}/app.git`)
  let held = 0
  world.http.instead = (request) => {
    if (held > 0 || !request.url?.endsWith('git-upload-pack')) return false
    held += 1
    return true
  }
  const fetching = faultOf(mirror.fetch(soon()))
  await waitFor(() => held > 0)
  for (const pid of gitsIn(world.data)) process.kill(pid, 'SIGKILL')
  expect(['failed', 'unreachable']).toContain((await fetching)[0])
  await mirror.fetch(soon())
  expect((await mirror.refs()).defaultBranch).toBe('main')
})

test('a helper or a controller that is killed leaves no git behind for long, and its copies can be used', async () => {
  world.repository()
  const url = `${world.http.url}/app.git`
  let held = 0
  world.http.instead = (request) => {
    if (!request.url?.endsWith('git-upload-pack')) return false
    held += 1
    return true
  }
  const mirror = opened(url)
  const fetching = faultOf(mirror.fetch(soon()))
  await waitFor(() => held > 0)
  const orphans = gitsIn(world.data)
  for (const helper of helpersOf(process.pid)) process.kill(helper, 'SIGKILL')
  expect((await fetching)[0]).toBe('failed')
  world.http.instead = undefined
  await mirror.fetch(soon())
  expect(orphans.length).toBeGreaterThan(0)
  await waitFor(() => orphans.every((pid) => !gitsIn(world.data).includes(pid)))

  held = 0
  world.http.instead = () => {
    held += 1
    return true
  }
  const folder = join(world.root, 'other')
  const controller = fork(fileURLToPath(new URL('./test/fetch-once.ts', import.meta.url)), [], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  controller.send({ folder, url, path: process.env.PATH })
  await waitFor(() => held > 0)
  controller.kill('SIGKILL')
  await waitFor(() => gitsIn(folder).length === 0)
  world.http.instead = undefined
  const next = opened(url, right, world.mirrors({ folder }))
  await next.fetch(soon())
  expect(readdirSync(folder)).toEqual(['0'])
})

test('who does not want it any more ends it, and git with it', async () => {
  world.repository()
  const mirror = opened(`${world.http.url}/app.git`)
  let held = 0
  world.http.instead = () => {
    held += 1
    return true
  }
  const abort = new AbortController()
  const fetching = faultOf(mirror.fetch(abort.signal))
  await waitFor(() => held > 0)
  abort.abort()
  expect((await fetching)[0]).toBe('aborted')
  await waitFor(() => gitsIn(world.data).length === 0)
  world.http.instead = undefined
  await mirror.fetch(soon())
})

test('a copy that is too large is not kept, and of many the one used last', async () => {
  const repository = world.repository('a')
  world.repository('b')
  const noise = Buffer.from(Array.from({ length: 40_000 }, () => Math.floor(Math.random() * 256)))
  execFileSync('git', ['-C', repository.path, 'config', 'uploadpack.allowFilter', 'false'])
  repository.commit('noise', noise.toString('base64'))
  const small = world.mirrors({ bounds: { mirrorBytes: 30_000, allCount: 1 }, folder: join(world.root, 'small') })
  expect((await faultOf(world.mirror('a', small).fetch(soon())))[0]).toBe('too_large')
  await world.mirror('b', small).fetch(soon())
  world.repository('c')
  await world.mirror('c', small).fetch(soon())
  await waitFor(() => readdirSync(join(world.root, 'small/0/mirrors')).join() === 'c')
  // It comes again when it is asked for.
  expect((await world.mirror('b', small).refs()).defaultBranch).toBe('main')
  await small.forget('b')
  expect(readdirSync(join(world.root, 'small/0/mirrors'))).not.toContain('b')
})

test('a server that takes too long is not waited for', async () => {
  world.repository()
  const mirrors = world.mirrors({ bounds: { fetchMs: 1500 } })
  let looks = 0
  world.http.instead = (request) => request.method === 'POST' && ++looks > 1
  const [fault, message] = await faultOf(opened(`${world.http.url}/app.git`, right, mirrors).fetch(soon()))
  expect([fault, message]).toEqual(['too_large', expect.stringContaining('within 2 seconds')])
  world.http.instead = undefined
  await opened(`${world.http.url}/app.git`, right, world.mirrors()).fetch(soon())
})

test('a host without git, or with an old one, is told of', async () => {
  const empty = join(world.root, 'bin')
  mkdirSync(empty)
  const url = `${world.http.url}/app.git`
  expect(await faultOf(opened(url, right, world.mirrors({ path: empty })).fetch(soon()))).toEqual([
    'git_missing',
    expect.stringContaining('Install git 2.37 or newer'),
  ])
  writeFileSync(join(empty, 'git'), '#!/bin/sh\necho git version 2.20.1\n', { mode: 0o755 })
  expect(await faultOf(opened(url, right, world.mirrors({ path: empty })).fetch(soon()))).toEqual([
    'git_missing',
    expect.stringContaining('2.20.1'),
  ])
})

function helpersOf(parent: number): number[] {
  const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').split(' ').filter(Boolean)
  return children.map(Number).filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('git-helper'))
}

/** Processes of git that work in this folder. */
function gitsIn(folder: string): number[] {
  const found: number[] = []
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const cwd = readlinkSync(`/proc/${pid}/cwd`)
      if (cwd.startsWith(folder)) found.push(Number(pid))
    } catch {
      // It has ended.
    }
  }
  return found
}
