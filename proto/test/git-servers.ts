// Owns real git servers for tests: a repository on disk, smart HTTP with a password, and ssh with keys.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { userInfo } from 'node:os'
import { dirname, join } from 'node:path'

export interface Repository {
  path: string
  /** Runs git in a clone that pushes to it. */
  git(...args: string[]): string
  commit(file: string, text: string): string
}

const identity = {
  GIT_AUTHOR_NAME: 'T',
  GIT_AUTHOR_EMAIL: 't@localhost',
  GIT_COMMITTER_NAME: 'T',
  GIT_COMMITTER_EMAIL: 't@localhost',
}

/** A bare repository with one commit on `main`. */
export function createRepository(root: string, name: string): Repository {
  const path = join(root, `${name}.git`)
  const work = join(root, `${name}-work`)
  const env = {
    PATH: process.env['PATH']!,
    HOME: root,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_ALLOW_PROTOCOL: 'file',
    ...identity,
  }
  execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', path], { env })
  execFileSync('git', ['clone', '--quiet', path, work], { env, stdio: 'ignore' })
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: work, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim()
  const repository: Repository = {
    path,
    git,
    commit(file, text) {
      mkdirSync(dirname(join(work, file)), { recursive: true })
      writeFileSync(join(work, file), text)
      git('add', file)
      git('commit', '--quiet', '-m', `change ${file}`)
      git('push', '--quiet', 'origin', 'HEAD')
      return git('rev-parse', 'HEAD')
    },
  }
  git('checkout', '--quiet', '-b', 'main')
  repository.commit('README', 'one\n')
  return repository
}

export interface GitHttp extends AsyncDisposable {
  url: string
  /** What clients have sent as authorization. */
  authorizations: Set<string>
  /** Paths with their queries, in the order of the requests. */
  asked: string[]
  /** Of a test: answers in the place of git, and says so. */
  instead: ((request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>) | undefined
}

/** `git http-backend` behind Basic authentication; an empty password means none is needed. */
export async function serveGitHttp(root: string, user: string, password: string): Promise<GitHttp> {
  const backend = join(execFileSync('git', ['--exec-path'], { encoding: 'utf8' }).trim(), 'git-http-backend')
  const authorizations = new Set<string>()
  const asked: string[] = []
  const server = createServer(async (request, response) => {
    asked.push(request.url ?? '')
    if (await served.instead?.(request, response)) return
    const given = request.headers.authorization ?? ''
    if (given) authorizations.add(given)
    if (password && given !== `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end()
      return
    }
    const url = new URL(request.url!, 'http://localhost')
    const child = spawn(backend, {
      env: {
        PATH: process.env['PATH']!,
        GIT_PROJECT_ROOT: root,
        GIT_HTTP_EXPORT_ALL: '1',
        // Whoever was let in may push.
        REMOTE_USER: user,
        PATH_INFO: decodeURIComponent(url.pathname),
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: request.method!,
        CONTENT_TYPE: request.headers['content-type'] ?? '',
        HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
        GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
        GIT_CONFIG_COUNT: '1',
        GIT_CONFIG_KEY_0: 'safe.directory',
        GIT_CONFIG_VALUE_0: '*',
      },
    })
    child.stdin.on('error', () => {})
    request.pipe(child.stdin)
    let head = Buffer.alloc(0)
    let headDone = false
    child.stdout.on('data', (chunk: Buffer) => {
      if (headDone) return void response.write(chunk)
      head = Buffer.concat([head, chunk])
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) return
      headDone = true
      for (const line of head.subarray(0, end).toString().split('\r\n')) {
        const [name = '', value = ''] = line.split(': ')
        if (name === 'Status') response.statusCode = Number.parseInt(value, 10)
        else response.setHeader(name, value)
      }
      response.write(head.subarray(end + 4))
    })
    child.on('close', () => response.end())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const served: GitHttp = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    authorizations,
    asked,
    instead: undefined,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
  return served
}

export interface GitSsh extends AsyncDisposable {
  url: string
  privateKey: string
  knownHosts: string
}

const SSHD = '/usr/sbin/sshd'

/** A real sshd of our own on a free port. */
export async function serveGitSsh(root: string): Promise<GitSsh> {
  if (!existsSync(SSHD)) throw new Error(`This test needs ${SSHD}: apt-get install openssh-server.`)
  const folder = join(root, 'sshd')
  mkdirSync(folder, { mode: 0o700 })
  mkdirSync('/run/sshd', { recursive: true })
  for (const name of ['host', 'client'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 't', '-f', join(folder, name)])
  const port = await freePort()
  const config = [
    `ListenAddress 127.0.0.1:${port}`,
    `HostKey ${join(folder, 'host')}`,
    `AuthorizedKeysFile ${join(folder, 'client.pub')}`,
    'StrictModes no',
    'UsePAM no',
    'PidFile none',
    'PasswordAuthentication no',
  ]
  writeFileSync(join(folder, 'config'), `${config.join('\n')}\n`)
  const child = spawn(SSHD, ['-D', '-e', '-f', join(folder, 'config')], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  await new Promise<void>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (said.includes('Server listening')) resolve()
    })
    child.once('close', () => reject(new Error(`sshd does not listen:\n${said}`)))
  })
  const [type, key] = readFileSync(join(folder, 'host.pub'), 'utf8').split(' ')
  return {
    url: `ssh://${userInfo().username}@127.0.0.1:${port}`,
    privateKey: readFileSync(join(folder, 'client'), 'utf8'),
    knownHosts: `[127.0.0.1]:${port} ${type} ${key}`,
    async [Symbol.asyncDispose]() {
      child.kill()
      await once(child, 'close')
    },
  }
}

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
