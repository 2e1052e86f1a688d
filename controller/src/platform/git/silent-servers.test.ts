// Servers that take a connection and then say nothing: what they hold up, and what becomes of whoever waits for them.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { waitFor } from '../../../test/wait-for.ts'
import { openPlaces } from './places.ts'
import { faultOf, type GitWorld, hold, openGitWorld, right, soon } from './test/git-world.ts'

let world: GitWorld
let other: GitWorld
beforeEach(async () => {
  world = await openGitWorld()
  other = await openGitWorld()
})
afterEach(() => Promise.all([world[Symbol.asyncDispose](), other[Symbol.asyncDispose]()]))

const later = () => AbortSignal.timeout(60_000)
const named = (count: number) => Array.from({ length: count }, (_, n) => `slow${n}`)

test.each(['the same server', 'another server'])(
  'four that say nothing keep no repository of %s from being fetched',
  async (which) => {
    const at = which === 'another server' ? other : world
    at.repository('quick')
    const names = named(4)
    for (const name of names) world.repository(name)
    const { held, go } = hold(world, (url) => url.startsWith('/slow'))
    const mirrors = world.mirrors({ bounds: { silentMs: 300 } })
    const slow = names.map((name) => faultOf(world.mirror(name, mirrors).fetch(later())))
    await waitFor(() => held.length === names.length)
    const quick = at.mirror('quick', mirrors)
    await quick.fetch(soon())
    expect((await quick.refs()).defaultBranch).toBe('main')
    // Whoever says something in the end was waited for: nobody needed what it had given up.
    go()
    expect((await Promise.all(slow)).map(([fault]) => fault)).toEqual(names.map(() => 'done'))
  },
)

test('of many that say nothing those that have been silent for longest are ended', async () => {
  const names = named(12)
  for (const name of names) world.repository(name)
  other.repository('quick')
  const { held, go } = hold(world, (url) => url.startsWith('/slow'))
  const mirrors = world.mirrors({ bounds: { silentMs: 300 } })
  const ended: string[] = []
  const slow = names.map(async (name) => {
    const told = await faultOf(world.mirror(name, mirrors).fetch(later()))
    if (told[0] !== 'done') ended.push(`/${name}.git`)
    return told
  })
  await waitFor(() => held.length >= 4)
  await other.mirror('quick', mirrors).fetch(soon())
  await waitFor(() => ended.length === 4)
  const first = held.slice(0, 4).map((url) => url.split('/info/')[0])
  expect(ended.sort()).toEqual(first.sort())
  go()
  const told = (await Promise.all(slow)).filter(([fault]) => fault !== 'done')
  const sentence = '127.0.0.1 has said nothing for 0.3 s, and others wait. Try again later.'
  expect(told).toEqual(ended.map(() => ['unreachable', sentence]))
  // What was ended comes the next time.
  await world.mirror('slow0', mirrors).fetch(soon())
})

test('whoever wants to a server that kept silent lately comes behind all others, and has one place', async () => {
  const { at } = openPlaces(20)
  const begun: string[] = []
  const ends: Record<string, () => void> = {}
  const stays = (name: string, server: string) =>
    at(server, () => {
      begun.push(name)
      return new Promise<void>((end) => {
        ends[name] = end
      })
    })
  const never = new AbortController()
  const silent = [0, 1, 2, 3].map(() =>
    at('slow:1', (place) =>
      place.asks(
        never.signal,
        (_heard, signal) =>
          new Promise<void>((end) => {
            signal.addEventListener('abort', () => end())
          }),
      ),
    ),
  )
  const works = ['a', 'b', 'c', 'd'].map((name) => stays(name, 'quick:1'))
  await waitFor(() => begun.length === 4)
  works.push(stays('s1', 'slow:1'), stays('s2', 'slow:1'), stays('e', 'quick:1'))
  ends['a']!()
  await waitFor(() => begun.length === 5)
  expect(begun[4]).toBe('e')
  ends['b']!()
  await waitFor(() => begun.length === 6)
  expect(begun[5]).toBe('s1')
  // Though there is room.
  ends['c']!()
  ends['d']!()
  await works[3]
  works.push(stays('f', 'quick:1'))
  await waitFor(() => begun.length === 7)
  expect(begun[6]).toBe('f')
  ends['s1']!()
  await waitFor(() => begun.length === 8)
  expect(begun[7]).toBe('s2')
  for (const name of ['e', 'f', 's2']) ends[name]!()
  never.abort()
  await Promise.all([...works, ...silent])
})

test('whoever is told a little now and then gives its place up in the end, and goes on beside', async () => {
  const { at } = openPlaces(20)
  const done = new AbortController()
  const dripped: number[] = []
  const drips = [0, 1, 2, 3].map((n) =>
    at('drips:1', (place) =>
      place.asks(done.signal, async (heard, signal) => {
        const drip = setInterval(heard, 5)
        await new Promise<void>((end) => {
          signal.addEventListener('abort', () => end(), { once: true })
        })
        clearInterval(drip)
        dripped.push(n)
      }),
    ),
  )
  expect(await at('quick:1', async () => 'quick')).toBe('quick')
  // Nobody has ended them.
  expect(dripped).toEqual([])
  done.abort()
  await Promise.all(drips)
  expect(dripped).toHaveLength(4)
})

test('a proposal that waits for a silent server gives its place up as well', async () => {
  const names = named(4)
  const mirrors = world.mirrors({ bounds: { silentMs: 300 } })
  const pushes = names.map(async (name) => {
    const parent = world.repository(name).git('rev-parse', 'HEAD')
    const mirror = world.mirror(name, mirrors)
    expect(await mirror.file(parent, 'README', 100)).toBe('one\n')
    return { mirror, parent }
  })
  const ready = await Promise.all(pushes)
  other.repository('quick')
  const { held, go } = hold(world, (url) => url.startsWith('/slow'))
  const person = { name: 'Ada', mail: 'ada@example.test' }
  const file = { path: 'README', text: 'two\n', message: 'Say two', author: person, committer: person, at: new Date(0) }
  const pushed = ready.map(({ mirror, parent }) =>
    faultOf(mirror.pushFile({ ...file, branch: 'proposal', expected: undefined, parent }, later())),
  )
  await waitFor(() => held.length === names.length)
  await mirrors.open({ id: 'quick', url: `${other.http.url}/quick.git`, access: async () => right }).fetch(soon())
  go()
  expect((await Promise.all(pushed)).map(([fault]) => fault)).toEqual(names.map(() => 'done'))
})
