// Owns a real Docker daemon for tests, on a socket and in a folder of its own, beside whatever else runs on this host: it has no
// network, and leaves the host's alone. Its one image is made of the host's busybox.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const READY_MS = 20_000
const applets = ['sh', 'cat', 'chmod', 'chown', 'echo', 'head', 'id', 'kill', 'ls', 'mkdir']
const more = ['rm', 'seq', 'sleep', 'stat', 'tail', 'touch', 'true', 'wc']

export interface DockerDaemon extends AsyncDisposable {
  host: string
  image: string
  docker(...args: string[]): Promise<string>
}

const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/usr/bin', '/bin']
const programOn = (name: string) => folders.map((folder) => join(folder, name)).find((file) => existsSync(file))

/** It needs root; the programs are there wherever the tests' packages are. */
export const canRunDocker = process.getuid?.() === 0 && ['dockerd', 'busybox'].every(programOn)

export async function startDockerDaemon(): Promise<DockerDaemon> {
  // A short path: the names of sockets have at most 107 bytes.
  const folder = mkdtempSync('/tmp/af-dockerd-')
  const host = `unix://${join(folder, 'docker.sock')}`
  const places = ['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')]
  const plain = ['--iptables=false', '--ip6tables=false', '--bridge=none', '--storage-driver=vfs']
  const daemon = spawn(programOn('dockerd')!, [...places, ...plain, '-H', host, '--pidfile', join(folder, 'pid')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  daemon.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4000)))
  const gone = once(daemon, 'close')
  const answering = new Promise<void>((resolve, reject) => {
    daemon.stderr.on('data', () => said.includes('API listen on') && resolve())
    daemon.once('close', () => reject(new Error(`The Docker daemon has ended: ${said}`)))
    daemon.once('error', reject)
    setTimeout(() => reject(new Error(`The Docker daemon does not answer: ${said}`)), READY_MS).unref()
  })
  const docker = async (...args: string[]) =>
    (await run('docker', args, { env: { PATH: process.env['PATH'] ?? '', DOCKER_HOST: host, HOME: folder } })).stdout
  const end = async () => {
    daemon.kill('SIGTERM')
    await gone
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    await answering
    const image = await importBusybox(folder, docker)
    return { host, image, docker, [Symbol.asyncDispose]: end }
  } catch (error) {
    await end()
    throw error
  }
}

async function importBusybox(folder: string, docker: DockerDaemon['docker']): Promise<string> {
  const root = join(folder, 'root')
  for (const name of ['bin', 'tmp', 'etc', 'root']) mkdirSync(join(root, name), { recursive: true })
  copyFileSync(programOn('busybox')!, join(root, 'bin/busybox'))
  for (const name of [...applets, ...more]) symlinkSync('busybox', join(root, 'bin', name))
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n')
  const tar = join(folder, 'root.tar')
  await run('tar', ['-C', root, '-cf', tar, '.'])
  const image = 'af/box:1'
  await docker('import', '--change', 'ENV FROM_IMAGE=yes', '--change', 'USER 1234', tar, image)
  return image
}
