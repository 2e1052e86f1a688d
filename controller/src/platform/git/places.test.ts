// The few places at servers: whoever waits for one repository keeps no other from being fetched or read.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { waitFor } from '../../../test/wait-for.ts'
import { faultOf, type GitWorld, hold, openGitWorld, right, soon } from './test/git-world.ts'

let world: GitWorld
beforeEach(async () => {
  world = await openGitWorld()
})
afterEach(() => world[Symbol.asyncDispose]())

const many = Array.from({ length: 6 }, (_, n) => n + 1)
const later = () => AbortSignal.timeout(60_000)

/** Of pull requests, all at the head of the repository. */
async function requestsOf(name: string, numbers: number[]) {
  const { git } = world.repository(name)
  git('push', '--quiet', 'origin', ...numbers.map((n) => `HEAD:refs/pull/${n}/head`))
  const mirror = world.mirror(name)
  await mirror.fetch(soon())
  return { mirror, head: git('rev-parse', 'HEAD') }
}

test('refs of one repository that are waited for keep no other repository from being fetched', async () => {
  const { mirror: slow, head } = await requestsOf('slow', many)
  world.repository('quick')
  const { held, go } = hold(world, (url) => url.startsWith('/slow.git/'))
  const waiting = many.map((n) => slow.fetchRef(`refs/pull/${n}/head`, later()))
  await waitFor(() => held.length > 0)
  const quick = world.mirror('quick')
  await quick.fetch(soon())
  expect((await quick.refs()).defaultBranch).toBe('main')
  // Nor are those that wait at the server, which would be told of many at once.
  expect(held).toHaveLength(1)
  go()
  expect(await Promise.all(waiting)).toEqual(many.map(() => head))
})

test('whoever asks for a ref that is being fetched shares the next fetch of it, and may leave', async () => {
  const { mirror, head } = await requestsOf('app', [7])
  const { held, go } = hold(world, (url) => url.includes('/info/refs'))
  const first = mirror.fetchRef('refs/pull/7/head', later())
  await waitFor(() => held.length > 0)
  const leaves = new AbortController()
  const left = faultOf(mirror.fetchRef('refs/pull/7/head', leaves.signal))
  const others = many.map(() => mirror.fetchRef('refs/pull/7/head', later()))
  leaves.abort()
  expect((await left)[0]).toBe('aborted')
  go()
  expect(await Promise.all([first, ...others])).toEqual([head, ...many.map(() => head)])
  // Git asks twice for each: once without the password.
  expect(held.length).toBeLessThanOrEqual(4)
  expect(await mirror.fetchRef('refs/pull/7/head', soon())).toBe(head)
})

test('copies that are to go once they are fetched keep nobody from reading', async () => {
  const names = many.slice(0, 4).map((n) => `slow${n}`)
  for (const name of [...names, 'quick']) world.repository(name)
  const mirrors = world.mirrors()
  const quick = world.mirror('quick', mirrors)
  await quick.fetch(soon())
  const { held, go } = hold(world, (url) => url.startsWith('/slow'))
  const fetched = names.map((name) => faultOf(world.mirror(name, mirrors).fetch(later())))
  await waitFor(() => held.length === names.length)
  const gone = names.map((name) => mirrors.forget(name))
  expect((await quick.refs()).defaultBranch).toBe('main')
  go()
  expect((await Promise.all(fetched)).map(([fault]) => fault)).toEqual(names.map(() => 'done'))
  await Promise.all(gone)
})

test('whoever asks while a repository is at another address than before gets the one copy of that', async () => {
  world.repository('old')
  const head = world.repository('new').commit('README', 'two\n')
  const mirrors = world.mirrors()
  const at = (name: string) =>
    mirrors.open({ id: 'one', url: `${world.http.url}/${name}.git`, access: async () => right })
  await at('old').fetch(soon())
  const mirror = at('new')
  const found = await Promise.all(many.map(() => mirror.commit('main')))
  expect(found.map((commit) => commit?.id)).toEqual(many.map(() => head))
})

test('whoever reads what a silent server has to give first is told so, and what it gives later is there', async () => {
  const { git } = world.repository('app')
  const head = git('rev-parse', 'HEAD')
  const { held, go } = hold(world, () => true)
  const mirror = world.mirror('app', world.mirrors({ bounds: { readMs: 300 } }))
  expect((await faultOf(mirror.refs()))[0]).toBe('unreachable')
  expect((await faultOf(mirror.commit('main')))[0]).toBe('unreachable')
  expect(held).toHaveLength(1)
  go()
  await waitFor(async () => (await mirror.commit('main').catch(() => undefined))?.id === head)
  // The content of a file comes after its copy.
  const later = hold(world, (url) => url.includes('/git-upload-pack') || url.includes('/info/refs'))
  expect((await faultOf(mirror.file(head, 'README', 100)))[0]).toBe('unreachable')
  later.go()
  await waitFor(async () => (await mirror.file(head, 'README', 100).catch(() => undefined)) === 'one\n')
})
