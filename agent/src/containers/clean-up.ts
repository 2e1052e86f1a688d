// Owns what becomes of a container when its job has ended: it goes, and what its root has left in the workspace is handed to
// whom steps run as, so that the next step and the agent can use and remove it.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { PhaseContext } from '../steps/step-kind.ts'
import { mount } from './container-command.ts'
import { type ContainerNote, containerName, notedContainer } from './container-note.ts'
import { callRuntime, RuntimeError, removeContainers } from './runtime.ts'

const run = promisify(execFile)
const HAND_BACK = 'chown -hR "$1" "$2" && chmod -R u+rwX "$2"'

export async function cleanUpContainer(context: PhaseContext): Promise<void> {
  const { folder, signal } = context
  const note = notedContainer(folder)
  if (!note) return
  const name = containerName(folder)
  await removeContainers(note.runtime, [name], { signal }).catch((error) => {
    if (!(error instanceof RuntimeError) || !/no such container/i.test(error.message)) throw error
  })
  await handBack(note, context)
}

/** Root removes what it likes, and steps with a user of their own are no root in a container. */
async function handBack({ runtime, image }: ContainerNote, { workspace, signal }: PhaseContext): Promise<void> {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0]
  if (uid === 0 || !(await hasOthersFiles(workspace, uid, signal))) return
  const owner = runtime.isRootless ? '0:0' : `${uid}:${gid}`
  const args = ['run', '--rm', '--network', 'none', '--user', '0:0', '--log-driver', 'none']
  args.push('--security-opt', 'label=disable', '--mount', mount(workspace), '--entrypoint', '/bin/sh')
  try {
    await callRuntime(runtime, [...args, image.id, '-c', HAND_BACK, 'sh', owner, workspace], { signal })
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error
    throw new Error(`Files in the workspace stay root's: ${error.message}`)
  }
}

/** Also when it may not look everywhere. */
async function hasOthersFiles(path: string, uid: number, signal: AbortSignal): Promise<boolean> {
  try {
    const { stdout } = await run('find', [path, '!', '-uid', String(uid), '-print', '-quit'], { signal })
    return stdout !== ''
  } catch {
    signal.throwIfAborted()
    return true
  }
}
