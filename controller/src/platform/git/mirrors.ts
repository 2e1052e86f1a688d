// Copies of repositories for features: what they ask is checked here, where a server is and what it is told is found out here, and
// git itself runs in the helper.
import { gitRefProblem } from '@ansflow/proto/steps/git-url'
import { saidText } from '@ansflow/proto/texts/said-text'
import type { Logger } from '../log.ts'
import { type Outbound, OutboundError } from '../outbound.ts'
import type { CommitFacts } from './commit-object.ts'
import { type GitCommit, GitError, type GitMirror, type GitMirrors, type GitRef, type GitRepository } from './git.ts'
import { gitAddress } from './git-address.ts'
import { CopyAbsent, type HelperAnswer, helperLink } from './helper-link.ts'
import type { GitBounds, Method, Remote, Requests } from './helper-messages.ts'
import { sharedByName, sharedWork } from './shared-work.ts'

interface Deps {
  /** Of copies: below it each process has its own. */
  folder: string
  /** What git needs of this host's: PATH, and where certificates are. */
  environment: Record<string, string>
  outbound: Outbound
  log: Logger
  bounds?: Partial<GitBounds>
}

const usual: GitBounds = {
  mirrorBytes: 4 * 2 ** 30,
  fetchMs: 10 * 60_000,
  readMs: 20_000,
  silentMs: 20_000,
  allBytes: 20 * 2 ** 30,
  allCount: 500,
  refs: 50_000,
}

const mostReplaced = 16 << 20

