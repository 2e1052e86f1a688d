// Copies of repositories, from a real git server.
import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { longestTurn } from '../../../../proto/test/longest-turn.ts'
import { faultOf, type GitWorld, hold, openGitWorld, soon } from './test/git-world.ts'

let world: GitWorld
beforeEach(async () => {
  world = await openGitWorld()
})
afterEach(() => world[Symbol.asyncDispose]())

const noCommit = '0123456789'.repeat(4)

test('branches, tags and the default branch are those of the server, also after force pushes and deletions', async () => {
  const repository = world.repository()
  const { git } = repository
  const first = git('rev-parse', 'HEAD')
  git('tag', '-a', 'v1', '-m', 'one')
  git('tag', '-a', 'v1-again', '-m', 'a tag of a tag', 'v1')
  git('tag', 'main')
  git('push', '--quiet', 'origin', 'refs/tags/v1', 'refs/tags/v1-again', 'refs/tags/main', 'HEAD:refs/heads/a')
  const second = repository.commit('README', 'two\n')
  const mirror = world.mirror('app')
  await mirror.fetch(soon())
  expect(await mirror.refs()).toEqual({
    refs: [
      { name: 'refs/heads/a', commit: first },
      { name: 'refs/heads/main', commit: second },
      { name: 'refs/tags/main', commit: first },
      { name: 'refs/tags/v1', commit: first },
      { name: 'refs/tags/v1-again', commit: first },
    ],
    more: false,
    defaultBranch: 'main',
  })
  // Where both have the name, the branch.
  expect((await mirror.commit('main'))?.id).toBe(second)
  expect((await mirror.commit('refs/tags/main'))?.id).toBe(first)
  expect((await mirror.commit('v1'))?.id).toBe(first)

  git('push', '--quiet', 'origin', ':refs/heads/a', ':refs/tags/v1-again', 'HEAD:refs/heads/a/b')
  git('checkout', '--quiet', '--orphan', 'other')
  git('commit', '--quiet', '-m', 'anew')
  const anew = git('rev-parse', 'HEAD')
  git('push', '--quiet', '--force', 'origin', 'HEAD:refs/heads/main', 'HEAD:refs/heads/trunk')
  execFileSync('git', ['-C', repository.path, 'symbolic-ref', 'HEAD', 'refs/heads/trunk'])
  await mirror.fetch(soon())
  const now = await mirror.refs()
  expect(now.defaultBranch).toBe('trunk')
  expect(now.refs.map(({ name, commit }) => `${name} ${commit}`)).toEqual([
    `refs/heads/a/b ${second}`,
    `refs/heads/main ${anew}`,
    `refs/heads/trunk ${anew}`,
    `refs/tags/main ${first}`,
    `refs/tags/v1 ${first}`,
  ])
})

test('of a commit that is said to be new the server is not asked first what it has, and what it has is brought all the same', async () => {
  const repository = world.repository()
  const { git } = repository
  git('push', '--quiet', 'origin', 'HEAD:refs/heads/gone')
  const mirror = world.mirror('app')
  await mirror.fetch(soon())
  const asked = hold(world, (url) => url.includes('/info/refs'))
  asked.go()
  const handshakes = async (news?: string) => {
    asked.held.length = 0
    await mirror.fetch(soon(), news)
    return asked.held.length
  }
  const looks = await handshakes()
  const next = repository.commit('README', 'two\n')
  git('push', '--quiet', 'origin', ':refs/heads/gone', 'HEAD:refs/heads/a')
  // Once for what it brings, and not for a look before.
  expect(await handshakes(next)).toBe(looks)
  const { refs, defaultBranch } = await mirror.refs()
  expect(refs.map(({ name, commit }) => `${name} ${commit}`)).toEqual([
    `refs/heads/a ${next}`,
    `refs/heads/main ${next}`,
  ])
  expect(defaultBranch).toBe('main')
  // What the copy has is no news, and neither is a part of a name.
  repository.commit('README', 'three\n')
  expect(await handshakes(next)).toBe(2 * looks)
  const last = repository.commit('README', 'four\n')
  expect(await handshakes(last.slice(0, 12))).toBe(2 * looks)
  expect((await mirror.commit('main'))?.id).toBe(last)
  // Whoever shares it and knows of nothing new is told which branch is the default one by now.
  execFileSync('git', ['-C', repository.path, 'symbolic-ref', 'HEAD', 'refs/heads/a'])
  const five = repository.commit('README', 'five\n')
  await Promise.all([mirror.fetch(soon(), five), mirror.fetch(soon())])
  expect((await mirror.refs()).defaultBranch).toBe('a')
})

