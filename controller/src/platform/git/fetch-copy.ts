// Brings a copy to what the server has now. One that git cannot work with is thrown away and made anew, once.
import { mkdir } from 'node:fs/promises'
import { type Copies, type Copy, packBytes, queued } from './copies.ts'
import { type GitBounds, HelperError, type Remote, type Requests } from './helper-messages.ts'
import type { Place, Places } from './places.ts'
import { promisorSettings, type RemoteRun, runRemoteGit } from './remote-git.ts'
import { gitSettings, runGit } from './run-git.ts'

export interface Fetching {
  copies: Copies
  env: Record<string, string>
  bounds: GitBounds
  places: Places
}

/** Of who has a place at a server. */
export interface AtServer extends Fetching {
  place: Place
}

/** What is known of a copy once it was changed. */
type After = { defaultBranch: string | undefined; isWhole: boolean }

const branches = 'refs/heads/'
const tags = 'refs/tags/'
const lookMs = 60_000
const watchMs = 250
/** Each fetch makes one. */
const mostPacks = 40

function fetchWords(isWhole: boolean): string[] {
  const filter = isWhole ? '--no-filter' : '--filter=blob:none'
  const rest = ['--no-recurse-submodules', '--no-write-fetch-head', '--no-auto-maintenance', '--progress']
  return ['fetch', '--force', '--no-tags', filter, ...rest]
}

/** Only those whose turn with their copy it is have a place: many who wait for one repository keep no other from being fetched. */
export function inTurn<T>(
  by: Fetching,
  copy: Copy,
  { host, port }: Remote,
  signal: AbortSignal,
  work: (at: AtServer) => Promise<T>,
): Promise<T> {
  return queued(copy, () =>
    by.places.at(`${host}:${port}`, (place) => {
      if (signal.aborted) throw new HelperError('aborted', 'It is not wanted any more.')
      return work({ ...by, place })
    }),
  )
}

export function fetchCopy(
  by: Fetching,
  copy: Copy,
  { remote, news }: Requests['fetch'],
  signal: AbortSignal,
): Promise<void> {
  return inTurn(by, copy, remote, signal, async (at) => {
    if (!(await by.copies.isSound(copy))) await by.copies.discard(copy)
    await mkdir(copy.folder, { recursive: true, mode: 0o700 })
    let defaultBranch = copy.state?.defaultBranch
    if (!copy.state || news === undefined || (await by.copies.reader(copy).info(news))) {
      const server = await refsOfServer(at, copy, remote, signal)
      defaultBranch = server.defaultBranch
      if (copy.state && (await hasAll(by, copy, server.refs))) {
        await by.copies.endChange(copy, { ...copy.state, defaultBranch })
        return
      }
    }
    const refspecs = [branches, tags].map((refs) => `+${refs}*:${refs}*`)
    await change(by, copy, signal, async (watched) => {
      await remoteRun(at, copy, remote, watched, {
        args: [...fetchWords(copy.state?.isWhole ?? false), '--prune', '--end-of-options', 'origin', ...refspecs],
      })
      await tidy(by, copy, watched)
      return { defaultBranch, isWhole: copy.state?.isWhole ?? false }
    })
  })
}

export async function fetchRef(
  by: Fetching,
  copy: Copy,
  remote: Remote,
  ref: string,
  signal: AbortSignal,
): Promise<string> {
  await inTurn(by, copy, remote, signal, (at) => {
    stateOf(copy)
    return change(by, copy, signal, async (watched) => {
      const before = stateOf(copy)
      await remoteRun(at, copy, remote, watched, {
        args: [...fetchWords(before.isWhole), '--end-of-options', 'origin', `+${ref}:${ref}`],
      })
      return before
    })
  })
  const found = await by.copies.reader(copy).info(`${ref}^{commit}`)
  if (!found) throw new HelperError('refused', `${ref} does not stand on a commit.`)
  return found.id
}

/** Contents of files, which are left out otherwise. */
export function fetchBlobs(
  by: Fetching,
  copy: Copy,
  remote: Remote,
  blobs: string[],
  signal: AbortSignal,
): Promise<void> {
  return inTurn(by, copy, remote, signal, (at) => {
    stateOf(copy)
    return change(by, copy, signal, async (watched) => {
      const before = stateOf(copy)
      const args = ['-c', 'fetch.negotiationAlgorithm=noop', ...fetchWords(false), '--stdin', 'origin']
      try {
        await remoteRun(at, copy, remote, watched, { args, input: `${blobs.join('\n')}\n` })
        return before
      } catch (error) {
        if (!(error instanceof HelperError) || !/unadvertised object/.test(error.message)) throw error
      }
      await fetchWhole(at, copy, remote, watched)
      return { ...before, isWhole: true }
    })
  })
}

/** Also of one that was thrown away in between: it lacks all else, and is no copy of anything. */
export function stateOf({ state }: Copy): After {
  if (!state) throw new HelperError('absent', 'The repository has not been fetched.')
  return { defaultBranch: state.defaultBranch, isWhole: state.isWhole }
}

/** Over the older protocol a server may give only what refs stand on: then all files of all commits are brought. */
async function fetchWhole(at: AtServer, copy: Copy, remote: Remote, signal: AbortSignal): Promise<void> {
  const args = ['for-each-ref', '--format=%(refname)']
  const { output } = await runGit({ cwd: copy.folder, env: at.env, args, mostMs: lookMs, signal })
  const others = output.split('\n').filter((ref) => ref !== '' && !ref.startsWith(branches) && !ref.startsWith(tags))
  const refspecs = [`+${branches}*:${branches}*`, `+${tags}*:${tags}*`, ...others.map((ref) => `+${ref}:${ref}`)]
  await remoteRun(at, copy, remote, signal, {
    args: [...fetchWords(true), '--refetch', '--stdin', 'origin'],
    input: `${refspecs.join('\n')}\n`,
  })
}

