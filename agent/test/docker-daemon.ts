// Owns a real Docker daemon for tests, on a socket and in a folder of its own, beside whatever else runs on this host: it has no
// network, and leaves the host's alone.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type ContainerHost, importBusybox, programOn } from './busybox-image.ts'

const run = promisify(execFile)
const READY_MS = 20_000

export interface DockerDaemon extends ContainerHost {
  /** The path of its socket. */
  socket: string
}

/** It needs root; the programs are there wherever the tests' packages are. */
export const canRunDocker = process.getuid?.() === 0 && ['dockerd', 'busybox'].every(programOn)

export async function startDockerDaemon(): Promise<DockerDaemon> {
  // A short path: the names of sockets have at most 107 bytes.
  const folder = mkdtempSync('/tmp/af-dockerd-')
  const socket = join(folder, 'docker.sock')
  const env = { ANSFLOW_AGENT_CONTAINERS: 'auto', DOCKER_HOST: `unix://${socket}` }
  const places = ['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')]
  const plain = ['--iptables=false', '--ip6tables=false', '--bridge=none', '--storage-driver=vfs']
  const daemon = spawn(
    programOn('dockerd')!,
    [...places, ...plain, '-H', env.DOCKER_HOST, '--pidfile', join(folder, 'pid')],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  let said = ''
  daemon.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4000)))
  const gone = once(daemon, 'close')
  const answering = new Promise<void>((resolve, reject) => {
    daemon.stderr.on('data', () => said.includes('API listen on') && resolve())
    daemon.once('close', () => reject(new Error(`The Docker daemon has ended: ${said}`)))
    daemon.once('error', reject)
    setTimeout(() => reject(new Error(`The Docker daemon does not answer: ${said}`)), READY_MS).unref()
  })
  const call = async (...args: string[]) =>
    (await run('docker', args, { env: { PATH: process.env['PATH'] ?? '', ...env, HOME: folder } })).stdout
  const end = async () => {
    daemon.kill('SIGTERM')
    await gone
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    await answering
    const image = await importBusybox(folder, call, 'af/box:1')
    return { socket, env, image, call, [Symbol.asyncDispose]: end }
  } catch (error) {
    await end()
    throw error
  }
}