test('an empty repository has nothing', async () => {
  const { path } = world.repository()
  execFileSync('git', ['-C', path, 'update-ref', '-d', 'refs/heads/main'])
  const mirror = world.mirror('app')
  await mirror.fetch(soon())
  expect(await mirror.refs()).toEqual({ refs: [], more: false, defaultBranch: undefined })
  expect(await mirror.commit('main')).toBeUndefined()
  expect(await mirror.log('main', { limit: 5 })).toBeUndefined()
})

test('a commit counts as contained as long as a branch or a tag leads to it, and not by a ref that was brought by name', async () => {
  const repository = world.repository()
  const { git } = repository
  const base = git('rev-parse', 'HEAD')
  const gone = repository.commit('README', 'gone\n')
  const mirror = world.mirror('app')
  await mirror.fetch(soon())
  expect(await mirror.contains(gone)).toBe(true)
  git('reset', '--quiet', '--hard', base)
  const tip = git('commit-tree', '-p', base, '-m', 'of a fork', `${base}^{tree}`)
  git('push', '--quiet', '--force', 'origin', 'HEAD:main', `${tip}:refs/pull/12/head`)
  await mirror.fetch(soon())
  expect(await mirror.contains(base)).toBe(true)
  expect(await mirror.contains(gone)).toBe(false)
  expect(await mirror.contains(tip)).toBe(false)
  expect(await mirror.contains(noCommit)).toBe(false)
  expect(await mirror.fetchRef('refs/pull/12/head', soon())).toBe(tip)
  expect(await mirror.contains(tip)).toBe(false)
  expect(await mirror.mergeBase(tip, base)).toBe(base)
  // A fetch leaves it.
  repository.commit('README', 'on\n')
  await mirror.fetch(soon())
  expect((await mirror.commit(tip))?.id).toBe(tip)
  expect((await faultOf(mirror.fetchRef('refs/pull/13/head', soon())))[0]).toBe('missing')
  expect((await mirror.commit(tip))?.id).toBe(tip)
})

test('the facts of a commit are what it says, whatever it says', async () => {
  const { git } = world.repository()
  const raw = (text: string) => {
    writeFileSync(join(world.root, 'raw'), Buffer.from(text, 'latin1'))
    return git('hash-object', '-t', 'commit', '-w', '--literally', join(world.root, 'raw'))
  }
  const tree = git('rev-parse', 'HEAD^{tree}')
  const parent = git('rev-parse', 'HEAD')
  const who = 'J\xf6rg <j@example.test>'
  const latin = raw(
    `tree ${tree}\nparent ${parent}\nauthor ${who} 1700000000 +0100\ncommitter C <c@example.test> 1700000001 +0000\nencoding ISO-8859-1\n\nGr\xfc\xdfe\n\n${'x'.repeat(9000)}\n`,
  )
  git('push', '--quiet', 'origin', `${latin}:refs/heads/latin`)
  const found = await world.mirror('app').commit('latin')
  expect(found).toMatchObject({
    id: latin,
    parents: [parent],
    author: 'Jörg <j@example.test>',
    committedAt: new Date(1_700_000_001_000),
  })
  expect(found?.message).toHaveLength(4096)
  expect(found?.message.startsWith('Grüße\n\nxxx')).toBe(true)
})