export function remoteRun(
  { env, bounds, copies, place }: AtServer,
  copy: Copy,
  remote: Remote,
  signal: AbortSignal,
  run: Pick<RemoteRun, 'args' | 'input' | 'isPush'>,
) {
  const where = { remote, env, folder: copies.folder, cwd: copy.folder, mostMs: bounds.fetchMs }
  return place.asks(signal, (onHeard, wanted) => runRemoteGit({ ...run, ...where, signal: wanted, onHeard }))
}

export async function change(
  by: Fetching,
  copy: Copy,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<After>,
): Promise<void> {
  for (let isAgain = copy.state === undefined; ; isAgain = true) {
    const tooLarge = new AbortController()
    const watch = setInterval(async () => {
      if ((await packBytes(copy.folder)) > by.bounds.mirrorBytes) tooLarge.abort()
    }, watchMs)
    try {
      await by.copies.beginChange(copy)
      if (!copy.state) await makeEmpty(by, copy)
      const after = await work(AbortSignal.any([signal, tooLarge.signal]))
      if ((await packBytes(copy.folder)) > by.bounds.mirrorBytes) tooLarge.abort()
      if (!tooLarge.signal.aborted) return await by.copies.endChange(copy, after)
      throw new HelperError('too_large', '')
    } catch (error) {
      const isTooLarge = tooLarge.signal.aborted
      const fault = isTooLarge ? 'too_large' : error instanceof HelperError ? error.fault : 'failed'
      // What git has brought by then is whole, and what it has not is not there. Only what it cannot work with is thrown away.
      if (copy.state && !isTooLarge && fault !== 'failed') {
        await by.copies.endChange(copy, copy.state)
        throw error
      }
      await by.copies.discard(copy)
      if (isTooLarge) {
        const most = Math.round(by.bounds.mirrorBytes / (1 << 20))
        throw new HelperError(
          'too_large',
          `The repository has more than ${most} MiB, the most that the controller keeps of one.`,
        )
      }
      if (fault !== 'failed' || isAgain || signal.aborted) throw error
    } finally {
      clearInterval(watch)
    }
  }
}

async function makeEmpty({ env }: Fetching, copy: Copy): Promise<void> {
  await mkdir(copy.folder, { recursive: true, mode: 0o700 })
  const { code, complaint } = await runGit({
    cwd: copy.folder,
    env,
    args: ['init', '--quiet', '--bare', '--template=', '--initial-branch=main'],
    mostMs: lookMs,
  })
  if (code !== 0)
    throw new HelperError('failed', `The copy of the repository could not be made: ${complaint.slice(0, 300).trim()}`)
}

async function tidy({ env, bounds }: Fetching, copy: Copy, signal: AbortSignal): Promise<void> {
  const { output } = await runGit({ cwd: copy.folder, env, args: ['count-objects', '-v'], mostMs: lookMs, signal })
  if (Number(/^packs: (\d+)$/m.exec(output)?.[1] ?? 0) <= mostPacks) return
  const settings = gitSettings([...promisorSettings, ['remote.origin.url', copy.url]])
  await runGit({
    cwd: copy.folder,
    env: { ...env, ...settings },
    args: ['gc', '--quiet', '--prune=now'],
    mostMs: bounds.fetchMs,
    signal,
  })
  copy.reader?.end()
}

interface ServerRefs {
  refs: Map<string, string>
  defaultBranch: string | undefined
}

async function refsOfServer(
  { env, bounds, copies, place }: AtServer,
  copy: Copy,
  remote: Remote,
  signal: AbortSignal,
): Promise<ServerRefs> {
  const refs = new Map<string, string>()
  let head: string | undefined
  let rest = ''
  const run: Omit<RemoteRun, 'signal'> = {
    remote,
    env,
    folder: copies.folder,
    cwd: copy.folder,
    mostMs: lookMs,
    args: ['ls-remote', '--symref', '--end-of-options', 'origin', 'HEAD', `${branches}*`, `${tags}*`],
    onOutput(chunk) {
      const lines = (rest + chunk.toString('latin1')).split('\n')
      rest = lines.pop()!
      for (const line of lines) {
        const [what = '', name = ''] = line.split('\t')
        if (name === 'HEAD') head ??= /^ref: refs\/heads\/(.+)$/.exec(what)?.[1]
        else if ((name.startsWith(branches) || name.startsWith(tags)) && !name.endsWith('^{}')) refs.set(name, what)
      }
      return refs.size <= bounds.refs
    },
  }
  const { why } = await place.asks(signal, (onHeard, wanted) => runRemoteGit({ ...run, signal: wanted, onHeard }))
  if (why === 'enough')
    throw new HelperError('too_large', `The repository has more than ${bounds.refs} branches and tags.`)
  return { refs, defaultBranch: head === undefined ? undefined : Buffer.from(head, 'latin1').toString() }
}

async function hasAll({ env }: Fetching, copy: Copy, refs: Map<string, string>): Promise<boolean> {
  let count = 0
  let isSame = true
  let rest = ''
  const { code } = await runGit({
    cwd: copy.folder,
    env,
    args: ['for-each-ref', '--format=%(objectname)%09%(refname)', branches, tags],
    mostMs: lookMs,
    onOutput(chunk) {
      const lines = (rest + chunk.toString('latin1')).split('\n')
      rest = lines.pop()!
      for (const line of lines) {
        const [id, name = ''] = line.split('\t')
        count += 1
        isSame &&= refs.get(name) === id
      }
      return isSame
    },
  })
  return isSame && code === 0 && count === refs.size
}
