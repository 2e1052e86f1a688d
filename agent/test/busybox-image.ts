// The one image of the tests of containers: the host's busybox.
import { execFile } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const applets = ['sh', 'cat', 'chmod', 'chown', 'echo', 'head', 'id', 'kill', 'ls', 'mkdir']
const more = ['rm', 'seq', 'sleep', 'stat', 'tail', 'touch', 'true', 'wc']

const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/usr/bin', '/bin']
export const programOn = (name: string) => folders.map((folder) => join(folder, name)).find((file) => existsSync(file))

/** A runtime of containers that is the tests' own: what it keeps is in a folder of theirs. */
export interface ContainerHost extends AsyncDisposable {
  image: string
  /** By which an agent finds it, and no other. */
  env: Record<string, string>
  /** What its program prints. */
  call(...args: string[]): Promise<string>
}

export async function importBusybox(folder: string, call: ContainerHost['call'], image: string): Promise<string> {
  const root = join(folder, 'root')
  for (const name of ['bin', 'tmp', 'etc', 'root']) mkdirSync(join(root, name), { recursive: true })
  copyFileSync(programOn('busybox')!, join(root, 'bin/busybox'))
  for (const name of [...applets, ...more]) symlinkSync('busybox', join(root, 'bin', name))
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n')
  const tar = join(folder, 'root.tar')
  await run('tar', ['-C', root, '-cf', tar, '.'])
  await call('import', '--change', 'ENV FROM_IMAGE=yes', '--change', 'USER 1234', tar, image)
  return image
}