test.each(['partial', 'full'])(
  'files are read at their commit, from a %s copy, and odd ones are refused',
  async (kind) => {
    const repository = world.repository()
    if (kind === 'full') execFileSync('git', ['-C', repository.path, 'config', 'uploadpack.allowFilter', 'false'])
    const { git } = repository
    const work = git('rev-parse', '--show-toplevel')
    mkdirSync(join(work, '.ansflow/ü\n'), { recursive: true })
    writeFileSync(join(work, '.ansflow/a.yaml'), 'name: eins ü\n')
    writeFileSync(join(work, '.ansflow/-b\nc.yaml'), 'odd')
    writeFileSync(join(work, '.ansflow/ü\n/x'), 'deep')
    writeFileSync(join(work, 'binary'), Buffer.from([1, 0, 2]))
    writeFileSync(join(work, 'latin'), Buffer.from('gr\xfc\xdfe', 'latin1'))
    writeFileSync(join(work, 'large'), 'x'.repeat(70_000))
    writeFileSync(join(work, 'empty'), '')
    symlinkSync('/etc/passwd', join(work, '.ansflow/link.yaml'))
    git('add', '-A')
    git('update-index', '--add', '--cacheinfo', `160000,${noCommit},sub`)
    git('commit', '--quiet', '-m', 'files')
    git('push', '--quiet', 'origin', 'HEAD')
    const before = git('rev-parse', 'HEAD')
    repository.commit('.ansflow/a.yaml', 'name: zwei\n')
    const mirror = world.mirror('app')
    const head = (await mirror.commit('main'))!.id
    const read = (path: string, most = 1000) => mirror.file(before, path, most)

    expect(await mirror.list(head, '.ansflow')).toEqual(['-b\nc.yaml', 'a.yaml'])
    expect(await mirror.list(head, '')).toContain('README')
    expect(await mirror.list(head, 'README')).toEqual([])
    // Those that are wanted while others come are brought together; each time is asked without and with the password.
    const fetches = () => world.http.asked.filter((path) => path.includes('info/refs')).length
    const at = fetches()
    expect(
      await Promise.all([read('.ansflow/a.yaml'), read('.ansflow/-b\nc.yaml'), read('.ansflow/ü\n/x'), read('empty')]),
    ).toEqual(['name: eins ü\n', 'odd', 'deep', ''])
    expect(fetches() - at).toBeLessThanOrEqual(kind === 'full' ? 0 : 4)
    expect(await mirror.file(head, '.ansflow/a.yaml', 1000)).toBe('name: zwei\n')
    expect(await read('.ansflow/nothing')).toBeUndefined()
    expect(await read('README/x')).toBeUndefined()
    expect(await read('large', 70_000)).toHaveLength(70_000)
    expect((await faultOf(read('large', 69_999)))[0]).toBe('too_large')
    expect((await faultOf(read('binary')))[0]).toBe('refused')
    expect((await faultOf(read('latin')))[0]).toBe('refused')
    expect((await faultOf(read('.ansflow/link.yaml')))[1]).toContain('symbolic link')
    expect((await faultOf(read('sub')))[1]).toContain('submodule')
    expect((await faultOf(read('.ansflow')))[1]).toContain('folder')
    expect((await faultOf(read('../x')))[0]).toBe('refused')
    expect((await faultOf(mirror.file(noCommit, 'README', 100)))[0]).toBe('missing')
  },
)

test('what differs between commits has both names of what was renamed, and odd names as they are', async () => {
  const repository = world.repository()
  const { git } = repository
  const base = git('rev-parse', 'HEAD')
  const work = git('rev-parse', '--show-toplevel')
  git('mv', 'README', 'LIESMICH')
  for (const name of ['-x', 'ü', 'a\nb', ' ']) writeFileSync(join(work, name), name)
  git('add', '-A')
  git('commit', '--quiet', '-m', 'odd')
  git('push', '--quiet', 'origin', 'HEAD')
  const mirror = world.mirror('app')
  const head = (await mirror.commit('main'))!.id
  const names = [' ', '-x', 'LIESMICH', 'a\nb', 'ü']
  const inOrder = async (of: string | undefined) => (await mirror.changed(of, head, 100)).paths.sort()
  expect(await inOrder(base)).toEqual([...names, 'README'].sort())
  expect(await inOrder(undefined)).toEqual(names)
  expect(await mirror.changed(base, head, 2)).toMatchObject({ paths: { length: 2 }, more: true })
  expect((await mirror.changed(base, head, 6)).more).toBe(false)
  expect((await faultOf(mirror.changed(noCommit, head, 10)))[0]).toBe('missing')
})