export function createGitMirrors({ folder, environment, outbound, log, bounds }: Deps): GitMirrors {
  const bounded = { ...usual, ...bounds }
  const link = helperLink({ folder, environment, bounds: bounded }, log)
  const opened = new Map<string, { repository: GitRepository; mirror: GitMirror }>()
  const stopping = new AbortController()

  async function remoteOf({ url, access }: GitRepository, signal: AbortSignal, isPush: boolean): Promise<Remote> {
    const address = gitAddress(url)
    try {
      const addresses = await outbound.addresses(address.host, signal)
      return { ...address, addresses, credentials: await access(signal, isPush) }
    } catch (error) {
      if (signal.aborted) throw unwanted()
      if (error instanceof OutboundError)
        throw new GitError(error.fault === 'refused' ? 'refused' : 'unreachable', error.message)
      throw error
    }
  }

  function mirrorOf(id: string): GitMirror {
    const current = () => {
      const found = opened.get(id)
      if (!found) throw new GitError('aborted', 'The repository was removed.')
      return found.repository
    }
    const target = () => ({ id, url: gitAddress(current().url).url })

    async function atServer<M extends 'fetch' | 'fetchRef' | 'fetchBlobs' | 'pushFile'>(
      method: M,
      input: Omit<Requests[M], 'remote'>,
      given: AbortSignal,
    ): Promise<HelperAnswer> {
      const signal = AbortSignal.any([given, stopping.signal])
      const remote = await remoteOf(current(), signal, method === 'pushFile')
      return link.ask({ id, url: remote.url }, method, { ...input, remote } as Requests[M], signal)
    }

    /** What those who share the next fetch know to be new; empty: one of them knows nothing. */
    let news = new Set<string | undefined>()
    const fetchNext = sharedWork((signal) => {
      const [first, ...others] = news
      news = new Set()
      return atServer('fetch', others.length === 0 && first !== undefined ? { news: first } : {}, signal)
    })
    const fetchShared = (signal: AbortSignal, of?: string) => {
      news.add(of)
      return fetchNext(signal)
    }
    /** Files that are wanted while others are being brought come together. */
    const blobs = new Set<string>()
    const blobsShared = sharedWork(async (signal) => {
      const all = [...blobs]
      blobs.clear()
      await retried(() => atServer('fetchBlobs', { blobs: all }, signal), signal)
    })

    const refShared = sharedByName((ref, signal) => retried(() => atServer('fetchRef', { ref }, signal), signal))

    async function retried<T>(
      work: () => Promise<T>,
      signal: AbortSignal,
      wait = (fetched: Promise<unknown>) => fetched,
    ): Promise<T> {
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof CopyAbsent)) throw error
      }
      await wait(fetchShared(signal))
      try {
        return await work()
      } catch (error) {
        if (error instanceof CopyAbsent) throw new GitError('failed', error.message)
        throw error
      }
    }

    const read = <M extends Method>(method: M, input: Requests[M]) =>
      retried(() => link.ask(target(), method, input, stopping.signal), stopping.signal, answered)

    /** What is asked of the server goes on; whoever reads is not kept for as long as a server may keep silent. */
    async function answered(asked: Promise<unknown>): Promise<void> {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<never>((_, reject) => {
        const message = `The server has not given the repository within ${bounded.readMs / 1000} s. Try again later.`
        timer = setTimeout(() => reject(new GitError('unreachable', message)), bounded.readMs)
      })
      try {
        await Promise.race([asked, late])
      } finally {
        clearTimeout(timer)
      }
    }

    async function readFile(commit: string, path: string, mostBytes: number): Promise<string | undefined> {
      const input = { commit: hashOf(commit), path: pathOf(path), mostBytes }
      let found = await read('file', input)
      if (typeof found.missing === 'string') {
        blobs.add(found.missing)
        await answered(blobsShared(stopping.signal))
        found = await read('file', input)
      }
      if (!found.isThere) return undefined
      if (!found.isText) throw new GitError('unreachable', 'The server did not give the content of the file.')
      return (found.items as string[]).join('')
    }

    return {
      async fetch(signal, of) {
        await wanted(signal, fetchShared(signal, of !== undefined && isHash(of) ? of : undefined))
      },
      async refs() {
        const { items, more, defaultBranch } = await read('refs', {})
        return { refs: items as GitRef[], more: more === true, defaultBranch: defaultBranch as string | undefined }
      },
      async commit(revision) {
        const { commit } = await read('commit', { revision: revisionOf(revision) })
        return commit ? commitOf(commit as CommitFacts) : undefined
      },
      async log(from, { limit, skip = 0, notIn }) {
        const input = {
          from: revisionOf(from),
          limit: count(limit, 1000),
          skip: count(skip, 1e6),
          notIn: notIn && hashOf(notIn),
        }
        const { items, isThere } = await read('log', input)
        return isThere ? (items as CommitFacts[]).map(commitOf) : undefined
      },
      file: readFile,
      async list(commit, folder) {
        const { items } = await read('list', { commit: hashOf(commit), folder: folder === '' ? '' : pathOf(folder) })
        return items as string[]
      },
      async mergeBase(a, b) {
        const { commit } = await read('mergeBase', { a: hashOf(a), b: hashOf(b) })
        return commit as string | undefined
      },
      async changed(base, head, most) {
        const input = {
          base: base === undefined ? undefined : hashOf(base),
          head: hashOf(head),
          most: count(most, 1e6),
        }
        const { items, more } = await read('changed', input)
        return { paths: items as string[], more: more === true }
      },
      async tree(commit, under, most) {
        const input = { commit: hashOf(commit), under: under.map(pathOf), most: count(most, 1e6) }
        return (await read('tree', input)).items as string[]
      },
      async contains(commit) {
        return (await read('contains', { commit: hashOf(commit) })).isContained === true
      },
      async fetchRef(ref, signal) {
        if (!ref.startsWith('refs/') || ref.startsWith('refs/replace/')) {
          throw new GitError('refused', `${JSON.stringify(ref)} is no full name of a ref, such as refs/pull/1/head.`)
        }
        checkRef(ref)
        return (await wanted(signal, refShared(ref, signal))).commit as string
      },
      async pushFile({ at, ...file }, signal) {
        checkRef(file.branch)
        hashOf(file.parent)
        if (file.expected !== undefined) hashOf(file.expected)
        // Over HTTP git packs against what is replaced, whatever it is told: it has to be here.
        await readFile(file.parent, file.path, mostReplaced)
        const seconds = Math.floor(at.getTime() / 1000)
        const work = () => atServer('pushFile', { file: { ...file, at: seconds } }, signal)
        return (await retried(work, signal)).commit as string
      },
    }
  }

  return {
    open(repository) {
      const { id, url } = repository
      if (!/^[A-Za-z0-9_-]{1,64}$/.test(id))
        throw new GitError('refused', `${JSON.stringify(id)} is no id of a repository.`)
      gitAddress(url)
      const known = opened.get(id)
      if (known) known.repository = repository
      const mirror = known?.mirror ?? mirrorOf(id)
      opened.set(id, { repository, mirror })
      return mirror
    },
    async forget(id) {
      opened.delete(id)
      await link.ask({ id, url: '' }, 'forget', {})
    },
    async stop() {
      stopping.abort()
      await link.stop()
    },
  }
}

/** For one of those who share it, as long as they want it. */
async function wanted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw signal.aborted ? unwanted() : error
  }
}

function unwanted(): GitError {
  return new GitError('aborted', 'It is not wanted any more.')
}

function commitOf({ committedAt, ...facts }: CommitFacts): GitCommit {
  return { ...facts, committedAt: new Date(committedAt) }
}

function isHash(commit: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(commit)
}

function hashOf(commit: string): string {
  if (!isHash(commit)) {
    throw new GitError('refused', 'A commit is 40 or 64 hexadecimal digits.')
  }
  return commit
}

function revisionOf(revision: string): string {
  if (revision === '') throw new GitError('refused', 'A branch, tag or commit is missing.')
  checkRef(revision)
  return revision
}

function checkRef(ref: string): void {
  const problem = gitRefProblem(ref)
  if (problem) throw new GitError('refused', saidText(problem))
}

/** As git has them: relative, with `/`, and nothing that would lead elsewhere. */
function pathOf(path: string): string {
  const names = path.split('/')
  if (path.length > 4096 || path.includes('\0') || names.some((name) => name === '' || name === '.' || name === '..')) {
    throw new GitError(
      'refused',
      'The path must be relative to the top of the repository, without "..", such as ci/build.yaml.',
    )
  }
  return path
}

function count(wanted: number, most: number): number {
  return Math.min(Math.max(Math.trunc(wanted) || 0, 0), most)
}
