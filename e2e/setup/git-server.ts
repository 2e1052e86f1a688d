// A git repository served over smart HTTP by git's own CGI program, as a forge would.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { createServer, type Server } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { runCommand } from '../../deploy/dev/run-command.ts'

export class GitServer implements AsyncDisposable {
  readonly #server: Server
  port = 0

  /** Serves the bare repositories in `folder`. */
  constructor(folder: string) {
    this.#server = createServer((request, response) => {
      const url = new URL(request.url ?? '/', 'http://git')
      const cgi: ChildProcessWithoutNullStreams = spawn('git', ['http-backend'], {
        env: {
          PATH: process.env.PATH,
          GIT_PROJECT_ROOT: folder,
          GIT_HTTP_EXPORT_ALL: '1',
          PATH_INFO: decodeURIComponent(url.pathname),
          QUERY_STRING: url.search.slice(1),
          REQUEST_METHOD: request.method ?? 'GET',
          CONTENT_TYPE: request.headers['content-type'] ?? '',
          GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
        },
      })
      // git's program may answer and end before it has read all of a request, as any web server's may.
      cgi.stdin.on('error', () => {})
      const body: Buffer[] = []
      request.on('data', (chunk: Buffer) => body.push(chunk))
      request.on('end', () => {
        const bytes = Buffer.concat(body)
        cgi.stdin.end(request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes)
      })
      let head = Buffer.alloc(0)
      let started = false
      cgi.stdout.on('data', (chunk: Buffer) => {
        if (started) {
          response.write(chunk)
          return
        }
        head = Buffer.concat([head, chunk])
        const end = head.indexOf('\r\n\r\n')
        if (end < 0) return
        started = true
        for (const line of head.subarray(0, end).toString().split('\r\n')) {
          const [name = '', ...value] = line.split(': ')
          if (name.toLowerCase() === 'status') response.statusCode = Number.parseInt(value.join(': '), 10)
          else response.setHeader(name, value.join(': '))
        }
        response.write(head.subarray(end + 4))
      })
      cgi.stdout.on('end', () => response.end())
    })
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    const address = this.#server.address()
    this.port = typeof address === 'object' && address ? address.port : 0
    return this
  }

  url(repository: string): string {
    return `http://127.0.0.1:${this.port}/${repository}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** Makes a bare repository `<folder>/<name>` with one commit of what is in `content`. */
export async function bareRepository(folder: string, name: string, content: string): Promise<void> {
  const git = (...args: string[]) =>
    runCommand(
      'git',
      ['-c', 'user.name=Test', '-c', 'user.email=test@example.test', '-c', 'commit.gpgsign=false', ...args],
      { cwd: content },
    )
  await git('init', '-q', '-b', 'main')
  await git('add', '-A', '-f')
  await git('commit', '-q', '-m', 'Import')
  await runCommand('git', ['clone', '-q', '--bare', content, `${folder}/${name}`])
}
