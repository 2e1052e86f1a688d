// What the tests of this folder share: a server with repositories, and mirrors of them in a folder of their own.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRepository, type GitHttp, type Repository, serveGitHttp } from '../../../../../proto/test/git-servers.ts'
import { createLog } from '../../log.ts'
import { createOutbound } from '../../outbound.ts'
import { readAllowed } from '../../outbound-rules.ts'
import { type GitCredentials, GitError, type GitMirror, type GitMirrors } from '../git.ts'
import type { GitBounds } from '../helper-messages.ts'
import { createGitMirrors } from '../mirrors.ts'

export const password = 'p w"\'$(x)'

export interface GitWorld extends AsyncDisposable {
  root: string
  data: string
  http: GitHttp
  repository(name?: string): Repository
  mirrors(over?: MirrorsOver): GitMirrors
  /** Of a repository of this server, with the right password. */
  mirror(name: string, mirrors?: GitMirrors): GitMirror
}

export interface MirrorsOver {
  allow?: string
  resolve?: (host: string) => Promise<string[]>
  bounds?: Partial<GitBounds>
  folder?: string
  path?: string
}

export async function openGitWorld(): Promise<GitWorld> {
  const root = mkdtempSync(join(tmpdir(), 'ansflow-git-test-'))
  const served = join(root, 'served')
  const data = join(root, 'data')
  mkdirSync(served)
  const http = await serveGitHttp(served, 'user', password)
  const all: GitMirrors[] = []
  let usual: GitMirrors | undefined

  const world: GitWorld = {
    root,
    data,
    http,
    repository(name = 'app') {
      const repository = createRepository(served, name)
      execFileSync('git', ['-C', repository.path, 'config', 'uploadpack.allowFilter', 'true'])
      return repository
    },
    mirrors({ allow = '127.0.0.1', resolve, bounds = {}, folder = data, path = process.env['PATH']! } = {}) {
      const mirrors = createGitMirrors({
        folder,
        environment: { PATH: path },
        outbound: createOutbound({ allowed: readAllowed(allow), ...(resolve ? { resolve } : {}) }),
        log: createLog('silent'),
        bounds,
      })
      all.push(mirrors)
      return mirrors
    },
    mirror(name, given) {
      usual ??= given ?? world.mirrors()
      const mirrors = given ?? usual
      return mirrors.open({ id: name, url: `${http.url}/${name}.git`, access: async () => right })
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(all.map((mirrors) => mirrors.stop()))
      await http[Symbol.asyncDispose]()
      rmSync(root, { recursive: true, force: true, maxRetries: 5 })
    },
  }
  return world
}

/** Requests of these repositories get no answer until it is called, and then that of the server. */
export function hold({ http }: GitWorld, isHeld: (url: string) => boolean): { held: string[]; go(): void } {
  let go = () => {}
  const gone = new Promise<void>((resolve) => {
    go = resolve
  })
  const held: string[] = []
  http.instead = async ({ url = '' }) => {
    if (!isHeld(url)) return false
    held.push(url)
    await gone
    return false
  }
  return { held, go }
}

export const right: GitCredentials = { kind: 'password', username: 'user', password }

export const soon = () => AbortSignal.timeout(20_000)

/** The fault, and what is said; 'done' if there was none. */
export async function faultOf(work: Promise<unknown>): Promise<[fault: string, message: string]> {
  try {
    await work
    return ['done', '']
  } catch (error) {
    if (error instanceof GitError) return [error.fault, error.message]
    throw error
  }
}
