// Owns the execution kind "container": a script in a container of its own, with the workspace in it.
import { cleanUpContainer } from '../containers/clean-up.ts'
import { containerName, noteContainer } from '../containers/container-note.ts'
import { ContainerProcess } from '../containers/container-process.ts'
import { fetchImage } from '../containers/images.ts'
import { RuntimeUnavailable } from '../containers/runtime.ts'
import type { StepKind } from './step-kind.ts'

export const container: StepKind<'container'> = {
  outputs: [],
  async prepare(execution, context) {
    const { folder, host, say } = context
    const { runtime } = host.containers
    if (!runtime) throw new RuntimeUnavailable('The container runtime of this host does not answer.')
    const image = await fetchImage(runtime, execution, context)
    say(`Image ${image.name} (${image.digest})`)
    noteContainer(folder, { runtime, image, name: containerName(folder) })
  },
  main: (execution, folder) => new ContainerProcess(execution, folder),
  cleanUp: (_execution, context) => cleanUpContainer(context),
}
