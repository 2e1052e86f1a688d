// Owns that a job's image is on this host, fetched as its step says.
import type { ContainerExecution } from '@ansflow/proto/gen/ansflow/agent/v1/link_pb'
import { ImagePull } from '@ansflow/proto/gen/ansflow/v1/graph_pb'
import type { PhaseContext } from '../steps/step-kind.ts'
import type { ContainerNote } from './container-note.ts'
import { callRuntime, type Runtime, RuntimeError } from './runtime.ts'

type Image = ContainerNote['image']

/** In these words both runtimes tell of one image: all of it would be a list in one of them. */
const FORMAT = '{{.Id}} {{json .RepoDigests}}'

/** Throws a sentence when there is none. */
export async function fetchImage(
  runtime: Runtime,
  { image: name, pull }: Pick<ContainerExecution, 'image' | 'pull'>,
  { signal, say }: Pick<PhaseContext, 'signal' | 'say'>,
): Promise<Image> {
  const here = pull === ImagePull.ALWAYS ? undefined : await imageHere(runtime, name, signal)
  if (here) return here
  if (pull === ImagePull.NEVER)
    throw new Error(`The image ${name} is not on this agent's host, and the step says pull: never.`)
  say(`Fetching the image ${name}.`)
  try {
    await callRuntime(runtime, ['pull', '--quiet', name], { signal })
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error
    throw new Error(`The image ${name} cannot be fetched: ${error.message}`)
  }
  const fetched = await imageHere(runtime, name, signal)
  if (!fetched) throw new Error(`The image ${name} was fetched, but is not there.`)
  return fetched
}

async function imageHere(runtime: Runtime, name: string, signal: AbortSignal): Promise<Image | undefined> {
  try {
    const told = await callRuntime(runtime, ['image', 'inspect', '--format', FORMAT, name], { signal })
    const [hash = '', repositories = 'null'] = told.trim().split(' ')
    const id = hash.includes(':') ? hash : `sha256:${hash}`
    // Of several repositories that have it, that of the name.
    const digests = (JSON.parse(repositories) as string[] | null) ?? []
    const digest = digests.find((each) => name.startsWith(each.split('@')[0]!)) ?? digests[0]
    return { name, id, digest: digest?.split('@')[1] ?? id }
  } catch (error) {
    if (error instanceof RuntimeError) return undefined
    throw error
  }
}