test('files of a commit are listed with what names their content, all or those at some places', async () => {
  const repository = world.repository()
  const { git } = repository
  const work = git('rev-parse', '--show-toplevel')
  mkdirSync(join(work, 'web/:(top)'), { recursive: true })
  for (const path of ['a\tb', 'web/lock', 'web/:(top)/x', 'weber']) writeFileSync(join(work, path), path)
  symlinkSync('README', join(work, 'web/link'))
  git('add', '-A')
  git('commit', '--quiet', '-m', 'files')
  git('push', '--quiet', 'origin', 'HEAD')
  const mirror = world.mirror('app')
  const head = (await mirror.commit('main'))!.id
  const listed = async (...under: string[]) =>
    (await mirror.tree(head, under, 100)).map((entry) => entry.slice(entry.indexOf('\t') + 1)).sort()
  expect(await mirror.tree(head, ['weber'], 100)).toEqual([`${git('rev-parse', 'HEAD:weber')}\tweber`])
  expect(await listed()).toEqual(['README', 'a\tb', 'web/:(top)/x', 'web/lock', 'weber'])
  expect(await listed('web', 'gone')).toEqual(['web/:(top)/x', 'web/lock'])
  expect(await listed('web/:(top)')).toEqual(['web/:(top)/x'])
  expect(await faultOf(mirror.tree(head, [], 4))).toEqual(['too_large', 'There are more than 4 files to look at.'])
  expect((await faultOf(mirror.tree(head, ['../x'], 4)))[0]).toBe('refused')
  expect((await faultOf(mirror.tree(noCommit, [], 4)))[0]).toBe('missing')
})

test('a push of 2,000 commits and 100,000 files holds nobody', { timeout: 60_000 }, async () => {
  const repository = world.repository()
  const mirror = world.mirror('app')
  const base = (await mirror.commit('main'))!.id
  const stream: string[] = []
  const person = 'committer T <t@example.test>'
  stream.push('blob\nmark :1\ndata 1\nx\n')
  for (let n = 1; n <= 2000; n += 1) {
    stream.push(`commit refs/heads/main\n${person} ${1_700_000_000 + n} +0000\ndata ${`c${n}`.length}\nc${n}\n`)
    if (n === 1) stream.push(`from ${base}\n`)
    else stream.push(`M ${n % 2 === 0 ? '100644' : '100755'} :1 switched\n`)
  }
  for (let file = 1; file < 100_000; file += 1) {
    stream.push(`M 100644 :1 src/package-${file % 300}/folder/file-${file}.ts\n`)
  }
  execFileSync('git', ['-C', repository.path, 'fast-import', '--quiet', '--force'], { input: stream.join('') })
  const began = performance.now()
  const heldByFetch = await longestTurn(mirror.fetch(soon()))
  const fetched = performance.now()
  const head = (await mirror.commit('main'))!.id
  const work = mirror.changed(base, head, 100_000)
  const heldByChanged = await longestTurn(work)
  const told = performance.now()
  const { paths, more } = await work
  expect([paths.length, more]).toEqual([100_000, false])
  const log = (await mirror.log(head, { limit: 1000, notIn: base }))!
  const rest = (await mirror.log(head, { limit: 1001, skip: 1000, notIn: base }))!
  expect([...log, ...rest].map(({ message }) => message)).toEqual(
    Array.from({ length: 2000 }, (_, n) => `c${2000 - n}`),
  )
  if (process.env['ANSFLOW_TEST_FIGURES']) {
    const figures = { fetch: fetched - began, changed: told - fetched, heldByFetch, heldByChanged }
    process.stdout.write(`${JSON.stringify(figures)}\n`)
  }
  expect(heldByFetch).toBeLessThan(50)
  expect(heldByChanged).toBeLessThan(50)
})

test('who asks while a fetch is under way shares the next', async () => {
  const repository = world.repository()
  const mirror = world.mirror('app')
  await mirror.fetch(soon())
  const looks = () => world.http.asked.filter((path) => path.includes('info/refs')).length
  let later: Promise<void>[] = []
  const before = looks()
  world.http.instead = () => {
    if (later.length > 0) return false
    repository.commit('README', 'while it was under way\n')
    later = [1, 2, 3].map(() => mirror.fetch(soon()))
    return false
  }
  await mirror.fetch(soon())
  await Promise.all(later)
  expect(later).toHaveLength(3)
  expect((await mirror.commit('main'))?.id).toBe(repository.git('rev-parse', 'HEAD'))
  // One that looked and fetched, and one that found nothing new: each asks twice, without and with the password.
  expect(looks() - before).toBeLessThanOrEqual(6)
})
