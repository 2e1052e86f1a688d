// Owns what Podman keeps for tests, in a folder of its own: its containers have no network, and no daemon is begun.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type ContainerHost, importBusybox, programOn } from './busybox-image.ts'

const run = promisify(execFile)

/** The limits are such as a root without all of its rights may set. */
const settings = `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
netns = "none"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
`

/** As root: without, what it can depends on how the host was set up. */
export const canRunPodman = process.getuid?.() === 0 && ['podman', 'catatonit', 'runc', 'busybox'].every(programOn)

export async function openPodmanStore(): Promise<ContainerHost> {
  const folder = mkdtempSync('/tmp/af-podman-')
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const places = `[storage]\ndriver = "vfs"\ngraphroot = "${folder}/kept"\nrunroot = "${folder}/run"\n`
  const env = {
    ANSFLOW_AGENT_CONTAINERS: 'podman',
    CONTAINERS_CONF: file('containers.conf', settings),
    CONTAINERS_STORAGE_CONF: file('storage.conf', places),
  }
  const call = async (...args: string[]) =>
    (await run('podman', args, { env: { PATH: process.env['PATH'] ?? '', ...env, HOME: folder } })).stdout
  const end = async () => {
    await call('rm', '--all', '--force')
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    return { env, image: await importBusybox(folder, call, 'localhost/af/box:1'), call, [Symbol.asyncDispose]: end }
  } catch (error) {
    await end()
    throw error
  }
}
